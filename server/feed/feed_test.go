package feed_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"pgregory.net/rapid"
)

func TestCursorRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := feed.Cursor{
			Epoch:  rapid.Uint64().Draw(t, "epoch"),
			Change: rapid.Int64Range(0, 1<<61).Draw(t, "change"),
		}
		if c.Listing = rapid.Bool().Draw(t, "listing"); c.Listing {
			c.Sort, c.ID = rapid.String().Draw(t, "sort"), rapid.String().Draw(t, "id")
		}
		got, err := feed.ParseCursor(c.String())
		if err != nil {
			t.Fatal(err)
		}
		if got != c {
			t.Fatalf("%+v became %+v", c, got)
		}
	})
}

// TestPastIsBounded: the latest epochs are remembered, however often the database is started.
func TestPastIsBounded(t *testing.T) {
	state := feed.State{Epoch: 1000, Change: 1000}
	for epoch := range uint64(1000) {
		state.Past = state.Past.With(epoch, int64(epoch))
	}
	if len(state.Past) > 1024 {
		t.Errorf("the past has %d bytes", len(state.Past))
	}
	for epoch, want := range map[uint64]error{999: nil, 940: nil, 900: feed.ErrResync, 0: feed.ErrResync} {
		if _, err := state.Resume(feed.Cursor{Epoch: epoch, Change: 1}.String()); !errors.Is(err, want) {
			t.Errorf("a cursor of epoch %d: %v, want %v", epoch, err, want)
		}
	}
}

// ofEarlierVersion is the cursor of a client that an earlier version was listing the rows in the
// order of the feed: epoch 7, change 3, and the counter when it began, 60.
const ofEarlierVersion = "AQAAAAAAAAAHAzw"

func FuzzParseCursor(f *testing.F) {
	for _, c := range []feed.Cursor{{}, {Epoch: 1, Change: 300}, {Epoch: 1 << 63, Change: 1, Listing: true, Sort: "ann\x00é", ID: "1"}} {
		f.Add(c.String())
	}
	f.Add("")
	f.Add("AQAAAAAAAAABgA")   // an unfinished number
	f.Add(ofEarlierVersion)   // with two numbers
	f.Add("AgAAAAAAAAABAQVh") // a place that is cut off
	f.Fuzz(func(t *testing.T, text string) {
		c, err := feed.ParseCursor(text)
		switch {
		case err == nil && c.String() != text:
			t.Errorf("%q is read as %+v, whose text is %q", text, c, c.String())
		case err == nil && c.Change < 0:
			t.Errorf("%q is read as %+v", text, c)
		case err != nil && !errors.Is(err, feed.ErrBadCursor) && !errors.Is(err, feed.ErrResync):
			t.Errorf("%q: %v", text, err)
		}
	})
}

func listing(epoch uint64, since int64) string {
	return feed.Cursor{Epoch: epoch, Change: since, Listing: true, Sort: "ann", ID: "1"}.String()
}

func TestResume(t *testing.T) {
	state := feed.State{Epoch: 7, Change: 100, Horizon: 50, Past: feed.Past("").With(4, 30).With(5, 60).With(6, 80)}
	for name, test := range map[string]struct {
		text string
		want feed.Cursor
		err  error
	}{
		"beginning":                   {"", feed.Cursor{Epoch: 7, Change: 100, Listing: true}, nil},
		"at the horizon":              {feed.Cursor{Epoch: 7, Change: 50}.String(), feed.Cursor{Epoch: 7, Change: 50}, nil},
		"below the horizon":           {feed.Cursor{Epoch: 7, Change: 49}.String(), feed.Cursor{}, feed.ErrResync},
		"listing since after it":      {listing(7, 60), feed.Cursor{Epoch: 7, Change: 60, Listing: true, Sort: "ann", ID: "1"}, nil},
		"listing since before it":     {listing(7, 40), feed.Cursor{}, feed.ErrResync},
		"listing beyond the end":      {listing(7, 101), feed.Cursor{}, feed.ErrResync},
		"of an earlier version":       {ofEarlierVersion, feed.Cursor{}, feed.ErrResync},
		"at the end":                  {feed.Cursor{Epoch: 7, Change: 100}.String(), feed.Cursor{Epoch: 7, Change: 100}, nil},
		"beyond the end":              {feed.Cursor{Epoch: 7, Change: 101}.String(), feed.Cursor{}, feed.ErrResync},
		"another epoch":               {feed.Cursor{Epoch: 8, Change: 60}.String(), feed.Cursor{}, feed.ErrResync},
		"an earlier epoch":            {feed.Cursor{Epoch: 6, Change: 70}.String(), feed.Cursor{Epoch: 7, Change: 70}, nil},
		"at its end":                  {feed.Cursor{Epoch: 6, Change: 80}.String(), feed.Cursor{Epoch: 7, Change: 80}, nil},
		"beyond its end":              {feed.Cursor{Epoch: 6, Change: 99}.String(), feed.Cursor{Epoch: 7, Change: 80}, nil},
		"beyond an earlier one's end": {feed.Cursor{Epoch: 5, Change: 999}.String(), feed.Cursor{Epoch: 7, Change: 60}, nil},
		"listing beyond its end":      {listing(5, 70), feed.Cursor{Epoch: 7, Change: 60, Listing: true, Sort: "ann", ID: "1"}, nil},
		"ended below the horizon":     {feed.Cursor{Epoch: 4, Change: 70}.String(), feed.Cursor{}, feed.ErrResync},
		"no cursor":                   {"x", feed.Cursor{}, feed.ErrBadCursor},
		"another epoch, another data": {feed.Cursor{Epoch: 8, Change: 999}.String(), feed.Cursor{}, feed.ErrResync},
	} {
		got, err := state.Resume(test.text)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, got, err, test.want, test.err)
		}
	}
}

// TestWritePage: the page built by hand is what encoding/json makes of it, also
// when it is written in several parts.
func TestWritePage(t *testing.T) {
	long := api.ChangePage{Cursor: "AQ"}
	for range 100 {
		long.Changes = append(long.Changes, api.Change{EntityType: "user", EntityID: "a", Version: 1,
			Document: json.RawMessage(`{"a":"` + strings.Repeat("x", 2000) + `"}`)})
	}
	for _, page := range []api.ChangePage{
		long,
		{Changes: []api.Change{}, Cursor: "AQ-_"},
		{Changes: []api.Change{}, Cursor: "AQ-_", Digests: map[string]api.Digest{"user": {Count: 3}}, Epoch: "7f"},
		{HasMore: true, Cursor: "AQ", Total: 7, Changes: []api.Change{
			{EntityType: "user", EntityID: "a", Version: 3, Stamp: `01-"<node\`, Document: json.RawMessage(`{"id":"a","bio":"\u003c"}`)},
			{EntityType: "user", EntityID: "b", Version: 4, Deleted: true},
		}},
	} {
		var whole counted
		if err := feed.WritePage(&whole, page); err != nil {
			t.Fatal(err)
		}
		b := whole.Bytes()
		var lines counted
		if err := feed.WriteLines(&lines, page); err != nil {
			t.Fatal(err)
		}
		if most := 64 << 10; max(whole.most, lines.most) > most {
			t.Errorf("%d of %d bytes were written at once, in lines %d; want at most %d", whole.most, len(b), lines.most, most)
		}
		var got, want any
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		marshalled, err := json.Marshal(page)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(marshalled, &want); err != nil {
			t.Fatal(err)
		}
		// An empty stamp is written, where encoding/json leaves it out: same meaning.
		for _, c := range want.(map[string]any)["changes"].([]any) {
			if _, there := c.(map[string]any)["stamp"]; !there {
				c.(map[string]any)["stamp"] = ""
			}
		}
		g, err1 := json.Marshal(got)
		w, err2 := json.Marshal(want)
		if err1 != nil || err2 != nil || string(g) != string(w) {
			t.Errorf("page %s, want %s (%v, %v)", g, w, err1, err2)
		}
	}
}

// counted notes the longest write.
type counted struct {
	bytes.Buffer
	most int
}

func (c *counted) Write(b []byte) (int, error) {
	c.most = max(c.most, len(b))
	return c.Buffer.Write(b)
}

func TestHub(t *testing.T) {
	h := feed.NewHub()
	slow, stopSlow := h.Subscribe()
	quick, stopQuick := h.Subscribe()
	for range 3 {
		h.Notify() // the slow one does not hold this up
		<-quick
	}
	<-slow
	select {
	case <-slow:
		t.Error("three notifications did not become one")
	default:
	}
	stopQuick()
	h.Notify()
	select {
	case <-quick:
		t.Error("notified after unsubscribing")
	default:
	}
	if h.Subscribers() != 1 {
		t.Errorf("%d subscribers, want 1", h.Subscribers())
	}
	stopSlow()
	h.Close()
	h.Notify() // too late for anyone
	h.Close()
	<-h.Done()
}

// TestHubNotifiesInSlices: however many subscribe, the rate holds, and each subscriber is
// notified of each change, at the latest in the round that starts after it.
func TestHubNotifiesInSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const subscribers, rate, changes = 1000, 500, 40
		h := feed.NewHubWithRate(rate)
		defer h.Close()
		var notified [subscribers][]time.Time
		var all []time.Time
		for i := range subscribers {
			notifications, stop := h.Subscribe()
			defer stop()
			go func() {
				for {
					select {
					case <-notifications:
						notified[i] = append(notified[i], time.Now())
					case <-h.Done():
						return
					}
				}
			}()
		}
		began := time.Now()
		for range changes {
			h.Notify()
			<-time.After(100 * time.Millisecond)
		}
		last := time.Now().Add(-100 * time.Millisecond)
		<-time.After(time.Minute)
		synctest.Wait()
		for i := range notified {
			if n := len(notified[i]); n == 0 || notified[i][n-1].Before(last) {
				t.Fatalf("subscriber %d was notified %d times, but not of the last change", i, n)
			}
			all = append(all, notified[i]...)
		}
		slices.SortFunc(all, time.Time.Compare)
		if first := all[0].Sub(began); first != 0 {
			t.Errorf("the first was notified after %v", first)
		}
		if end := all[len(all)-1].Sub(last); end > 2*time.Second*subscribers/rate+time.Second {
			t.Errorf("the last was notified %v after the last change", end)
		}
		for i := range all {
			if i+rate < len(all) && all[i+rate].Sub(all[i]) < time.Second-20*time.Millisecond {
				t.Fatalf("%d were notified within %v", rate+1, all[i+rate].Sub(all[i]))
			}
		}
	})
}

// TestHubUnsubscribe: who unsubscribes during a round is not notified, and nobody waits for
// their slice.
func TestHubUnsubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := feed.NewHubWithRate(100) // one per 10 ms
		defer h.Close()
		var stops []func()
		var subscribed []<-chan time.Time
		for range 100 {
			notifications, stop := h.Subscribe()
			stops, subscribed = append(stops, stop), append(subscribed, notifications)
		}
		h.Notify()
		received := 0
		for i, notifications := range subscribed {
			select {
			case <-notifications:
				received++
			default:
				stops[i]()
			}
		}
		newcomer, stop := h.Subscribe()
		defer stop()
		began := time.Now()
		h.Notify()
		<-newcomer
		if took := time.Since(began); received != 1 || took > 100*time.Millisecond {
			t.Errorf("%d were notified at once, and a newcomer after %v", received, took)
		}
	})
}

// TestHubClosesDuringARound: when the hub closes, the rest of the round is not notified, and
// no timer runs.
func TestHubClosesDuringARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := feed.NewHubWithRate(100) // one per 10 ms
		var subscribed []<-chan time.Time
		for range 100 {
			notifications, stop := h.Subscribe()
			defer stop()
			subscribed = append(subscribed, notifications)
		}
		h.Notify()
		<-time.After(105 * time.Millisecond)
		h.Close()
		<-time.After(time.Minute)
		h.Notify()
		<-time.After(time.Minute)
		sent := 0
		for _, notifications := range subscribed {
			sent += len(notifications)
		}
		if sent != 11 {
			t.Errorf("%d were notified, want the 11 of the first 100 ms", sent)
		}
	})
}

// TestHubPaces: however many commits there are, clients are notified at once of the first,
// and soon after of all others together.
func TestHubPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := feed.NewHub()
		defer h.Close()
		notifications, stop := h.Subscribe()
		defer stop()
		began := time.Now()
		h.Notify()
		if at := <-notifications; !at.Equal(began) || time.Since(began) != 0 {
			t.Errorf("notified after %v of a change at %v", time.Since(began), at.Sub(began))
		}
		before := h.Generation()
		for range 1000 {
			h.Notify()
		}
		if h.Generation() != before+1000 {
			t.Error("the generation did not count the notifications")
		}
		if at := <-notifications; !at.Equal(began) || time.Since(began) != 50*time.Millisecond {
			t.Errorf("notified after %v of changes from %v on", time.Since(began), at.Sub(began))
		}
		select {
		case <-notifications:
			t.Error("notified again of the same changes")
		case <-time.After(time.Second):
		}
	})
}

// TestRevision: each part makes a difference, also between two changes with one number, the
// first of which was lost in a failover.
func TestRevision(t *testing.T) {
	seen := map[string]bool{}
	for _, parts := range [][4]int64{{1, 2, 3, 4}, {-1, 2, 3, 4}, {1, 3, 3, 4}, {1, 2, 4, 4}, {1, 2, 3, 5}, {12, 3, 4, 0}, {1, 23, 4, 0}} {
		seen[feed.State{Epoch: uint64(parts[0]), Change: parts[1], Horizon: parts[2]}.Revision(parts[3])] = true
	}
	if len(seen) != 7 {
		t.Errorf("%d texts for seven revisions: %v", len(seen), seen)
	}
}
