//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// rowsScript reads the rows as they are shown, whoever shows them.
const rowsScript = `[...document.querySelectorAll(".rows:not(.skeleton) > .row")].map((row) => {
	const avatar = row.querySelector(".avatar"), name = row.querySelector(".row-name bdi");
	return [avatar.textContent, [...avatar.classList].filter((c) => c.startsWith("hue-")).join(), name.textContent,
		row.querySelector(".row-email").textContent, String(name.translate), row.querySelectorAll("button").length > 0 ? "usable" : ""].join("|");
})`

// program holds the program back until it is let go.
func holdProgram(site *harness.Site) (letGo func()) {
	held := make(chan struct{})
	site.Proxy.Portal(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, ".wasm") {
			<-held
		}
		return false
	})
	return func() { close(held) }
}

// readsRows waits until rows are shown, n of them, that can be used or not.
func (d directory) readsRows(n int, usable bool) (rows []string) {
	d.t.Helper()
	harness.Eventually(d.t, fmt.Sprintf("%d rows, usable %t", n, usable), func() (err error) {
		rows, err = harness.TryEval[[]string](d.Page, rowsScript)
		if err == nil && (len(rows) != n || strings.HasSuffix(rows[0], "usable") != usable) {
			err = fmt.Errorf("%q", rows)
		}
		return err
	})
	return rows
}

// lists counts the pages of the list that were asked for before the program was there.
func lists(site *harness.Site, answer func(http.ResponseWriter) bool) *atomic.Int64 {
	var asked atomic.Int64
	site.Proxy.Filter(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.URL.Path != "/api/v1/users" {
			return false
		}
		asked.Add(1)
		return answer(w)
	})
	return &asked
}

func pass(http.ResponseWriter) bool { return false }

func TestPeopleAreReadBeforeTheProgramComes(t *testing.T) {
	everywhere(t, peopleAreReadBeforeTheProgramComes)
}

func peopleAreReadBeforeTheProgramComes(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	for i, name := range []string{"Ann Archer", "Ärmel ß", "李 小龍", "4th", "— · —", "Eve van der Berg"} {
		site.Add(harness.Person{Name: name, Email: fmt.Sprintf("p%d@example.org", i), Bio: "met"})
	}
	letGo := holdProgram(site)
	asked := lists(site, pass)
	d := directory{b.Open(site.URL() + "/"), t}
	before := d.readsRows(6, false)
	d.See("list", "Users")
	d.See("progressbar", "Loading")
	if found := d.Accessibility("node_modules/axe-core/axe.min.js"); len(found) > 0 {
		t.Errorf("axe: %v", found)
	}
	letGo()
	after := d.readsRows(6, true)
	for i, row := range before {
		if after[i] != row+"usable" {
			t.Errorf("the shell shows %q, the program %q", row, after[i])
		}
	}
	d.isOnline()
	d.WaitOfflineReady()
	wanted := int64(1)
	if _, ok := b.(*harness.WebKit); ok {
		wanted = 2 // it takes no preloaded answer for a fetch
	}
	if n := asked.Load(); n != wanted {
		t.Errorf("asked for the list %d times", n)
	}

	d.Reload() // it has rows of its own now
	d.readsRows(6, true)
	d.Go("/sync")
	d.See("heading", "Sync")
	if n := asked.Load(); n != wanted {
		t.Errorf("asked for the list %d times after a reload", n)
	}
}

// The worker copies the program, which would take a processor from it.
func TestTheWorkerComesAfterTheFirstList(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	letGo := holdProgram(site)
	d := directory{harness.OpenBrowser(t).Open(site.URL() + "/"), t}
	d.readsRows(3, false)
	if harness.Eval[bool](d.Page, `navigator.serviceWorker.getRegistration().then(Boolean)`) {
		t.Error("a worker was registered before the program came")
	}
	letGo()
	d.readsRows(3, true)
	d.WaitOfflineReady()
}

func TestPeopleThatCannotBeReadBeforeTheProgramComes(t *testing.T) {
	t.Parallel()
	for what, answer := range map[string]func(http.ResponseWriter) bool{
		"portal": func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<h1>Sign in</h1>"))
			return true
		},
		"failure": func(w http.ResponseWriter) bool { http.Error(w, "no", http.StatusServiceUnavailable); return true },
		"other": func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"users": []map[string]any{{"who": 1}}})
			return true
		},
	} {
		t.Run(what, func(t *testing.T) {
			everywhere(t, func(t *testing.T, b browser) { peopleThatCannotBeReadBeforeTheProgramComes(t, b, answer) })
		})
	}
}

func peopleThatCannotBeReadBeforeTheProgramComes(t *testing.T, b browser, answer func(http.ResponseWriter) bool) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	letGo := holdProgram(site)
	asked := lists(site, answer)
	b.Allow("503")
	d := directory{b.Open(site.URL() + "/"), t}
	harness.Eventually(t, "the list was asked for", func() error {
		if asked.Load() == 0 {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	if rows := harness.Eval[[]string](d.Page, rowsScript); len(rows) > 0 {
		t.Errorf("shows %q", rows)
	}
	letGo()
	d.readsRows(3, true)
}
