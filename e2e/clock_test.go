//go:build e2e

package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

// deviceClock replaces the clock of every page and worker by one that setClock sets, in
// milliseconds from the right time. Timers go on, as they do when a person sets the clock.
const deviceClock = `(() => {
	const Real = Date;
	let shift = 0;
	globalThis.Date = class extends Real {
		constructor(...args) { if (args.length > 0) super(...args); else super(Real.now() + shift); }
		static now() { return Real.now() + shift; }
	};
	const channel = new BroadcastChannel("device-clock");
	channel.onmessage = ({ data }) => {
		if (data !== "ask") shift = data;
		else if (shift !== 0) channel.postMessage(shift);
	};
	channel.postMessage("ask");
	globalThis.setClock = (by) => { shift = by; channel.postMessage(by); return true; };
})();
`

func integrity(file []byte) string {
	sum := sha256.Sum256(file)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// serveClock makes the workers begin with deviceClock.
func serveClock(t *testing.T, site *harness.Site) {
	t.Helper()
	found, err := filepath.Glob("../web/dist/assets/worker.*.js")
	if err != nil || len(found) != 1 {
		t.Fatalf("the worker's script is %v, %v", found, err)
	}
	was := mustRead(t, found[0])
	worker := append([]byte(deviceClock), was...)
	site.Proxy.Serve("/assets/"+filepath.Base(found[0]), "text/javascript", worker)
	// The service worker takes a file only with the hash that it was built with.
	script := bytes.ReplaceAll(mustRead(t, "../web/dist/sw.js"), []byte(integrity(was)), []byte(integrity(worker)))
	site.Proxy.Serve("/sw.js", "text/javascript", append([]byte(deviceClock), script...))
}

func TestDeviceClockJumpsByADay(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]time.Duration{"a day forward": 24 * time.Hour, "a day back": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			site := harness.NewSite(t, binary(t))
			serveClock(t, site)
			addThree(site)
			before := countersOf(site)
			b := harness.OpenBrowser(t)
			users := openUsers(t, b, site.URL())
			users.AddInitScript(deviceClock)
			users.Reload()
			users.isOnline()
			set := func(by time.Duration) {
				harness.Eval[bool](users.Page, fmt.Sprintf(`setClock(%d)`, by.Milliseconds()))
			}

			b.Offline(site.Proxy, true)
			users.isOffline()
			users.edit("Ann Archer", harness.Person{Bio: "Draws"})
			set(by)
			users.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
			b.Offline(site.Proxy, false)
			users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
			users.syncedJustNow()
			users.matchesServer(site)

			// And back, while the server is unreachable and the host waits to retry.
			site.Proxy.RefuseAPI(true)
			users.edit("Carl Cole", harness.Person{Bio: "Digs deep"})
			users.isOffline()
			set(0)
			users.edit("Ann Archer", harness.Person{Bio: "Draws maps"})
			site.Proxy.RefuseAPI(false)
			harness.EventuallyWithin(t, takeover, "the change is on the server", func() error {
				row, _ := site.Row("Ann Archer")
				return harness.Equal("Ann's bio", row.Bio, "Draws maps")
			})
			users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
			users.syncedJustNow()
			users.matchesServer(site)
			if got := site.Changes() - before.changes; got != 4 {
				t.Errorf("the server counts %d changes, want 4", got)
			}
		})
	}
}

// ago matches what the status may say of a recent sync.
var ago = regexp.MustCompile(`Synced a few seconds ago|Synced 1 minute ago`)

// syncedJustNow waits until the status says that the last sync was just now.
func (d directory) syncedJustNow() {
	d.t.Helper()
	harness.Eventually(d.t, "the status shows the time of the last sync", func() error {
		if status := strings.Join(strings.Fields(d.status()), " "); !ago.MatchString(status) {
			return fmt.Errorf("it says %q", status)
		}
		return nil
	})
}
