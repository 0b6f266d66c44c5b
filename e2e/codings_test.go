//go:build e2e

package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// TestCodingsLostOnTheWay: a proxy spoils every answer with a content coding. Changes
// arrive both ways all the same, and a damaged file is mended.
func TestCodingsLostOnTheWay(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]harness.Codings{"the header is stripped": harness.CodingsStripped, "the body is decoded": harness.CodingsUnpacked} {
		t.Run(name, func(t *testing.T) {
			site := harness.NewSite(t, binary(t))
			addThree(site)
			b := harness.OpenBrowser(t)
			allowFailedInstall(b)
			site.Proxy.Filter(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.URL.Path != "/api/v1/events" { // which would bring the changes, uncoded
					return false
				}
				http.Error(w, "no", http.StatusServiceUnavailable)
				return true
			})
			b.Allow("ERR_CONTENT_DECODING_FAILED")
			b.Allow("Fetch API cannot load") // what few need may still be on its way
			users := openUsers(t, b, site.URL())
			users.cacheIsWhole()
			site.Proxy.SpoilCodings(how)
			for n := range 30 { // so that a page of changes is worth coding
				site.Add(harness.Person{Name: fmt.Sprintf("Person %02d", n), Email: fmt.Sprintf("p%d@example.org", n), Bio: "Of many words, to be coded"})
			}
			users.add(harness.Person{Name: "Mine", Email: "mine@example.org"})
			users.matchesServer(site)
			users.isOnline()
			for _, name := range []string{"app.wasm", "boot.js", "app.css"} {
				users.spoil(name, "html")
			}
			users.Reload()
			users.See("heading", "Users")
			users.isOnline()
			users.cacheIsWhole()
			if site.Proxy.Spoilt() == 0 {
				t.Error("no answer was spoilt: the test tests nothing")
			}
		})
	}
}
