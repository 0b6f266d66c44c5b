package rest

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/origin"
)

// Cookies that hold a session's secret. The prefix makes browsers keep the first for HTTPS, this
// host and all paths only. On http://localhost there is no HTTPS, and the second is used.
const (
	SessionCookie = "__Host-rollcall"
	LocalCookie   = "rollcall"
)

// authorise finds out who sent a request, and fails if they may not do what needs a role. It
// comes before everything that a handler does: no page is shared with who has not signed in.
func (s *server) authorise(r *http.Request, needed account.Role) error {
	own := scopeOf(r.Context())
	own.needs = needed
	who, refusal := s.identify(r)
	switch {
	case refusal == account.Admitted:
	case needed == account.Anyone:
		return nil
	case refusal == account.Disabled:
		// A device deletes its data at this word: it must not be the word about somebody else.
		if err := meant(r, needed, who.Account); err != nil {
			return err
		}
		return refusal.Problem()
	default:
		return refusal.Problem()
	}
	s.gate.Used(who, s.gate.Now())
	own.who = who
	if !who.Role.Permits(needed) {
		return account.ForbiddenProblem(who, needed)
	}
	return nil
}

// identify returns whose secret a request has. A token counts alone: a wrong one does not fall
// back to a browser's session.
func (s *server) identify(r *http.Request) (account.Principal, account.Refusal) {
	state, now := s.gate.State(), s.gate.Now()
	if state.Open() {
		return account.Open, account.Admitted
	}
	if given := r.Header.Get("Authorization"); given != "" {
		scheme, token, _ := strings.Cut(given, " ")
		if strings.EqualFold(scheme, "Bearer") {
			return state.Identify(strings.TrimSpace(token), account.Token, now)
		}
	}
	if name := s.vouchedFor(r); name != "" {
		return state.Vouched(name)
	}
	return state.Identify(s.sessionSecret(r), account.Session, now)
}

// sessionSecret returns the secret that a browser keeps, "" for none.
func (s *server) sessionSecret(r *http.Request) string {
	c, err := r.Cookie(SessionCookie)
	if err != nil && !s.isSecure(r) && isLocal(r) {
		c, err = r.Cookie(LocalCookie)
	}
	if err != nil {
		return ""
	}
	return c.Value
}

// vouchedFor returns whom a proxy says it has signed in, "" for nobody. Only proxies that were named
// count: any program of this machine, or on the way, could say it as well.
func (s *server) vouchedFor(r *http.Request) string {
	if s.vouching == "" {
		return ""
	}
	given := r.Header.Values(s.vouching)
	peer, ok := parseAddr(r.RemoteAddr)
	if len(given) != 1 || !ok || !contains(s.admission.limits.Proxies, peer) {
		return ""
	}
	return given[0]
}

// still reports whether who sent a request may go on.
func (s *server) still(r *http.Request, needed account.Role) bool {
	now := s.gate.Now()
	who, refusal := s.gate.State().Again(scopeOf(r.Context()).who, now)
	if refusal != account.Admitted || !who.Role.Permits(needed) {
		return false
	}
	s.gate.Used(who, now)
	return true
}

// isSecure reports whether a browser sent a request over HTTPS. A proxy that does not say so leaves the
// Origin, which browsers send with what changes something.
func (s *server) isSecure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" || strings.HasPrefix(r.Header.Get("Origin"), "https://") ||
		s.proxied && !isLocal(r)
}

// isLocal reports whether a request is for this machine by a name that leads nowhere else.
func isLocal(r *http.Request) bool {
	if a, err := netip.ParseAddrPort(r.Host); err == nil {
		return a.Addr().IsLoopback()
	}
	a, err := netip.ParseAddr(strings.Trim(r.Host, "[]"))
	return err == nil && a.IsLoopback() || origin.IsLocalhost(r.Host)
}

// setSession gives a browser its session's secret, or takes it away if there is none.
func (s *server) setSession(w http.ResponseWriter, r *http.Request, secret string) {
	c := http.Cookie{Name: SessionCookie, Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: true, MaxAge: int(account.SessionIdle.Seconds())}
	if !s.isSecure(r) {
		c.Name, c.Secure = LocalCookie, false
	}
	if secret == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, &c)
}
