package origin

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rollcall/rollcall/api"
)

// Policy decides which requests a server takes. Its methods may be called by many
// goroutines.
type Policy struct {
	hosts    *Hosts // nil for any
	fetched  http.CrossOriginProtection
	declared http.CrossOriginProtection // knows the origins that the operator gave
}

// NewPolicy returns the policy of a server with these names, and comma-separated origins
// whose pages count as its own. Without hosts, it answers to any name.
func NewPolicy(hosts *Hosts, origins string) (*Policy, error) {
	p := &Policy{hosts: hosts}
	for part := range strings.SplitSeq(origins, ",") {
		part = strings.ToLower(strings.TrimSpace(part))
		if part == "" {
			continue
		}
		if err := p.declared.AddTrustedOrigin(part); err != nil {
			return nil, fmt.Errorf("%q must be the scheme and the name, such as https://directory.example.org", part)
		}
	}
	return p, nil
}

// Host returns the problem of a request for a name that is not the server's; nil for none.
// forwarded is the name that a trusted proxy says it was asked for, "" for none. It counts
// once the operator has said what the names are.
func (p *Policy) Host(r *http.Request, forwarded string) *api.Problem {
	if p.hosts == nil {
		return nil
	}
	host := r.Host
	if p.hosts.Known(host, local(r)) {
		if forwarded == "" || !p.hosts.Given() || p.hosts.Known(forwarded, local(r)) {
			return nil
		}
		host = forwarded
	}
	name := hostname(host)
	if !plain(name) {
		return api.NewProblem(api.CodeUnknownHost, "Unknown host", "the request does not say which server it is for, in a way that this one understands")
	}
	return api.NewProblem(api.CodeUnknownHost, "Unknown host",
		"this server does not answer to the name "+name+"; if it should, start it with -hosts "+name+" or ROLLCALL_HOSTS="+name)
}

// Site returns the problem of a request to the API from a page of another site; nil for
// none. Reads are judged as writes are: an event stream, for one, is held open.
//
// Browsers say in Sec-Fetch-Site where a request comes from, if the server is on HTTPS or
// on their own machine. Elsewhere there may be an Origin. Other programs send neither.
func (p *Policy) Site(r *http.Request, forwarded string) *api.Problem {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if site == "" && origin == "" {
		return nil
	}
	judged := &http.Request{Method: http.MethodPost, Header: r.Header}
	if site != "" {
		if p.fetched.Check(judged) != nil {
			return crossSite("pages of other sites may not ask here")
		}
		return nil
	}
	for _, host := range []string{r.Host, forwarded} {
		judged.Host = withoutDefaultPort(strings.ToLower(host), origin)
		// Without a host, "null" and other origins of nobody would match.
		if host != "" && p.declared.Check(judged) == nil {
			return nil
		}
	}
	return crossSite("pages of " + shown(origin) + " may not ask here; if that is this server's own address, the proxy in front of it has to " +
		"keep Host, or the server has to be started with -origins or ROLLCALL_ORIGINS set to that address")
}

func crossSite(detail string) *api.Problem {
	return api.NewProblem(api.CodeCrossSite, "Cross-site request", detail)
}

// Page returns the problem of a request for anything but the API; nil for none. Links, portals
// and what a sign-in leads back to come from other sites, as navigations of a whole tab.
func (p *Policy) Page(r *http.Request) *api.Problem {
	h := r.Header
	if h.Get("Sec-Fetch-Site") == "" || h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document" {
		return nil
	}
	return p.Site(r, "")
}

// withoutDefaultPort removes from a host the port that an origin leaves out.
func withoutDefaultPort(host, origin string) string {
	scheme, _, _ := strings.Cut(origin, ":")
	switch scheme {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}

// shown returns an origin as it may be repeated: browsers send no others.
func shown(origin string) string {
	scheme, host, ok := strings.Cut(origin, "://")
	if ok && (scheme == "http" || scheme == "https") && plain(strings.NewReplacer("[", "", "]", "").Replace(strings.ToLower(host))) {
		return origin
	}
	return "another site"
}
