package rest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/signin"
	"github.com/rollcall/rollcall/server/signin/signintest"
)

// trip is a browser's way through the provider.
type trip struct {
	h      *house
	back   *url.URL
	cookie *http.Cookie
}

// begin goes to the provider, which sends the browser back.
func (h *house) begin(body any, header ...string) trip {
	h.t.Helper()
	a := h.do("", "POST", api.PathProvider, body, header...).status(200)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 5 * time.Second}
	resp, err := client.Get(decode[struct{ Location string }](a).Location)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	back, err := resp.Location()
	if err != nil {
		h.t.Fatalf("the provider answers %s: %v", resp.Status, err)
	}
	return trip{h, back, cookieOf(h.t, a)}
}

// end comes back, and returns the answer.
func (t trip) end(change func(url.Values), cookie string) answer {
	t.h.t.Helper()
	q := t.back.Query()
	if change != nil {
		change(q)
	}
	r := httptest.NewRequest("GET", t.back.Path+"?"+q.Encode(), http.NoBody)
	r.Host = t.back.Host
	r.Header.Set("Sec-Fetch-Site", "cross-site") // as a navigation comes back
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	t.h.bare.ServeHTTP(w, r) // the contract does not have this page
	return answer{t: t.h.t, Status: w.Code, Header: w.Result().Header, Body: w.Body.Bytes()}
}

func (t trip) own() string { return t.cookie.Name + "=" + t.cookie.Value }

// sessionIn is the session's secret in an answer, "" for none.
func sessionIn(a answer) string {
	for _, line := range a.Header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil && (c.Name == rest.LocalCookie || c.Name == rest.SessionCookie) {
			return c.Value
		}
	}
	return ""
}

func newProviderHouse(t *testing.T) (*house, *signintest.Provider) {
	t.Helper()
	p := signintest.NewProvider(t)
	return newHouseOf(t, rest.Config{Provider: &signin.Provider{Name: "Our provider", Issuer: p.URL, Client: signintest.Client, Secret: signintest.Secret}}), p
}

// TestProvider: with a link once, by the verified email once, and from then on by the subject.
func TestProvider(t *testing.T) {
	h, p := newProviderHouse(t)
	h.add("root", account.Admin)
	ann, _ := h.add("ann", account.Editor)
	bo, _ := h.add("bo@example.org", account.Viewer)
	if s := decode[api.Session](h.do("", "GET", api.PathSession, nil)); s.Provider != "Our provider" {
		t.Errorf("the provider is called %q", s.Provider)
	}
	var link string
	h.decide(func(s *account.State, act account.Act) (c account.Change, err error) {
		c, link, err = s.NewLink(act, ann.ID, time.Hour)
		return c, err
	})
	in := func(want string, body fields, claims map[string]any) {
		t.Helper()
		p.Claims = claims
		out := h.begin(body)
		a := out.end(nil, out.own())
		secret, who := sessionIn(a), ""
		if secret != "" {
			who = decode[api.Session](h.do(secret, "GET", api.PathSession, nil)).Account.ID
		}
		if who != want || want != "" && (a.Status != 303 || a.Header.Get("Location") != "/") || want == "" && a.Status < 400 {
			t.Errorf("%v signs in %q, want %q: %d %s", claims, who, want, a.Status, a.Body)
		}
	}
	in("", fields{}, map[string]any{"sub": "1", "email": "nobody@example.org", "email_verified": true})
	in("", fields{}, map[string]any{"sub": "2", "email": "bo@example.org"})
	in("", fields{}, map[string]any{"sub": "2", "email": "bo@example.org", "email_verified": false})
	in(bo.ID, fields{"device": "Tablet"}, map[string]any{"sub": "2", "email": "BO@example.org", "email_verified": true})
	in(bo.ID, fields{}, map[string]any{"sub": "2"})
	in("", fields{}, map[string]any{"sub": "3", "email": "bo@example.org", "email_verified": true}) // bo is somebody else there
	in(ann.ID, fields{"link": link}, map[string]any{"sub": "4"})
	in("", fields{"link": link}, map[string]any{"sub": "5"})
	in(ann.ID, fields{}, map[string]any{"sub": "4", "email": "bo@example.org", "email_verified": true})
	cy, _ := h.add("cy@example.org", account.Viewer)
	p.Info = map[string]any{"sub": "7", "email": "cy@example.org", "email_verified": true}
	in("", fields{}, map[string]any{"sub": "6"}) // the information is about another
	in(cy.ID, fields{}, map[string]any{"sub": "7"})
	off := true
	h.decide(func(s *account.State, act account.Act) (account.Change, error) {
		return s.Edit(act, ann.ID, account.Edit{Disabled: &off})
	})
	in("", fields{}, map[string]any{"sub": "4"})
}

// TestProviderRefuses: what is not the answer to a sign-in that this browser has begun.
func TestProviderRefuses(t *testing.T) {
	h, p := newProviderHouse(t)
	h.add("root@example.org", account.Admin)
	good := map[string]any{"sub": "1", "email": "root@example.org", "email_verified": true}
	for name, test := range map[string]func(trip) answer{
		"no cookie":         func(o trip) answer { return o.end(nil, "") },
		"another's cookie":  func(o trip) answer { return o.end(nil, h.begin(fields{}).own()) },
		"no cookie's value": func(o trip) answer { return o.end(nil, o.cookie.Name+"=x") },
		"another state":     func(o trip) answer { return o.end(func(q url.Values) { q.Set("state", "x") }, o.own()) },
		"no state":          func(o trip) answer { return o.end(func(q url.Values) { q.Del("state") }, o.cookie.Name+"=e30") },
		"another code":      func(o trip) answer { return o.end(func(q url.Values) { q.Set("code", "x") }, o.own()) },
		"a code twice":      func(o trip) answer { o.end(nil, o.own()); return o.end(nil, o.own()) },
		"an error": func(o trip) answer {
			return o.end(func(q url.Values) { q.Set("error", "access_denied\x1b[31m<b>") }, o.own())
		},
		"a forged token":   func(o trip) answer { p.Forge = signintest.NewKey(t); return o.end(nil, o.own()) },
		"another client's": func(o trip) answer { p.Claims["aud"] = "x"; return o.end(nil, o.own()) },
		"another issuer's": func(o trip) answer { p.Claims["iss"] = "https://x"; return o.end(nil, o.own()) },
		"another nonce":    func(o trip) answer { p.Claims["nonce"] = "x"; return o.end(nil, o.own()) },
		"an ended token":   func(o trip) answer { p.Claims["exp"] = 1; return o.end(nil, o.own()) },
	} {
		p.Forge, p.Claims = nil, map[string]any{}
		for k, v := range good {
			p.Claims[k] = v
		}
		a := test(h.begin(fields{}))
		if sessionIn(a) != "" || a.Status < 400 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || !strings.Contains(string(a.Body), `href="/account"`) || strings.Contains(string(a.Body), "\x1b") || strings.Contains(string(a.Body), "<b>") {
			t.Errorf("%s: %d %q %s", name, a.Status, a.Header, a.Body)
		}
	}
	p.Forge, p.Claims = nil, good
	out := h.begin(fields{})
	if c := out.cookie; !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 || c.Secure || c.Name != "rollcall-flow" {
		t.Errorf("the cookie is %v", c)
	}
	if a := out.end(nil, out.own()); sessionIn(a) == "" {
		t.Errorf("and what is good: %d %s", a.Status, a.Body)
	}
	secure := h.begin(fields{}, "Host", "directory.example.org", "Origin", "https://directory.example.org")
	if c := secure.cookie; !c.Secure || c.Name != "__Host-rollcall-flow" || secure.back.Scheme != "https" || secure.back.Host != "directory.example.org" {
		t.Errorf("over HTTPS the cookie is %v, and it comes back to %v", c, secure.back)
	}
	h.do("", "POST", api.PathProvider, fields{}, "Host", "directory.example.org").problem(403, api.CodeForbidden)
	h.do("", "POST", api.PathProvider, fields{"link": strings.Repeat("x", 3000)}).problem(413, api.CodeTooLarge)
	p.Close()
	broken := newHouseOf(t, rest.Config{Provider: &signin.Provider{Issuer: p.URL, Client: "x"}})
	broken.do("", "POST", api.PathProvider, fields{}).problem(503, api.CodeUnavailable)
	newHouse(t).do("", "POST", api.PathProvider, fields{}).problem(404, api.CodeNotFound)
}
