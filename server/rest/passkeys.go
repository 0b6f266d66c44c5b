package rest

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/signin"
)

// site is this server as the browser of a request sees it.
func (s *server) site(r *http.Request) signin.Site {
	u := s.address(r)
	return signin.Site{Host: u.Hostname(), Origin: u.Scheme + "://" + u.Host}
}

// beginPasskey sends the options for navigator.credentials.get.
func (s *server) beginPasskey(w http.ResponseWriter, r *http.Request) error {
	if !s.isSecure(r) && !isLocal(r) {
		return needsHTTPS()
	}
	options, sealed, err := s.gate.BeginPasskey(s.site(r))
	if err != nil {
		return err
	}
	s.setFlow(w, r, sealed)
	return sendJSON(w, http.StatusOK, options)
}

// signed is what a browser has signed, with the name of the device, or of a new passkey.
type signed struct {
	Credential jsontext.Value `json:"credential"`
	Name       string         `json:"name"`
	Link       string         `json:"link"`
}

// answer is what a browser has signed, and the link that led there.
type answer struct {
	signin.Answer
	link string
}

// answer reads what a browser has signed. What it keeps for that is gone afterwards.
func (s *server) answer(w http.ResponseWriter, r *http.Request) (answer, error) {
	var body signed
	if err := s.decodeBody(w, r, api.MaxUserBody, &body); err != nil {
		return answer{}, err
	}
	a := answer{signin.Answer{Site: s.site(r), Body: body.Credential, Name: body.Name}, body.Link}
	if c, err := r.Cookie(s.flowName(r)); err == nil {
		a.Sealed = c.Value
	}
	s.setFlow(w, r, "")
	return a, s.gate.AdmitNetwork(scopeOf(r.Context()).network)
}

// endPasskey signs in who has signed with a passkey.
func (s *server) endPasskey(w http.ResponseWriter, r *http.Request) error {
	a, err := s.answer(w, r)
	if err != nil {
		return err
	}
	secret, err := s.gate.FinishPasskey(r.Context(), a.Answer)
	if err != nil {
		return err
	}
	return s.signedIn(w, r, secret)
}

// ownSession fails unless a request comes from who has signed in: not with a token, and not through
// a proxy that signs people in.
func ownSession(r *http.Request, id string) error {
	who := scopeOf(r.Context()).who
	if who.Account != id || who.Grant.Kind != account.Session {
		return api.NewProblem(api.CodeForbidden, "Not allowed", "passkeys are for who has signed in to the account here")
	}
	return nil
}

// beginAccepting sends the options for navigator.credentials.create, for a link's account.
func (s *server) beginAccepting(w http.ResponseWriter, r *http.Request) error {
	if !s.isSecure(r) && !isLocal(r) {
		return needsHTTPS()
	}
	var body struct {
		Link string `json:"link"`
	}
	if err := s.decodeBody(w, r, maxFlow, &body); err != nil {
		return err
	}
	if err := s.gate.AdmitNetwork(scopeOf(r.Context()).network); err != nil {
		return err
	}
	options, sealed, err := s.gate.BeginAccepting(s.site(r), body.Link)
	if err != nil {
		return err
	}
	s.setFlow(w, r, sealed)
	return sendJSON(w, http.StatusOK, options)
}

// endAccepting adds a passkey to a link's account, and signs it in.
func (s *server) endAccepting(w http.ResponseWriter, r *http.Request) error {
	a, err := s.answer(w, r)
	if err != nil {
		return err
	}
	secret, err := s.gate.FinishAccepting(r.Context(), a.link, a.Answer)
	if err != nil {
		return err
	}
	return s.signedIn(w, r, secret)
}

func (s *server) listPasskeys(w http.ResponseWriter, r *http.Request) error {
	if err := manages(r, r.PathValue("id")); err != nil {
		return err
	}
	return sendJSON(w, http.StatusOK, map[string]any{"passkeys": s.gate.Passkeys(r.PathValue("id"))})
}

// beginAdding sends the options for navigator.credentials.create.
func (s *server) beginAdding(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := ownSession(r, id); err != nil {
		return err
	}
	options, sealed, err := s.gate.BeginAdding(s.site(r), id)
	if err != nil {
		return err
	}
	s.setFlow(w, r, sealed)
	return sendJSON(w, http.StatusOK, options)
}

// addPasskey adds what a browser has made.
func (s *server) addPasskey(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := ownSession(r, id); err != nil {
		return err
	}
	a, err := s.answer(w, r)
	if err == nil {
		err = s.gate.FinishAdding(r.Context(), scopeOf(r.Context()).who, a.Answer)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) dropPasskey(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := manages(r, id); err != nil {
		return err
	}
	err := s.decide(r, func(state *account.State) (account.Change, error) {
		return state.DropPasskey(s.act(r), id, r.PathValue("passkey"))
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
