//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

func TestSiteIsInstallable(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	harness.Eventually(t, "nothing hinders the installation", func() error {
		// A headless browser with a fresh profile reports this.
		found := slices.DeleteFunc(users.InstallabilityErrors(), func(e string) bool { return e == "in-incognito" })
		if len(found) > 0 {
			return fmt.Errorf("the browser says %v", found)
		}
		return nil
	})
	var m struct {
		ID, Name, Display string
		StartURL          string `json:"start_url"`
		ThemeColor        string `json:"theme_color"`
		Icons             []struct{ Src, Sizes, Type, Purpose string }
		Screenshots       []struct {
			Src, Sizes string
			FormFactor string `json:"form_factor"`
		}
		Shortcuts []struct{ Name, URL string }
	}
	users.Manifest(&m)
	if m.ID != "/" || m.Name != "Rollcall" || m.Display != "standalone" || m.StartURL == "" || m.ThemeColor == "" {
		t.Errorf("the manifest is %+v", m)
	}
	for _, want := range []struct{ sizes, kind, purpose string }{
		{"192x192", "image/png", "any"}, {"512x512", "image/png", "any"},
		{"512x512", "image/png", "maskable"}, {"any", "image/svg+xml", "any"},
	} {
		found := false
		for _, i := range m.Icons {
			found = found || i.Sizes == want.sizes && i.Type == want.kind && i.Purpose == want.purpose
		}
		if !found {
			t.Errorf("the manifest has no icon %v", want)
		}
	}
	var forms []string
	urls := []string{}
	for _, s := range m.Screenshots {
		forms, urls = append(forms, s.FormFactor), append(urls, s.Src)
	}
	slices.Sort(forms)
	if !slices.Equal(forms, []string{"narrow", "wide"}) {
		t.Errorf("the manifest has screenshots for %v", forms)
	}
	for _, i := range m.Icons {
		urls = append(urls, i.Src)
	}
	for _, s := range m.Shortcuts {
		urls = append(urls, s.URL)
	}
	for _, u := range urls {
		if a := site.Call("GET", u, "", "Accept", "text/html"); a.Status != 200 {
			t.Errorf("%s answers %d", u, a.Status)
		}
	}
	if len(m.Shortcuts) == 0 {
		t.Error("the manifest has no shortcuts")
	}
}

func TestNewVersionWaitsAndLosesNothing(t *testing.T) { mainPath(t, newVersionWaitsAndLosesNothing) }

func newVersionWaitsAndLosesNothing(t *testing.T, b browser) {
	site, users := openThreeIn(t, b)
	before := countersOf(site)
	other := openUsers(t, b, site.URL())
	users.hasState("Ann Archer", "")
	versionA := harness.Eval[string](users.Page, `rollcall.version`)

	b.Offline(site.Proxy, true)
	users.isOffline()
	users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	deploy(site, newer(t))
	// The API is refused while the new version is loaded, so that operations stay queued.
	site.Proxy.RefuseAPI(true)
	b.Offline(site.Proxy, false)
	harness.Eval[bool](users.Page, `rollcall.registration.then((r) => r.update()).then(() => true)`)
	users.SeeText("A new version is ready")
	if v := harness.Eval[string](users.Page, `rollcall.version`); v != versionA {
		t.Errorf("the version changed from %s to %s without a reload", versionA, v)
	}
	users.Reload()
	if v := harness.Eval[string](users.Page, `rollcall.version`); v != versionA {
		t.Errorf("the browser's reload switched the version while another tab was open")
	}
	users.See("heading", "Users")
	users.SeeText("A new version is ready")
	if n := users.Queued(); n != 2 {
		t.Errorf("the queue has %d operations before the switch, want 2", n)
	}
	users.Click("button", "Reload")
	harness.Eventually(t, "the page runs version B", func() error {
		v, err := harness.TryEval[string](users.Page, `globalThis.rollcall?.version ?? ""`)
		if err == nil && (v == versionA || v == "") {
			err = fmt.Errorf("it runs version %q", v)
		}
		return err
	})
	users.See("heading", "Users")
	users.shows(map[string]string{"Ann Archer": "Pending", "Bob Baker": "", "Carl Cole": "", "Dora Dent": "Pending"})
	if n := users.Queued(); n != 2 {
		t.Errorf("the queue has %d operations after the switch, want 2", n)
	}
	other.SeeText("A new version is ready")
	site.Proxy.RefuseAPI(false)
	users.syncNow()
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")
	users.matchesServer(site)
	eachSentOnce(t, site, before)
	b.Offline(site.Proxy, true)
	users.Reload()
	users.hasState("Dora Dent", "")
}

// newer is the binary of another version of the same site, built once for all tests.
func newer(t *testing.T) string {
	t.Helper()
	newerOnce.Do(func() { newerPath = release(t, "newer") })
	if newerPath == "" {
		t.Fatal("the other version could not be built")
	}
	return newerPath
}

var (
	newerOnce sync.Once
	newerPath string
)

// release builds the binary of a version that only its tag makes another, beside the one
// of `make build`.
func release(t *testing.T, tag string) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dist, bin := filepath.Join(t.TempDir(), "dist"), filepath.Join(root, "bin", "rollcall-"+tag)
	command(t, root, "go", "run", "./web/build", "-o", dist, "-tag", tag, "-quality", "1")
	// An overlay replaces the files in web/dist by the new ones.
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	place := func(dir string, to func(path string) string) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			overlay.Replace[filepath.Join(root, "web", "dist", rel)] = to(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	place(filepath.Join(root, "web", "dist"), func(string) string { return "" })
	place(dist, func(path string) string { return path })
	data, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, root, "go", "build", "-trimpath", "-overlay", file, "-o", bin, "./server")
	return bin
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// TestANewVersionWaitsForNoEvent: the browser lets a new service worker take over only when the one
// before has nothing to do, and a sync that gets no answer would keep it for minutes.
func TestANewVersionWaitsForNoEvent(t *testing.T) {
	t.Parallel()
	b := harness.OpenBrowser(t)
	site, users := openThreeIn(t, b)
	versionA := harness.Eval[string](users.Page, `navigator.serviceWorker.ready.then(() => rollcall.version)`)
	held, release := site.Proxy.HoldAnswers(func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/v1/changes") })
	b.Registrations().Sync(site.URL(), "rollcall-sync")
	<-held
	deploy(site, newer(t))
	harness.Eval[bool](users.Page, `rollcall.registration.then((r) => r.update()).then(() => true)`)
	users.Click("button", "Reload")
	harness.Eventually(t, "the page runs version B", func() error {
		v, err := harness.TryEval[string](users.Page, `globalThis.rollcall?.version ?? ""`)
		if err == nil && (v == versionA || v == "") {
			err = fmt.Errorf("it runs version %q", v)
		}
		return err
	})
	release()
	users.WaitOfflineReady()
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
}
