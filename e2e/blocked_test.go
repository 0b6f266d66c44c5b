//go:build e2e

package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// A browser that blocks a site's cookies blocks all it could store: reading the name
// localStorage throws, the database does not open, no service worker comes.
func TestABrowserThatBlocksCookiesWorksOnlineAndSaysSo(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	profile := t.TempDir()
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	settings := `{"profile": {"default_content_setting_values": {"cookies": 2}}}`
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	isBlocked := `globalThis.blocked = (() => { try { return !localStorage; } catch { return true; } })()`
	users := directory{harness.OpenProfile(t, profile).OpenWithScript(site.URL()+"/", isBlocked), t}
	if !harness.Eval[bool](users.Page, `blocked`) {
		t.Fatal("nothing is blocked: this test shows nothing")
	}
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	users.isOnline()
	users.SeeText(nothingIsKept)
	users.add(dora)
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")
	if _, ok := site.Row("Dora Dent"); !ok {
		t.Error("the server does not have her")
	}
	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	users.Fill("textbox", "Name", "Emil")
	harness.Eventually(t, "the browser asks before the text is lost", func() error { return harness.Equal("asking", users.warnsOnLeave(), true) })
}

// A cache on the way that heeds no header answers each address with the first copy.
func TestACacheOnTheWayHidesNoChange(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	copies := map[string]*httptest.ResponseRecorder{}
	site.Proxy.Filter(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method != http.MethodGet || r.URL.Path != "/api/v1/changes" {
			return false
		}
		address := r.URL.RequestURI()
		if copies[address] == nil {
			answer, err := http.Get(site.Server.URL() + address)
			if err != nil {
				t.Errorf("the cache: %v", err)
				return false
			}
			defer answer.Body.Close()
			copies[address] = httptest.NewRecorder()
			copies[address].Header().Set("Content-Type", answer.Header.Get("Content-Type"))
			if _, err := copies[address].Body.ReadFrom(answer.Body); err != nil {
				t.Errorf("the cache: %v", err)
			}
		}
		w.Header().Set("Content-Type", copies[address].Header().Get("Content-Type"))
		_, _ = w.Write(copies[address].Body.Bytes()) // the browser may be gone
		return true
	})
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.hasState("Ann Archer", "")
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	users.hasState("Zed Zimmer", "")
	site.Add(harness.Person{Name: "Yan Yates", Email: "yan@example.org"})
	users.hasState("Yan Yates", "")
}
