package rest

import (
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/rollcall/rollcall/api"
)

// refusalPause is how often a refusal is logged: once for the operator who has a flag to
// set, however many requests there are.
const refusalPause = time.Minute

// guard refuses requests for names that are not the server's, and those of other sites'
// pages.
func (s *server) guard(next http.Handler) http.Handler {
	var told rate.Sometimes
	told.Interval = refusalPause
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := s.refusal(r); p != nil {
			told.Do(func() {
				s.log.Warn("refused a request", "request", scopeOf(r.Context()).id, "code", p.Code, "reason", p.Detail)
			})
			writeProblem(w, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) refusal(r *http.Request) *api.Problem {
	if s.proxied && !s.admission.limits.Proxies.sent(r) && r.URL.Path != api.PathHealth && r.URL.Path != api.PathReady {
		return api.NewProblem(api.CodeForbidden, "Not through the proxy",
			"this server takes requests from its proxy only; if this one came from it, start the server with its network in -trusted-proxies")
	}
	forwarded := s.admission.limits.Proxies.forwardedHost(r)
	if p := s.policy.Host(r, forwarded); p != nil {
		return p
	}
	if strings.HasPrefix(r.URL.Path, api.PathPrefix) {
		return s.policy.Site(r, forwarded)
	}
	return s.policy.Page(r)
}
