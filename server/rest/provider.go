package rest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/signin"
	"github.com/rollcall/rollcall/server/store"
)

// flowCookie keeps a sign-in that is under way at a provider, for ten minutes. It comes back from
// another site, which a strict cookie does not.
const (
	flowCookie  = "__Host-rollcall-flow"
	localFlow   = "rollcall-flow"
	flowSeconds = 10 * 60
	maxFlow     = 2 << 10
)

// beginProvider says where a browser goes to sign in. With a link, the account is the link's.
func (s *server) beginProvider(w http.ResponseWriter, r *http.Request) error {
	if !s.isSecure(r) && !isLocal(r) {
		return needsHTTPS()
	}
	if s.provider == nil {
		return api.NewProblem(api.CodeNotFound, "No provider", "this server has no provider where people sign in")
	}
	var body struct {
		Link   string `json:"link"`
		Device string `json:"device"`
	}
	if err := s.decodeBody(w, r, maxFlow, &body); err != nil {
		return err
	}
	if err := s.gate.AdmitNetwork(scopeOf(r.Context()).network); err != nil {
		return err
	}
	address, flow, err := s.provider.Begin(r.Context(), s.redirect(r))
	if err != nil {
		return s.providerFailed(r, err)
	}
	flow.Link, flow.Device = body.Link, body.Device
	text, err := json.Marshal(flow)
	if err != nil {
		return err
	}
	s.setFlow(w, r, base64.RawURLEncoding.EncodeToString(text))
	return sendJSON(w, http.StatusOK, map[string]string{"location": address})
}

// endProvider takes a browser that comes back from the provider.
func (s *server) endProvider(w http.ResponseWriter, r *http.Request) error {
	flow, ok := s.flow(r)
	q := r.URL.Query()
	s.setFlow(w, r, "")
	switch {
	case !ok || q.Get("state") != flow.State:
		return api.NewProblem(api.CodeForbidden, "Start again", "this sign-in was not begun in this browser, or took longer than ten minutes")
	case q.Get("error") != "":
		return api.NewProblem(api.CodeForbidden, "Not signed in", "the provider says: "+store.PrintableStart(q.Get("error")+" "+q.Get("error_description")))
	}
	if err := s.gate.AdmitNetwork(scopeOf(r.Context()).network); err != nil {
		return err
	}
	claim, err := s.provider.Finish(r.Context(), s.redirect(r), flow, q.Get("code"))
	if err != nil {
		return s.providerFailed(r, err)
	}
	secret, err := s.gate.SignInWith(r.Context(), claim, flow)
	if err != nil {
		return err
	}
	who, _ := s.gate.State().Identify(secret, account.Session, s.gate.Now())
	scopeOf(r.Context()).who = who
	s.setSession(w, r, secret)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (s *server) providerFailed(r *http.Request, err error) error {
	s.log.Error("a sign-in at the provider failed", "request", scopeOf(r.Context()).id, "error", err)
	return api.NewProblem(api.CodeUnavailable, "The sign-in failed", "the provider could not be asked, or its answer is not valid; try again, or tell who runs this server")
}

// redirect is where the provider sends a browser back to: the address that this request was for.
func (s *server) redirect(r *http.Request) string {
	u := s.address(r)
	u.Path = api.PathProviderBack
	return u.String()
}

// address is where the browser of a request has found this server.
func (s *server) address(r *http.Request) url.URL {
	u := url.URL{Scheme: "http", Host: r.Host}
	if forwarded := s.admission.limits.Proxies.forwardedHost(r); forwarded != "" {
		u.Host = forwarded
	}
	if s.isSecure(r) {
		u.Scheme = "https"
	}
	return u
}

func (s *server) flowName(r *http.Request) string {
	if s.isSecure(r) {
		return flowCookie
	}
	return localFlow
}

func (s *server) setFlow(w http.ResponseWriter, r *http.Request, value string) {
	name := s.flowName(r)
	c := http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: name == flowCookie, MaxAge: flowSeconds}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, &c)
}

// flow is the sign-in that a browser has under way.
func (s *server) flow(r *http.Request) (f signin.Flow, ok bool) {
	c, err := r.Cookie(s.flowName(r))
	if err != nil {
		return f, false
	}
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	return f, err == nil && json.Unmarshal(text, &f) == nil
}

// forPeople answers a page of the sign-in, whose errors a person reads.
func (s *server) forPeople(do func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := do(w, r); err != nil {
			p := problemOf(err)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(p.Status)
			_, _ = fmt.Fprintf(w, pageForPeople, html.EscapeString(p.Title), html.EscapeString(sentence(p.Detail))) // the browser may be gone
		}
	}
}

// pageForPeople has a way back: an installed app shows no other.
const pageForPeople = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>%[1]s</title>
<main>
<h1>%[1]s</h1>
<p>%[2]s</p>
<p><a href="` + api.PathMe + `">Back to the directory</a></p>
</main>
`

// sentence is a detail as a sentence of its own.
func sentence(detail string) string {
	first, size := utf8.DecodeRuneInString(detail)
	return string(unicode.ToUpper(first)) + detail[size:] + "."
}
