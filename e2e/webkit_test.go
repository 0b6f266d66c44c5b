//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// TestWebKit: what differs in Safari's engine. The first visit is of no new version,
// though its worker waits longer than others; the visits after it are neither, and
// spoiled files are fetched anew.
func TestWebKit(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	w := harness.OpenWebKit(t)
	holds := func(what, expression string) {
		t.Helper()
		harness.Eventually(t, what, func() error {
			var ok bool
			if err := w.Try(expression, &ok); err != nil {
				return err
			}
			if !ok {
				var text string
				return errors.Join(errors.New("it is not so"), w.Try(`document.body.innerText.slice(0, 600)`, &text), errors.New(text))
			}
			return nil
		})
	}
	started := func() {
		t.Helper()
		holds("the list", `document.body.innerText.includes("Ann Archer")`)
		holds("the service worker", `navigator.serviceWorker.controller?.state === "activated"`)
	}
	quiet := func(visit string) {
		t.Helper()
		var said string
		// The worker has answered by then: messages to it keep their order.
		err := w.Try(`rollcall.registration.then((r) => new Promise((answered) => {
			const { port1, port2 } = new MessageChannel();
			port1.onmessage = () => setTimeout(answered, 1000);
			r.active.postMessage({ type: "VERSION" }, [port2]);
		})).then(() => [rollcall.updateWaiting(), rollcall.otherVersion(), document.body.innerText].join(" "))`, &said)
		if err != nil || !strings.HasPrefix(said, "false false ") || strings.Contains(said, newVersionIsReady) {
			t.Errorf("%s: %.300q (%v)", visit, said, err)
		}
	}
	w.Go(site.URL() + "/")
	started()
	quiet("the very first visit")
	w.Go(site.URL() + "/")
	started()
	quiet("the second visit")
	for _, c := range []struct{ name, how string }{{"app.wasm", "truncated"}, {"boot.js", "html"}, {"worker.js", "missing"}} {
		var n int
		if err := w.Try(fmt.Sprintf(spoilScript, c.name, c.how), &n); err != nil || n != 1 {
			t.Fatalf("spoiling %s: %d, %v", c.name, n, err)
		}
	}
	w.Go(site.URL() + "/")
	started()
	holds("the cache", wrongScript+`.then((wrong) => wrong.length === 0)`)
}
