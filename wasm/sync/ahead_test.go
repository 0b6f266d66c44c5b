package sync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// book is a remote with a feed of so many pages, each with one user. Every request takes a
// second, and every page a second to save, in a bubble.
type book struct {
	sync.Remote
	pages   int
	gone    int // the cursor that the feed no longer reaches back to, once
	asked   []string
	running atomic.Int64
	dropped atomic.Int64
	store   *slowly
}

// slowly is a store that takes a second for each page, and may fail.
type slowly struct {
	*memory.Store
	remote *book
	fails  int // the page that it fails to save
	saved  []string
	beside []int64 // requests under way while a page was saved
}

func (s *slowly) ApplyPage(ctx context.Context, page sync.Page) ([]queue.Ref, error) {
	if len(page.Changes) == 0 {
		return s.Store.ApplyPage(ctx, page)
	}
	time.Sleep(time.Second / 2)
	s.beside = append(s.beside, s.remote.running.Load())
	time.Sleep(time.Second / 2)
	if len(s.saved)+1 == s.fails {
		s.fails = 0
		return nil, errors.New("no room")
	}
	s.saved = append(s.saved, page.Meta[sync.MetaCursor])
	return s.Store.ApplyPage(ctx, page)
}

func (b *book) Pull(ctx context.Context, cursor string, _ int) (api.ChangePage, error) {
	b.asked = append(b.asked, cursor)
	b.running.Add(1)
	defer b.running.Add(-1)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		b.dropped.Add(1)
		return api.ChangePage{}, sync.NoAnswerError(ctx.Err())
	}
	n := 0
	_, _ = fmt.Sscan(cursor, &n)
	if n > 0 && n == b.gone {
		b.gone = 0
		return api.ChangePage{}, &sync.RequestError{Kind: sync.Resync, Status: 410}
	}
	id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", n)
	return api.ChangePage{Cursor: fmt.Sprint(n + 1), HasMore: n+1 < b.pages, Changes: []api.Change{
		{EntityType: api.EntityUser, EntityID: id, Version: 1, Document: fmt.Appendf(nil, `{"id":%q,"name":"N%d","version":1}`, id, n)},
	}}, nil
}

// reader returns an engine that reads a book.
func reader(pages int) (*book, *sync.Engine) {
	b := &book{pages: pages}
	b.store = &slowly{Store: memory.New(directory.Users), remote: b}
	return b, sync.New(sync.Config{
		Store: b.store, Remote: b, Locks: memory.NewLocks(), Bus: memory.NewChannel().Bus(), Schemas: []queue.Schema{directory.Users},
		Now: time.Now, Random: func() float64 { return 0.5 }, NewID: uuid.NewString,
	})
}

func cursors(from, to int) (all []string) {
	for n := from; n <= to; n++ {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

func (b *book) rows(t *testing.T) int {
	t.Helper()
	counts, err := b.store.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return counts.Rows
}

// TestTheNextPageIsRequestedWhileOneIsSaved: one ahead, and never more.
func TestTheNextPageIsRequestedWhileOneIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, engine := reader(6)
		begun := time.Now()
		report, err := engine.Round(t.Context(), sync.Timer)
		if err != nil || report.Pulled != 6 || b.rows(t) != 6 {
			t.Errorf("%+v, %v", report, err)
		}
		if took := time.Since(begun); took != 7*time.Second {
			t.Errorf("it took %v, want a second for each page and one more", took)
		}
		if want := []int64{1, 1, 1, 1, 1, 0}; !slices.Equal(b.store.beside, want) || !slices.Equal(b.asked, append([]string{""}, cursors(1, 5)...)) {
			t.Errorf("%v requests were under way while pages were saved; asked for %q", b.store.beside, b.asked)
		}
	})
}

// TestAPageThatCantBeSavedStopsTheNext: no request outlives its round, the cursor stays before
// the page, and the next round goes on there.
func TestAPageThatCantBeSavedStopsTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, engine := reader(5)
		b.store.fails = 3
		b.store.beside = nil
		if _, err := engine.Round(t.Context(), sync.Timer); err == nil || b.running.Load() != 0 {
			t.Errorf("%v, and %d requests are under way", err, b.running.Load())
		}
		if meta, err := b.store.Meta(t.Context(), sync.MetaCursor); err != nil || meta[sync.MetaCursor] != "2" || b.rows(t) != 2 {
			t.Errorf("%v, %v, %d rows", meta, err, b.rows(t))
		}
		b.asked = nil
		if _, err := engine.Round(t.Context(), sync.Timer); err != nil || b.rows(t) != 5 {
			t.Errorf("%v, %d rows", err, b.rows(t))
		}
		if !slices.Equal(b.asked, cursors(2, 4)) || !slices.Equal(b.store.saved, cursors(1, 5)) {
			t.Errorf("then it asked for %q; saved were %q", b.asked, b.store.saved)
		}
	})
}

// TestARoundThatEndsDropsItsRequest: the person has closed the tab, say, while a page is saved.
func TestARoundThatEndsDropsItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, engine := reader(5)
		ctx, cancel := context.WithTimeout(t.Context(), 1700*time.Millisecond)
		defer cancel()
		if _, err := engine.Round(ctx, sync.Timer); err == nil || b.running.Load() != 0 || b.dropped.Load() != 1 {
			t.Errorf("%v, %d requests are under way, %d were dropped", err, b.running.Load(), b.dropped.Load())
		}
	})
}

// TestAFeedThatNoLongerReachesBack: the page that was requested ahead says so.
func TestAFeedThatNoLongerReachesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, engine := reader(4)
		b.gone = 2
		if _, err := engine.Round(t.Context(), sync.Timer); err != nil || b.rows(t) != 4 {
			t.Errorf("%v, %d rows", err, b.rows(t))
		}
		if want := []string{"", "1", "2", "", "1", "2", "3"}; !slices.Equal(b.asked, want) {
			t.Errorf("it asked for %q, want %q", b.asked, want)
		}
	})
}

// TestARoundAsksForNoPageThatItDoesNotSave: what is beyond its bound is the next one's.
func TestARoundAsksForNoPageThatItDoesNotSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, engine := reader(sync.MaxPages + 3)
		report, err := engine.Round(t.Context(), sync.Timer)
		if err != nil || !report.More || len(b.asked) != sync.MaxPages {
			t.Errorf("%+v, %v, %d requests", report, err, len(b.asked))
		}
		if report, err = engine.Round(t.Context(), sync.Timer); err != nil || report.More || b.rows(t) != sync.MaxPages+3 {
			t.Errorf("%+v, %v, %d rows", report, err, b.rows(t))
		}
	})
}
