package rest

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/signin"
)

// showSession says who a request comes from. It never asks for a sign-in. Each page asks once: the
// browser keeps a session that is in use as long as the server does.
func (s *server) showSession(w http.ResponseWriter, r *http.Request) error {
	who := scopeOf(r.Context()).who
	if who.Grant.Kind == account.Session && who.Grant.Stale(s.gate.Now()) {
		s.setSession(w, r, s.sessionSecret(r))
	}
	return s.sendSession(w, who)
}

func (s *server) sendSession(w http.ResponseWriter, who account.Principal) error {
	session := api.Session{Open: s.gate.State().Open()}
	if s.provider != nil {
		session.Provider = s.provider.Name
	}
	if who.Account != "" {
		session.Account = &api.Identity{ID: who.Account, Name: who.Name, DisplayName: who.Display, Role: string(who.Role)}
	}
	return sendJSON(w, http.StatusOK, session)
}

func sendJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	writeJSON(w, status, append(body, '\n'))
	return nil
}

// signIn starts a session. Over plain HTTP a password would be read on the way, and the cookie
// would not come back.
func (s *server) signIn(w http.ResponseWriter, r *http.Request) error {
	if !s.isSecure(r) && !isLocal(r) {
		return needsHTTPS()
	}
	if _, refusal := s.identify(r); refusal == account.Stranger {
		return account.StrangerProblem() // the proxy's word would count again with the next request
	}
	var body api.SignIn
	if err := s.decodeBody(w, r, api.MaxUserBody, &body); err != nil {
		return err
	}
	attempt := signin.Attempt{Name: body.Name, Password: body.Password, Device: body.Device, Network: scopeOf(r.Context()).network}
	var secret string
	var err error
	if body.Link != "" {
		secret, err = s.gate.Accept(r.Context(), body.Link, attempt)
	} else {
		secret, err = s.gate.SignIn(r.Context(), attempt)
	}
	if err != nil {
		return err
	}
	return s.signedIn(w, r, secret)
}

// signedIn gives a browser its new session, in the place of the one that it had.
func (s *server) signedIn(w http.ResponseWriter, r *http.Request, secret string) error {
	if err := s.endOwn(r); err != nil {
		return err
	}
	who, _ := s.gate.State().Identify(secret, account.Session, s.gate.Now())
	scopeOf(r.Context()).who = who
	s.setSession(w, r, secret)
	return s.sendSession(w, who)
}

func needsHTTPS() error {
	return api.NewProblem(api.CodeForbidden, "Signing in needs HTTPS",
		"open this site by https://; its operator sets it up with -tls-cert, or with a proxy that sends X-Forwarded-Proto")
}

// signOut ends the session of a request. Without one, there is nothing to do.
func (s *server) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.endOwn(r); err != nil {
		return err
	}
	s.setSession(w, r, "")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// endOwn ends the session that a request was sent with.
func (s *server) endOwn(r *http.Request) error {
	who := scopeOf(r.Context()).who
	if who.Grant.Kind != account.Session {
		return nil
	}
	return s.gate.Decide(r.Context(), func(state *account.State) (account.Change, error) {
		if _, ok := state.Grants[who.Grant.Hash]; !ok {
			return account.Change{}, nil // another request was first
		}
		return state.EndGrant(s.act(r), who.Account, who.Grant.ID)
	})
}

// act is the sender of a request, who decides now.
func (s *server) act(r *http.Request) account.Act {
	return account.Act{By: scopeOf(r.Context()).who.Account, Now: s.gate.Now()}
}

// decide changes the accounts for the sender of a request, if they still may.
func (s *server) decide(r *http.Request, decide func(*account.State) (account.Change, error)) error {
	return s.gate.DecideAs(r.Context(), scopeOf(r.Context()).who, decide)
}

// changePassword sets a new password for who knows the present one.
func (s *server) changePassword(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Present string `json:"present"`
		New     string `json:"new"`
	}
	if err := s.decodeBody(w, r, api.MaxUserBody, &body); err != nil {
		return err
	}
	own := scopeOf(r.Context())
	if own.who.Grant.Kind != account.Session {
		return api.NewProblem(api.CodeForbidden, "Not allowed", "only who has signed in with a password can change it")
	}
	if err := s.gate.ChangePassword(r.Context(), own.who, signin.Attempt{Password: body.Present, Network: own.network}, body.New); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
