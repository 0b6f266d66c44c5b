//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
	"github.com/rollcall/rollcall/wasm/sync"
)

// blocked is a page for people.
func blocked(w http.ResponseWriter, status int) bool {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!doctype html><title>Blocked</title>")) // the browser may be gone
	return true
}

func TestAFilteredChangeNeedsAttentionAndHoldsUpNothing(t *testing.T) {
	t.Parallel()
	site, _, users := openThree(t)
	users.Allow("403")
	site.Proxy.Filter(func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		return bytes.Contains(body, []byte("=cmd")) && blocked(w, http.StatusForbidden)
	})
	users.add(harness.Person{Name: "Calc Carter", Email: "calc@example.org", Bio: "=cmd|' /C calc'!A0"})
	users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	users.hasState("Dora Dent", "")
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	users.hasState("Zed Zimmer", "")
	users.hasState("Calc Carter", "Needs attention")
	users.isOnline()
	users.Go("/sync")
	users.SeeText("Something between this device and the server refuses this change")
	site.Proxy.Filter(nil)
	users.Click("button", "Retry")
	users.SeeText("The server has accepted everything so far.")
	users.Go("/")
	users.hasState("Calc Carter", "")
	users.matchesServer(site)
}

func TestARefusedEventStreamDelaysOthersChangesByAPoll(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	site.Proxy.Filter(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		return r.URL.Path == "/api/v1/events" && blocked(w, http.StatusForbidden)
	})
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.Allow("403")
	users.Allow("EventSource")
	users.hasState("Ann Archer", "")
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	harness.Patiently(t, func() {
		harness.EventuallyWithin(t, sync.PollClosed+harness.Timeout, "the change arrives", func() error {
			if _, ok := users.shown()["Zed Zimmer"]; !ok {
				return errors.New("it is not in the list")
			}
			return nil
		})
	})
	users.isOnline()
}

func TestAPortalAsksToSignIn(t *testing.T) {
	t.Parallel()
	site, _, users := openThree(t)
	users.Allow("ERR_TOO_MANY_REDIRECTS") // the manifest, which is fetched without cookies
	site.Proxy.Filter(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if cookie, err := r.Cookie("portal"); err == nil && cookie.Value == "in" {
			return false
		}
		if strings.HasPrefix(r.URL.Path, "/oauth2/start") { // signs in at once
			http.SetCookie(w, &http.Cookie{Name: "portal", Value: "in", Path: "/"})
			http.Redirect(w, r, r.URL.Query().Get("rd"), http.StatusFound)
			return true
		}
		http.Redirect(w, r, "/oauth2/start?rd="+r.URL.Path, http.StatusFound)
		return true
	})
	users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	users.hasState("Dora Dent", "Pending")
	users.statusIs("Sign in to sync")
	users.GoneText("Offline - Changes will sync when connected")
	users.Click("button", "Sign in")
	users.See("heading", "Users")
	users.hasState("Dora Dent", "")
	users.isOnline()
	users.matchesServer(site)
}
