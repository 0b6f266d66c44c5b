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
			Floor:  rapid.Int64Range(0, 1<<61).Draw(t, "floor"),
		}
		got, err := feed.ParseCursor(c.String())
		if err != nil {
			t.Fatal(err)
		}
		if c.Floor <= c.Change {
			c.Floor = 0 // says nothing more than Change, and is left away
		}
		if got != c {
			t.Fatalf("%+v became %+v", c, got)
		}
	})
}

func FuzzParseCursor(f *testing.F) {
	for _, c := range []feed.Cursor{{}, {Epoch: 1, Change: 300}, {Epoch: 1 << 63, Change: 1, Floor: 1 << 40}} {
		f.Add(c.String())
	}
	f.Add("")
	f.Add("AQAAAAAAAAABgA") // an unfinished number
	f.Fuzz(func(t *testing.T, text string) {
		c, err := feed.ParseCursor(text)
		switch {
		case err == nil && c.String() != text:
			t.Errorf("%q is read as %+v, whose text is %q", text, c, c.String())
		case err == nil && (c.Change < 0 || c.Floor < 0):
			t.Errorf("%q is read as %+v", text, c)
		case err != nil && !errors.Is(err, feed.ErrBadCursor):
			t.Errorf("%q: %v", text, err)
		}
	})
}

func TestResume(t *testing.T) {
	state := feed.State{Epoch: 7, Change: 100, Horizon: 50}
	for name, test := range map[string]struct {
		text string
		want feed.Cursor
		err  error
	}{
		"beginning":                   {"", feed.Cursor{Epoch: 7, Floor: 100}, nil},
		"at the horizon":              {feed.Cursor{Epoch: 7, Change: 50}.String(), feed.Cursor{Epoch: 7, Change: 50}, nil},
		"below the horizon":           {feed.Cursor{Epoch: 7, Change: 49}.String(), feed.Cursor{}, feed.ErrResync},
		"below, begun after it":       {feed.Cursor{Epoch: 7, Change: 3, Floor: 60}.String(), feed.Cursor{Epoch: 7, Change: 3, Floor: 60}, nil},
		"below, begun before it":      {feed.Cursor{Epoch: 7, Change: 3, Floor: 40}.String(), feed.Cursor{}, feed.ErrResync},
		"at the end":                  {feed.Cursor{Epoch: 7, Change: 100}.String(), feed.Cursor{Epoch: 7, Change: 100}, nil},
		"beyond the end":              {feed.Cursor{Epoch: 7, Change: 101}.String(), feed.Cursor{}, feed.ErrResync},
		"another epoch":               {feed.Cursor{Epoch: 8, Change: 60}.String(), feed.Cursor{}, feed.ErrResync},
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
			Document: json.RawMessage(`"` + strings.Repeat("x", 2000) + `"`)})
	}
	for _, page := range []api.ChangePage{
		long,
		{Changes: []api.Change{}, Cursor: "AQ-_"},
		{Changes: []api.Change{}, Cursor: "AQ-_", Digests: map[string]api.Digest{"user": {Count: 3}}},
		{HasMore: true, Cursor: "AQ", Changes: []api.Change{
			{EntityType: "user", EntityID: "a", Version: 3, Stamp: `01-"<node\`, Document: json.RawMessage(`{"id":"a","bio":"\u003c"}`)},
			{EntityType: "user", EntityID: "b", Version: 4, Deleted: true},
		}},
	} {
		var whole counted
		if err := feed.WritePage(&whole, page); err != nil {
			t.Fatal(err)
		}
		b := whole.Bytes()
		if most := 64 << 10; whole.most > most {
			t.Errorf("%d of %d bytes were written at once, want at most %d", whole.most, len(b), most)
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
	slow, stopSlow := h.Listen()
	quick, stopQuick := h.Listen()
	for range 3 {
		h.Tell() // the slow one does not hold this up
		<-quick
	}
	<-slow
	select {
	case <-slow:
		t.Error("three tells were not one")
	default:
	}
	stopQuick()
	h.Tell()
	select {
	case <-quick:
		t.Error("told after its end")
	default:
	}
	if h.Listeners() != 1 {
		t.Errorf("%d listeners, want 1", h.Listeners())
	}
	stopSlow()
	h.Close()
	h.Tell() // too late for anyone
	h.Close()
	<-h.Done()
}

// TestHubTellsInParts: however many listen, so many a second are told and not more;
// each of them of each change, at the latest with the round that begins after it.
func TestHubTellsInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const listeners, rate, changes = 1000, 500, 40
		h := feed.NewHubWithRate(rate)
		defer h.Close()
		var told [listeners][]time.Time
		var all []time.Time
		for i := range listeners {
			tells, stop := h.Listen()
			defer stop()
			go func() {
				for {
					select {
					case <-tells:
						told[i] = append(told[i], time.Now())
					case <-h.Done():
						return
					}
				}
			}()
		}
		began := time.Now()
		for range changes {
			h.Tell()
			<-time.After(100 * time.Millisecond)
		}
		last := time.Now().Add(-100 * time.Millisecond)
		<-time.After(time.Minute)
		synctest.Wait()
		for i := range told {
			if n := len(told[i]); n == 0 || told[i][n-1].Before(last) {
				t.Fatalf("listener %d was told %d times and not of the last change", i, n)
			}
			all = append(all, told[i]...)
		}
		slices.SortFunc(all, time.Time.Compare)
		if first := all[0].Sub(began); first != 0 {
			t.Errorf("the first was told after %v", first)
		}
		if end := all[len(all)-1].Sub(last); end > 2*time.Second*listeners/rate+time.Second {
			t.Errorf("the last was told %v after the last change", end)
		}
		for i := range all {
			if i+rate < len(all) && all[i+rate].Sub(all[i]) < time.Second-20*time.Millisecond {
				t.Fatalf("%d were told within %v", rate+1, all[i+rate].Sub(all[i]))
			}
		}
	})
}

// TestHubForgets: who ends while a round is under way is not told, and nobody waits
// for the part of the round that was theirs.
func TestHubForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := feed.NewHubWithRate(100) // one in 10 ms
		defer h.Close()
		var stops []func()
		var ears []<-chan time.Time
		for range 100 {
			tells, stop := h.Listen()
			stops, ears = append(stops, stop), append(ears, tells)
		}
		h.Tell()
		heard := 0
		for i, tells := range ears {
			select {
			case <-tells:
				heard++
			default:
				stops[i]()
			}
		}
		newcomer, stop := h.Listen()
		defer stop()
		began := time.Now()
		h.Tell()
		<-newcomer
		if took := time.Since(began); heard != 1 || took > 100*time.Millisecond {
			t.Errorf("%d were told at once, and a newcomer after %v", heard, took)
		}
	})
}

// TestHubEndsAmidARound: when the hub closes, the rest of the round is not told, and no
// timer goes on.
func TestHubEndsAmidARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := feed.NewHubWithRate(100) // one in 10 ms
		var ears []<-chan time.Time
		for range 100 {
			tells, stop := h.Listen()
			defer stop()
			ears = append(ears, tells)
		}
		h.Tell()
		<-time.After(105 * time.Millisecond)
		h.Close()
		<-time.After(time.Minute)
		h.Tell()
		<-time.After(time.Minute)
		told := 0
		for _, tells := range ears {
			told += len(tells)
		}
		if told != 11 {
			t.Errorf("%d were told, want the 11 of the first 100 ms", told)
		}
	})
}

// TestHubPaces: however many commits there are, clients are told at once of the
// first, and of all others together, soon after.
func TestHubPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := feed.NewHub()
		defer h.Close()
		tells, stop := h.Listen()
		defer stop()
		began := time.Now()
		h.Tell()
		if at := <-tells; !at.Equal(began) || time.Since(began) != 0 {
			t.Errorf("told after %v of a change at %v", time.Since(began), at.Sub(began))
		}
		before := h.Generation()
		for range 1000 {
			h.Tell()
		}
		if h.Generation() != before+1000 {
			t.Error("the generation did not count the tells")
		}
		if at := <-tells; !at.Equal(began) || time.Since(began) != 50*time.Millisecond {
			t.Errorf("told after %v of changes from %v on", time.Since(began), at.Sub(began))
		}
		select {
		case <-tells:
			t.Error("told again of what was told")
		case <-time.After(time.Second):
		}
	})
}

// TestRevision: pages are told apart by each part, also two changes of one number, of
// which a failover has lost one.
func TestRevision(t *testing.T) {
	seen := map[string]bool{}
	for _, parts := range [][4]int64{{1, 2, 3, 4}, {-1, 2, 3, 4}, {1, 3, 3, 4}, {1, 2, 4, 4}, {1, 2, 3, 5}, {12, 3, 4, 0}, {1, 23, 4, 0}} {
		seen[feed.State{Epoch: uint64(parts[0]), Change: parts[1], Horizon: parts[2]}.Revision(parts[3])] = true
	}
	if len(seen) != 7 {
		t.Errorf("%d texts for seven revisions: %v", len(seen), seen)
	}
}
