package sync_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/sync"
)

// newsFrom is the data of the event that the server sends to a stream that has told of the feed
// up to a cursor.
func newsFrom(w *testbed.World, after string) (data, cursor string) {
	w.T.Helper()
	resp := w.Serve(w.T.Context(), sync.Request{Method: "GET", Path: "/api/v1/changes?cursor=" + url.QueryEscape(after), Header: map[string]string{"Accept": api.LinesType}})
	page, err := api.ParseLines(resp.Body)
	if err != nil {
		w.T.Fatal(err)
	}
	page.After, page.Digests, page.Epoch = after, nil, ""
	b := page.AppendHead(nil)
	for _, c := range page.Changes {
		b = c.AppendLine(b)
	}
	return strings.TrimSuffix(string(page.AppendEnd(b)), "\n"), page.Cursor
}

// cursor is how far the device has read the feed.
func (h *hosted) cursor() string {
	h.World.T.Helper()
	meta, err := h.Store.Meta(h.World.T.Context(), sync.MetaCursor)
	h.OK(err)
	return meta[sync.MetaCursor]
}

// told brings an event, and returns how many requests came of it.
func (h *hosted) told(data string) (requests int) {
	before := len(h.Sent())
	h.host.Tell(data)
	h.stream <- sync.StreamChanged
	synctest.Wait()
	return len(h.Sent()) - before
}

// TestAnEventBringsTheChanges: where it follows what this device has, nobody asks; else a round
// asks, as for an event without any.
func TestAnEventBringsTheChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		other := w.Device()
		h := newHosted(t, w)
		defer h.cancel()
		h.stream <- sync.StreamOpened
		synctest.Wait()
		begin := h.cursor()
		other.Add("Ann")
		other.Sync()
		first, second := newsFrom(w, begin)
		if n := h.told(first); n != 0 {
			t.Errorf("%d requests", n)
		}
		h.Shows("Ann()")
		if h.cursor() != second {
			t.Errorf("the cursor is %q, want %q", h.cursor(), second)
		}
		// Once more, and of what this device has read itself: it has it.
		if n := h.told(first); n != 0 {
			t.Errorf("the same again: %d requests", n)
		}
		h.Add("Own")
		synctest.Wait()
		own, third := newsFrom(w, second)
		if n := h.told(own); n != 0 || h.cursor() != third {
			t.Errorf("its own: %d requests", n)
		}
		// Two of which the first was lost, and data of no use.
		other.Add("Bo")
		other.Sync()
		_, fourth := newsFrom(w, third)
		other.Add("Cy")
		other.Sync()
		gap, fifth := newsFrom(w, fourth)
		if n := h.told(gap); n != 1 || h.cursor() != fifth {
			t.Errorf("after a gap: %d requests, at %q", n, h.cursor())
		}
		h.Shows("Ann(); Bo(); Cy(); Own()")
		for _, data := range []string{"", `{"cursor":"x"}`, strings.TrimSuffix(gap, "1") + "2", strings.Replace(gap, "\t0\t", "\t1\t", 1), strings.Replace(gap, "\t"+fourth, "\t", 1)} {
			if n := h.told(data); n != 1 {
				t.Errorf("%q: %d requests", data, n)
			}
		}
		// Two that come together are one round.
		other.Add("Di")
		other.Sync()
		di, sixth := newsFrom(w, fifth)
		other.Add("Ed")
		other.Sync()
		ed, _ := newsFrom(w, sixth)
		h.host.Tell(di)
		if n := h.told(ed); n != 0 {
			t.Errorf("two at once: %d requests", n)
		}
		h.Shows("Ann(); Bo(); Cy(); Di(); Ed(); Own()")
		// More than are kept: the round asks for all of them.
		at := h.cursor()
		for n := range 40 {
			var data string
			other.Add(fmt.Sprint("Zoe", n))
			other.Sync()
			data, at = newsFrom(w, at)
			h.host.Tell(data)
		}
		if n := h.told(""); n != 1 || h.cursor() != at {
			t.Errorf("forty at once: %d requests", n)
		}
	})
}

// TestAnEventBringsNobodyBack: an event from before this device's delete reached the server comes
// behind the server's answer to it, or waits for the round that sends the delete. What this
// device has read of the feed is not newer than the event, but what it has sent is.
func TestAnEventBringsNobodyBack(t *testing.T) {
	for name, early := range map[string]bool{"before the round": true, "after the answer": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := testbed.New(t)
				h := newHosted(t, w)
				defer h.cancel()
				h.stream <- sync.StreamOpened
				synctest.Wait()
				reads := true
				h.Intercept(func(r sync.Request) (*sync.Response, error) {
					if !reads && r.Method == "GET" {
						return nil, errors.New("the network is away")
					}
					return nil, nil
				})
				begin := h.cursor()
				reads = false
				id := h.Add("Ann")
				synctest.Wait()
				data, _ := newsFrom(w, begin)
				if h.cursor() != begin {
					t.Fatal("the feed was read")
				}
				if early {
					h.host.Tell(data)
				}
				_, err := h.Delete(t.Context(), id)
				h.OK(err)
				synctest.Wait()
				if h.waiting() != 0 || len(w.Users()) != 0 {
					t.Fatal("the delete was not sent")
				}
				if !early {
					h.host.Tell(data)
				}
				h.stream <- sync.StreamChanged
				synctest.Wait()
				h.Shows("")
				reads = true
				h.stream <- sync.StreamOpened
				synctest.Wait()
				h.Shows("")
				other := w.Device()
				after := h.cursor()
				other.Add("Bo")
				other.Sync()
				bo, _ := newsFrom(w, after)
				if n := h.told(bo); n != 0 {
					t.Errorf("%d requests once the feed was read", n)
				}
				h.Shows("Bo()")
			})
		})
	}
}

// TestAnEventBringsNobodyBackWhomOthersDeleted: the answer to this device's write says that
// somebody is gone, and then comes an event from before that.
func TestAnEventBringsNobodyBackWhomOthersDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		other := w.Device()
		id := other.Add("Ann")
		other.Sync()
		h := newHosted(t, w)
		defer h.cancel()
		h.stream <- sync.StreamOpened
		synctest.Wait()
		h.Shows("Ann()")
		before := h.cursor()
		edit := func(d *testbed.Device, bio string) {
			d.Wrote(d.Update(t.Context(), id, api.UserPatch{Bio: &bio}))
		}
		edit(other, "theirs")
		other.Sync()
		data, _ := newsFrom(w, before)
		other.Wrote(other.Delete(t.Context(), id))
		other.Sync()
		h.Intercept(func(r sync.Request) (*sync.Response, error) {
			if r.Method == "GET" {
				return nil, errors.New("the network is away")
			}
			return nil, nil
		})
		edit(h.Device, "mine")
		synctest.Wait()
		h.Shows("")
		if h.waiting() != 0 || h.cursor() != before {
			t.Fatal("the write was not answered, or the feed was read")
		}
		h.told(data)
		h.Shows("")
	})
}

// TestAnEventBringsNobodyBackInTheMiddleOfTheFeed: of what was asked for after the answer, only
// the first page has come.
func TestAnEventBringsNobodyBackInTheMiddleOfTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		other := w.Device()
		h := newHosted(t, w)
		defer h.cancel()
		h.stream <- sync.StreamOpened
		synctest.Wait()
		pages := 0 // that still come
		h.Intercept(func(r sync.Request) (*sync.Response, error) {
			switch {
			case r.Method != "GET":
				return nil, nil
			case pages == 0:
				return nil, errors.New("the network is away")
			}
			pages--
			r.Path = strings.Replace(r.Path, "limit=", "limit=1&was=", 1)
			page := w.Serve(t.Context(), r)
			return &page, nil
		})
		other.Add("Bo")
		other.Sync()
		_, middle := newsFrom(w, h.cursor())
		id := h.Add("Ann")
		synctest.Wait()
		data, _ := newsFrom(w, middle)
		h.Wrote(h.Delete(t.Context(), id))
		synctest.Wait()
		pages = 1
		h.stream <- sync.StreamOpened
		synctest.Wait()
		if h.waiting() != 0 || h.cursor() != middle {
			t.Fatal("the write was not answered, or more of the feed was read")
		}
		h.told(data)
		h.Shows("Bo()")
	})
}

// TestEventsReplaceNoComparison: a device that is told of everything still asks from time to
// time, since only an answer has a digest.
func TestEventsReplaceNoComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		other := w.Device()
		h := newHosted(t, w)
		defer h.cancel()
		h.stream <- sync.StreamOpened
		synctest.Wait()
		asked := 0
		for n := range 60 {
			pass(20 * time.Second)
			after := h.cursor()
			other.Add("N" + string(rune('A'+n/26)) + string(rune('a'+n%26)))
			other.Sync()
			data, _ := newsFrom(w, after)
			asked += h.told(data)
		}
		if asked < 3 || asked > 5 {
			t.Errorf("%d of 60 rounds in 20 minutes asked, want one in five minutes", asked)
		}
	})
}

// TestAnEventOverwritesNothingUnsent: its changes go the way of every page.
func TestAnEventOverwritesNothingUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		other := w.Device()
		id := other.Add("Ann")
		other.Sync()
		h := newHosted(t, w)
		defer h.cancel()
		synctest.Wait()
		after := h.cursor()
		h.Intercept(down)
		h.Wrote(h.Update(t.Context(), id, testbed.Bio("mine")))
		synctest.Wait()
		other.Wrote(other.Update(t.Context(), id, testbed.Name("Anna")))
		other.Sync()
		data, _ := newsFrom(w, after)
		h.told(data)
		h.Shows("Anna(mine) pending")
		h.Intercept(nil)
		pass(time.Minute)
		synctest.Wait()
		h.Shows("Anna(mine)")
	})
}
