//go:build e2e

package e2e_test

import (
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// TestDriverAcknowledgesOnlySavedWrites: TestKills trusts the driver that a write is saved.
// It must not take the page's message on an earlier write for that.
func TestDriverAcknowledgesOnlySavedWrites(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	b := harness.OpenBrowser(t)
	users := openOffline(t, b, site.URL())
	if err := users.InstallDriver(func(harness.WriteEvent) {}); err != nil {
		t.Fatal(err)
	}
	do := func(w harness.Write) {
		t.Helper()
		if err := users.Do(w); err != nil {
			t.Fatalf("%+v: %v", w, err)
		}
	}
	number := 1
	do(harness.Write{Number: number, Kind: "add", Name: "Ada", Email: "ada@example.org"})
	for range 20 {
		for _, kind := range []string{"delete", "undo"} {
			number++
			do(harness.Write{Number: number, Kind: kind, Who: "Ada"})
			d, err := readDevice(users)
			if err != nil {
				t.Fatal(err)
			}
			people, err := d.people()
			if _, there := people["Ada"]; err != nil || there != (kind == "undo") {
				t.Fatalf("after write %d, a %s, the device has %v (%v)", number, kind, people, err)
			}
		}
	}
}
