//go:build e2e

package e2e_test

import (
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

func TestARoundLockHeldForEverIsTakenOver(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	three(site)
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	users.hasState("Ann Archer", "")
	harness.Eval[bool](users.Page, `new Promise((held) => navigator.locks.request("rollcall-round", () => { held(true); return new Promise(() => {}); }).catch(() => {}))`)
	users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	users.hasState("Dora Dent", "")
	users.agrees(site)
	users.Go("/sync")
	users.Read("A sync elsewhere stood still; this one took over")
}

func TestAWorkerThatDoesNotLoadIsStartedAnew(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	three(site)
	b := harness.OpenBrowser(t)
	// The first worker's script is one that the site has not.
	page := b.OpenShimmed(site.URL()+"/", `{
		const Whole = Worker;
		let started = 0;
		globalThis.Worker = function (url, options) { return new Whole(started++ === 0 ? "/debug/none.js" : url, options) };
	}`)
	page.Allow("none.js")
	page.Allow("404")
	users := directory{page, t}
	users.hasState("Ann Archer", "")
	users.Go("/sync")
	users.Read("The sync worker failed and was started anew: the sync worker could not be loaded")
}
