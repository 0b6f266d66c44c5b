package repository_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// TestSinceOfAWrongClock: "today" is the device's, and what was changed has the server's time.
func TestSinceOfAWrongClock(t *testing.T) {
	d := newDevice(t)
	for _, ahead := range []time.Duration{0, 48 * time.Hour, -48 * time.Hour} {
		skew := strconv.FormatInt(-ahead.Milliseconds(), 10)
		if err := d.store.SetMeta(t.Context(), map[string]string{sync.MetaSkew: skew}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.users.Create(t.Context(), patch(ahead.String())); err != nil { // stamped with the skew that is known
			t.Fatal(err)
		}
		for since, want := range map[time.Duration]int{-time.Hour: 1, time.Hour: 0} {
			page, err := d.users.List(t.Context(), repository.Query{Search: ahead.String(), Since: time.Now().Add(since), Limit: 9})
			if err != nil || page.Total != want {
				t.Errorf("%v ahead, since %v: %d users, want %d (%v)", ahead, since, page.Total, want, err)
			}
		}
	}
}
