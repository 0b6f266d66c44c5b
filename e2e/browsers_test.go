//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// browser is what a scenario needs of one.
type browser interface {
	// Open opens a tab at a URL.
	Open(address string) *harness.Page
	// OpenWithScript opens a tab with a script that runs before each document's own; WebKitGTK can't.
	OpenWithScript(address, script string) *harness.Page
	// Offline disconnects the browser from a site, or reconnects it.
	Offline(p *harness.Proxy, offline bool)
	// Allow makes errors of its pages and workers that contain this text expected.
	Allow(text string)
}

// asked are the browsers that scenarios run in: "all", or some of chromium, firefox and webkit. Empty
// is Chromium, and the others on the main path. `make e2e BROWSERS=…` sets it.
var asked = os.Getenv("BROWSERS")

// engine is a kind of browser. own opens one that can be started again.
type engine struct {
	name      string
	open, own func(*testing.T) browser
}

var engines = []engine{
	{"chromium", func(t *testing.T) browser { return harness.OpenBrowser(t) }, func(t *testing.T) browser { return harness.OpenBrowser(t) }},
	{"firefox", func(t *testing.T) browser { return harness.OpenFirefox(t) }, func(t *testing.T) browser { return harness.OpenOwnFirefox(t) }},
	{"webkit", func(t *testing.T) browser { return harness.OpenWebKit(t) }, func(t *testing.T) browser { return harness.OpenWebKit(t) }},
}

// mainPath runs a scenario in every browser, always.
func mainPath(t *testing.T, scenario func(*testing.T, browser)) {
	t.Helper()
	inEngines(t, true, func(t *testing.T, e engine) { scenario(t, e.open(t)) })
}

// everywhere runs a scenario in every browser that is asked for.
func everywhere(t *testing.T, scenario func(*testing.T, browser)) {
	t.Helper()
	inEngines(t, false, func(t *testing.T, e engine) { scenario(t, e.open(t)) })
}

// inEngines runs something in the engines that are asked for, or, on the main path, in all.
func inEngines(t *testing.T, main bool, run func(*testing.T, engine)) {
	t.Helper()
	t.Parallel()
	for _, e := range engines {
		if isAsked(e.name, main) {
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				run(t, e)
			})
		}
	}
}

// isAsked reports whether a scenario runs in an engine.
func isAsked(engine string, main bool) bool {
	if asked == "" {
		return main || engine == "chromium"
	}
	return asked == "all" || slices.Contains(strings.Split(asked, ","), engine)
}

// restarted is a browser after its end and another start, with what it has stored. WebKitGTK goes
// on in its session.
func restarted(b browser) browser {
	switch b := b.(type) {
	case *harness.Browser:
		return b.Restart()
	case *harness.Firefox:
		return b.Restart()
	}
	return b
}

func TestMain(m *testing.M) {
	for _, name := range strings.Split(asked, ",") {
		known := func(e engine) bool { return e.name == name }
		if asked != "" && asked != "all" && !slices.ContainsFunc(engines, known) {
			fmt.Fprintf(os.Stderr, "BROWSERS names %q, which is none of chromium, firefox, webkit and all\n", name)
			os.Exit(2) // no scenario would run, and none fail
		}
	}
	code := m.Run()
	harness.End()
	os.Exit(code)
}
