//go:build e2e

package e2e_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// signInProxy is a proxy that signs people in: it tells the server who has its cookie, and answers
// everybody else in the way of one of the products.
type signInProxy struct {
	site     *harness.Site
	page     *httptest.Server // its sign-in page at another origin
	cookie   atomic.Value     // what the cookie has to be
	stranger atomic.Value     // func(w, r), which answers who has none
}

const proxyHeader = "X-Forwarded-User"

// vouched are serve's flags behind a proxy that signs people in.
func vouched(header string) []string {
	return []string{"-trusted-proxies", "127.0.0.1", "-auth-header", header}
}

func newSignInProxy(t *testing.T, site *harness.Site, name string) *signInProxy {
	p := &signInProxy{site: site}
	p.page = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.ask(w, r, http.StatusOK) }))
	t.Cleanup(p.page.Close)
	p.end(func(w http.ResponseWriter, r *http.Request) { p.ask(w, r, http.StatusOK) })
	site.Proxy.Filter(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		r.Header.Del(proxyHeader)
		given, err := r.Cookie("portal")
		switch {
		case r.URL.Path == "/oauth2/callback":
			http.SetCookie(w, &http.Cookie{Name: "portal", Value: p.cookie.Load().(string), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
			http.Redirect(w, r, r.URL.Query().Get("rd"), http.StatusFound)
		case r.URL.Path == "/oauth2/start":
			p.ask(w, r, http.StatusOK)
		case err == nil && given.Value == p.cookie.Load():
			r.Header.Set(proxyHeader, name)
			return false
		default:
			p.stranger.Load().(func(http.ResponseWriter, *http.Request))(w, r)
		}
		return true
	})
	return p
}

// end ends all its sessions, and has it answer strangers in another way.
func (p *signInProxy) end(stranger func(http.ResponseWriter, *http.Request)) {
	p.cookie.Store(rand.Text())
	p.stranger.Store(stranger)
}

// ask shows its sign-in page.
func (p *signInProxy) ask(w http.ResponseWriter, r *http.Request, status int) {
	back := r.URL.Query().Get("rd")
	if back == "" {
		back = r.URL.Path
	}
	w.Header().Set("Content-Type", "text/html")
	if r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		w.Header().Set("Cache-Control", "max-age=86400") // as careless as some are
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<!doctype html><title>Proxy</title><h1>Who are you?</h1><a href="%s/oauth2/callback?rd=%s">Continue</a>`, p.site.URL(), url.QueryEscape(back)) // the browser may be gone
}

// strangers are the ways in which products answer who has not signed in.
func (p *signInProxy) strangers() map[string]func(http.ResponseWriter, *http.Request) {
	redirect := func(status int, to string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, to+"?rd="+url.QueryEscape(r.URL.Path), status)
		}
	}
	page := func(status int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) { p.ask(w, r, status) }
	}
	all := map[string]func(http.ResponseWriter, *http.Request){
		"302 to its own path": redirect(302, "/oauth2/start"), "307 to its own path": redirect(307, "/oauth2/start"),
		"200 with a page": page(200), "401 with a page": page(401), "403 with a page": page(403),
		"401 for programs": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Sec-Fetch-Mode") == "navigate" {
				redirect(302, p.page.URL)(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte("{}\n")) // the browser may be gone
		},
	}
	for _, status := range []int{302, 303, 307} {
		all[fmt.Sprint(status, " to another origin")] = redirect(status, p.page.URL)
	}
	return all
}

// keptPages are the files in whose place a cache has a sign-in page.
const keptPages = `(async () => {
	const found = [];
	for (const name of await caches.keys()) {
		const cache = await caches.open(name);
		for (const request of await cache.keys()) {
			if ((await (await cache.match(request)).text()).match(/Who are you\?|\/oauth2\/start|\/login\/username/)) found.push(request.url);
		}
	}
	return found;
})()`

// allowStrangers expects what a browser reports when a proxy answers in the server's place.
func allowStrangers(b *harness.Browser, pages ...*harness.Page) {
	for _, text := range []string{"401", "403", "EventSource", "CORS policy", "ERR_FAILED", "redirect", "MIME type", "Content Security Policy directive", "Manifest", "manifest", "ServiceWorker", "Sign in to sync", "integrity"} {
		b.Allow(text)
		for _, p := range pages {
			p.Allow(text)
		}
	}
}

// TestBehindASignInProxy: whatever it answers who is not signed in, the app says so and keeps the
// work, nothing of its answers is taken for a file, and the button leads to its page.
func TestBehindASignInProxy(t *testing.T) {
	t.Parallel()
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	site.Restart(vouched(proxyHeader)...)
	addThree(site)
	proxy := newSignInProxy(t, site, "bo")
	b := harness.OpenBrowser(t)
	d := directory{b.Open(site.URL() + "/"), t}
	allowStrangers(b, d.Page)
	d.Click("link", "Continue")
	d.isSignedIn()
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.WaitOfflineReady()
	for name, stranger := range proxy.strangers() {
		changes := site.Changes()
		proxy.end(stranger)
		d.edit("Bob Baker", harness.Person{Bio: name})
		d.statusIs("Sign in to sync")
		d.hasState("Bob Baker", "Pending")
		d.GoneText("Offline - Changes will sync when connected")
		harness.Eval[any](d.Page, `rollcall.registration.then((r) => r.update()).catch(() => null).then(() => rollcall.registration).then((r) => r.active.postMessage({type: "MEND"}))`)
		d.Reload() // from the cache
		d.statusIs("Sign in to sync")
		d.hasState("Bob Baker", "Pending")
		if kept := harness.Eval[[]string](d.Page, keptPages); len(kept) > 0 {
			t.Errorf("%s: its page is kept as %v", name, kept)
		}
		d.Click("button", "Sign in")
		d.See("heading", "Who are you?")
		d.Click("link", "Continue")
		d.hasState("Bob Baker", "")
		d.isOnline()
		d.cacheIsWhole()
		if row := mustRow(t, site, "Bob Baker"); row.Bio != name || site.Changes() != changes+1 {
			t.Errorf("%s: %d changes, and the server has %+v", name, site.Changes()-changes, row)
		}
	}
	by := site.Call("GET", "/api/v1/users/"+mustRow(t, site, "Bob Baker").ID+"/history", "")
	if !strings.Contains(string(by.Body), `"bo"`) {
		t.Errorf("the history says %s", by.Body)
	}
}

// TestAnInstalledAppBehindOAuth2Proxy: its sign-in ends while a change waits and a new version comes. From the
// app's own window, the button leads through the proxy and the provider, and back.
func TestAnInstalledAppBehindOAuth2Proxy(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"its own page": nil, "straight to the provider": {"--skip-provider-button"}} {
		t.Run(name, func(t *testing.T) {
			site := harness.NewClosedSite(t, binary(t), "ann editor")
			site.Restart(vouched(harness.OAuth2Header)...)
			addThree(site)
			proxy := site.BehindOAuth2Proxy(atProvider, flags...)
			signIn := func(d directory) {
				if flags == nil {
					d.Click("button", "Sign in with OpenID Connect")
				}
				d.SignIn("ann", harness.Password)
				d.isSignedIn()
				d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
			}
			b := harness.OpenBrowser(t)
			d := directory{b.Open(site.URL() + "/"), t}
			allowStrangers(b, d.Page)
			allowFailedInstall(b)
			signIn(d)
			d.WaitOfflineReady()
			registrations := b.Registrations()
			d.InstallApp()
			version := harness.Eval[string](d.Page, `rollcall.version`)

			proxy.EndSessions()
			deploy(site, newer(t))
			changes := site.Changes()
			d.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
			d.statusIs("Sign in to sync")
			d.Close()
			site.Proxy.ResetRequests()
			registrations.Sync(site.URL(), syncTag+"-"+accountOf(t, site, "ann").ID)
			harness.EventuallyWithin(t, retries, "the service worker is refused", func() error {
				if len(site.Proxy.Requests("POST", "/api/v1/operations")) == 0 {
					return errors.New("not yet")
				}
				return nil
			})

			d = directory{b.LaunchApp(site.URL()), t}
			allowStrangers(b, d.Page)
			d.hasState("Bob Baker", "Pending")
			d.statusIs("Sign in to sync")
			d.GoneText("Offline - Changes will sync when connected")
			if !harness.Eval[bool](d.Page, `matchMedia("(display-mode: standalone)").matches`) {
				t.Error("it is no app's window")
			}
			if v := harness.Eval[string](d.Page, `rollcall.version`); v != version {
				t.Errorf("version %s runs, in the place of %s", v, version)
			}
			harness.Eval[any](d.Page, `rollcall.registration.then((r) => r.update()).catch(() => null)`)
			d.Click("button", "Sign in")
			signIn(d)
			d.hasState("Bob Baker", "")
			if row := mustRow(t, site, "Bob Baker"); row.Bio != "Bakes bread" || site.Changes() != changes+1 {
				t.Errorf("%d changes, and the server has %+v", site.Changes()-changes, row)
			}
			d.SeeText("A new version is ready")
			if kept := harness.Eval[[]string](d.Page, keptPages); len(kept) > 0 {
				t.Errorf("a sign-in page is kept as %v", kept)
			}
		})
	}
}
