package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/memory"
)

// counted is a store that counts how often pages are read, and may fail or be slow.
type counted struct {
	*memory.Store
	reads   atomic.Int64
	fails   atomic.Bool
	metrics *rest.Metrics
	gate    chan struct{} // nil for none
}

func (c *counted) read(ctx context.Context) error {
	c.reads.Add(1)
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if c.fails.Load() {
		return errors.New("the disk is gone")
	}
	return nil
}

func (c *counted) Changes(ctx context.Context, cursor string, most int) (api.ChangePage, error) {
	if err := c.read(ctx); err != nil {
		return api.ChangePage{}, err
	}
	return c.Store.Changes(ctx, cursor, most)
}

func (c *counted) Users(ctx context.Context, q store.ListQuery) (store.List, error) {
	if err := c.read(ctx); err != nil {
		return store.List{}, err
	}
	return c.Store.Users(ctx, q)
}

func newCounted() (*counted, http.Handler) {
	c := &counted{Store: memory.New(memory.Options{}), metrics: rest.NewMetrics()}
	return c, rest.New(rest.Config{Store: c, Hub: feed.NewHub(), Metrics: c.metrics})
}

func get(ctx context.Context, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, "GET", path, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (c *counted) create(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		name, email := fmt.Sprint("Person ", i), fmt.Sprintf("p%d-%s@example.org", i, newID())
		outcomes, err := c.Apply(t.Context(), []store.Write{{EntityID: newID(), Type: api.Create, Patch: api.UserPatch{Name: &name, Email: &email}}})
		if err != nil || outcomes[0].Result.Status != api.Applied {
			t.Fatalf("%+v, %v", outcomes, err)
		}
	}
}

// TestPagesAreShared: requests for the same page without changes get the same
// bytes, read once; a change, another question or another coding makes another page.
func TestPagesAreShared(t *testing.T) {
	c, h := newCounted()
	have := 40
	c.create(t, have)
	for _, path := range []string{"/api/v1/changes?limit=30", "/api/v1/users?limit=30"} {
		before := c.reads.Load()
		expect := func(what string, reads int64) {
			t.Helper()
			if got := c.reads.Load() - before; got != reads {
				t.Errorf("%s: %d reads after %s, want %d", path, got, what, reads)
			}
		}
		first := get(t.Context(), h, path)
		for range 5 {
			w := get(t.Context(), h, path)
			if w.Code != 200 || w.Body.String() != first.Body.String() || w.Header().Get("Content-Type") != "application/json" {
				t.Fatalf("%s again is answered %d, %v", path, w.Code, w.Header())
			}
		}
		get(t.Context(), h, path+"&fresh=0b9c1e0e")
		expect("asking again", 1)
		for range 2 {
			if w := get(t.Context(), h, path, "Accept-Encoding", "zstd"); w.Header().Get("Content-Encoding") != "zstd" || w.Body.Len() >= first.Body.Len() {
				t.Errorf("%s: header %v, %d bytes", path, w.Header(), w.Body.Len())
			}
		}
		expect("another coding", 2)
		get(t.Context(), h, path+"0")
		expect("another limit", 3)
		c.create(t, 1)
		have++
		get(t.Context(), h, path)
		expect("a change", 4)
		whole := get(t.Context(), h, strings.Replace(path, "30", "50", 1)).Body.String()
		if n := strings.Count(whole, `"email"`); n != have {
			t.Errorf("%s after a change has %d users, want %d", path, n, have)
		}
	}
	metrics := scrape(c.metrics)
	if !strings.Contains(metrics, `rollcall_pages_total{read="shared"} 14`) {
		t.Errorf("pages are counted as %s", metrics)
	}
}

// TestTheLargestUsualPageIsCached: a thousand people with a bio of two sentences.
func TestTheLargestUsualPageIsCached(t *testing.T) {
	c, h := newCounted()
	writes := make([]store.Write, api.MaxChanges)
	for i := range writes {
		name, email, bio := fmt.Sprint("Person ", i), newID()+"@example.org", strings.Repeat("Knows the way. ", 10)
		writes[i] = store.Write{EntityID: newID(), Type: api.Create, Patch: api.UserPatch{Name: &name, Email: &email, Bio: &bio}}
	}
	if _, err := c.Apply(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if w := get(t.Context(), h, fmt.Sprint("/api/v1/changes?limit=", api.MaxChanges)); w.Code != 200 || w.Body.Len() < 400<<10 {
			t.Fatalf("answered %d, %d bytes", w.Code, w.Body.Len())
		}
	}
	if n := c.reads.Load(); n != 1 {
		t.Errorf("%d reads", n)
	}
}

// TestOneReadForAll: a hundred devices that ask at once for the page after a change are
// one read, also when the first of them goes away meanwhile.
func TestOneReadForAll(t *testing.T) {
	c, h := newCounted()
	c.create(t, 10)
	c.gate = make(chan struct{})
	first, leave := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { get(first, h, "/api/v1/changes") })
	for deadline := time.Now().Add(10 * time.Second); c.reads.Load() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("nobody reads")
		}
	}
	for range 99 {
		group.Go(func() {
			if w := get(t.Context(), h, "/api/v1/changes"); w.Code != 200 || strings.Count(w.Body.String(), `"email"`) != 10 {
				t.Errorf("answered %d: %.200s", w.Code, w.Body)
			}
		})
	}
	leave()
	close(c.gate)
	group.Wait()
	if n := c.reads.Load(); n != 1 {
		t.Errorf("%d reads", n)
	}
}

// TestFailedPagesAreNotCached: the next request tries again; and a cursor that
// the feed no longer reaches back to is refused, though its page was kept.
func TestFailedPagesAreNotCached(t *testing.T) {
	c, h := newCounted()
	c.create(t, 3)
	c.fails.Store(true)
	if w := get(t.Context(), h, "/api/v1/changes"); w.Code != 500 || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("a failed read is answered %d, %v", w.Code, w.Header())
	}
	c.fails.Store(false)
	if w := get(t.Context(), h, "/api/v1/changes"); w.Code != 200 || w.Header().Get("Set-Cookie") == "" {
		t.Errorf("the next one is answered %d, %v", w.Code, w.Header())
	}
	page, err := c.Store.Changes(t.Context(), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	old := "/api/v1/changes?cursor=" + (feed.Cursor{Epoch: mustParse(t, page.Cursor).Epoch, Change: 1}).String()
	dead := page.Changes[0].EntityID
	if _, err := c.Apply(t.Context(), []store.Write{{EntityID: dead, Type: api.Delete, AnyVersion: true}}); err != nil {
		t.Fatal(err)
	}
	if w := get(t.Context(), h, old); w.Code != 200 {
		t.Errorf("before tombstones are collected: %d", w.Code)
	}
	if n, err := c.Collect(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if w := get(t.Context(), h, old); w.Code != 410 {
		t.Errorf("after it: %d", w.Code)
	}
}

func mustParse(t *testing.T, text string) feed.Cursor {
	t.Helper()
	c, err := feed.ParseCursor(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEventsShareTheirRead: a change is read once for all streams that were told as much.
func TestEventsShareTheirRead(t *testing.T) {
	hub := feed.NewHub()
	c := &counted{Store: memory.New(memory.Options{Committed: hub.Notify})}
	server := httptest.NewServer(rest.New(rest.Config{Store: c, Hub: hub}))
	defer server.Close()
	defer hub.Close()
	c.create(t, 1)
	w := &world{t: t, server: server}
	var streams []<-chan string
	for range 8 {
		lines := w.stream("/api/v1/events?protocol=2")
		_, _ = await(t, lines, "id: ")
		streams = append(streams, lines)
	}
	c.create(t, 1)
	for _, lines := range streams {
		if line, _ := await(t, lines, "data: "); strings.HasPrefix(line, "data: {") {
			line, _ = await(t, lines, "data: rollcall-changes/1")
			if line == "" {
				t.Error("a stream ended")
			}
		}
	}
	if n := c.reads.Load(); n != 1 {
		t.Errorf("a change for %d streams was read %d times", len(streams), n)
	}
}
