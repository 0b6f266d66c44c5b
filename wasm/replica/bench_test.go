package replica_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

var users = []queue.Schema{directory.Users}

// user is a change of the feed, of a person of whom each number makes another.
func user(n int) api.Change {
	id := uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)).String()
	name := fmt.Sprintf("%c%c Person%06d", 'A'+n*7%26, 'a'+n*3%26, n*7919%1_000_003)
	return api.Change{EntityType: directory.Users.Type, EntityID: id, Version: 1, Stamp: "2026-03-01T09:00:00.000000Z-0001-server00", Document: fmt.Appendf(nil,
		`{"id":%q,"name":%q,"email":"person%d@example.org","bio":"Works in the field, on weekends too.","createdAt":"2026-03-01T09:00:00Z","updatedAt":"2026-03-01T09:00:00Z"}`, id, name, n)}
}

// pull brings rows in pages of 500, in an order that is not the list's.
func pull(t testing.TB, s *replica.Store, rows int) {
	t.Helper()
	for from := 0; from < rows; from += sync.PageSize {
		page := sync.Page{Generation: 1, Meta: map[string]string{"cursor": fmt.Sprint(from)}}
		for n := from; n < min(from+sync.PageSize, rows); n++ {
			page.Changes = append(page.Changes, user(n))
		}
		if _, err := s.ApplyPage(context.Background(), page); err != nil {
			t.Fatal(err)
		}
	}
}

func filled(t testing.TB, rows int) (*browser, *tab) {
	b := newBrowser()
	s := b.open(users, nil)
	pull(t, s.Store, rows)
	return b, s
}

func BenchmarkPull(b *testing.B) {
	pages := pagesOf(10_000, 1)
	for b.Loop() {
		s := newBrowser().open(users, nil)
		for _, page := range pages {
			if _, err := s.ApplyPage(b.Context(), page); err != nil {
				b.Fatal(err)
			}
		}
		for more := true; more; {
			var err error
			if more, err = s.Tidy(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// pagesOf are pages of the feed that bring rows.
func pagesOf(rows int, version int64) (pages []sync.Page) {
	for from := 0; from < rows; from += sync.PageSize {
		page := sync.Page{Generation: 1, Meta: map[string]string{"cursor": fmt.Sprint(version, from)}}
		for n := from; n < min(from+sync.PageSize, rows); n++ {
			c := user(n)
			c.Version = version
			page.Changes = append(page.Changes, c)
		}
		pages = append(pages, page)
	}
	return pages
}

func BenchmarkLaterPull(b *testing.B) {
	_, s := filled(b, 10_000)
	pages := pagesOf(10_000, 2)
	for version := int64(2); b.Loop(); version++ {
		for _, page := range pages {
			for n := range page.Changes {
				page.Changes[n].Version = version
			}
			if _, err := s.ApplyPage(b.Context(), page); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, rows := range []int{10_000, 100_000} {
		_, s := filled(b, rows)
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				ref := queue.Ref{Type: directory.Users.Type, ID: fmt.Sprint("new-", n)}
				err := s.Update(b.Context(), queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
					return es[0].Enqueue(queue.Write{ID: fmt.Sprint("op", n), Type: api.Create, Data: []byte(`{"name":"Ada"}`), At: fixedNow()})
				})
				if err != nil {
					b.Fatal(err)
				}
				if n%100 == 99 {
					b.StopTimer()
					compact(b, s.Store)
					b.StartTimer()
				}
			}
		})
	}
}

func BenchmarkOpenAndReadAll(b *testing.B) {
	db, _ := filled(b, 10_000)
	for b.Loop() {
		s := db.open(users, nil)
		rows, err := s.Rows(b.Context(), repository.Window{Type: directory.Users.Type, Limit: 10_000})
		if err != nil || len(rows.Views) != 10_000 {
			b.Fatal(len(rows.Views), err)
		}
	}
}

func BenchmarkFirstRows(b *testing.B) {
	db, _ := filled(b, 100_000)
	for b.Loop() {
		s := db.open(users, nil)
		if _, err := s.Rows(b.Context(), repository.Window{Type: directory.Users.Type, Limit: 50}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirstRowsOfALongLog starts with the longest log that compaction leaves.
func BenchmarkFirstRowsOfALongLog(b *testing.B) {
	db, _ := filled(b, 20_000)
	lazy := db.open(users, func(o *replica.Options) {
		o.Bounds, o.Bounds.LogBytes, o.Bounds.LogRows = replica.DefaultBounds, 1<<30, 1<<30
	})
	compact(b, lazy.Store)
	size := 0
	for from := 0; size < replica.DefaultBounds.LogBytes; from += sync.PageSize {
		page := sync.Page{Generation: 2}
		for n := from; n < from+sync.PageSize; n++ {
			c := user(n)
			c.Version = 2
			page.Changes = append(page.Changes, c)
			size += len(c.Document) + 100
		}
		if _, err := lazy.ApplyPage(b.Context(), page); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		s := db.open(users, nil)
		if _, err := s.Rows(b.Context(), repository.Window{Type: directory.Users.Type, Limit: 50}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	for _, rows := range []int{10_000, 100_000} {
		_, s := filled(b, rows)
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			for b.Loop() {
				e, err := s.Entity(b.Context(), queue.Ref{Type: directory.Users.Type, ID: user(rand.IntN(rows)).EntityID})
				if err != nil || e.Confirmed == nil {
					b.Fatal(e, err)
				}
			}
		})
	}
}

func BenchmarkPageInTheMiddle(b *testing.B) {
	for _, rows := range []int{10_000, 100_000} {
		_, s := filled(b, rows)
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			for b.Loop() {
				w := repository.Window{Type: directory.Users.Type, Skip: rows/2 + rand.IntN(rows/4), Limit: 50}
				if found, err := s.Rows(b.Context(), w); err != nil || len(found.Views) != 50 {
					b.Fatal(found, err)
				}
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	_, s := filled(b, 100_000)
	for b.Loop() {
		if _, err := s.Rows(b.Context(), repository.Window{Type: directory.Users.Type, Search: "person77", Limit: 50}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMemoryOfAHostIsBounded weighs what a replica keeps that has taken a whole directory in:
// little of it may keep the large texts alive that it came in.
func TestMemoryOfAHostIsBounded(t *testing.T) {
	const rows, most = 50_000, 8 << 20
	db, s := filled(t, rows)
	compact(t, s.Store)
	db.tabs = nil
	with := heap()
	s.Forget()
	if kept := with - heap(); kept > most {
		t.Errorf("a replica that took in %d rows keeps %d bytes, want at most %d", rows, kept, most)
	} else {
		t.Logf("a replica that took in %d rows keeps %d bytes", rows, kept)
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(db)
}

// TestASweepKeepsNoPages: a sweep that finds nothing to remove reads all ids, and saves nothing.
func TestASweepKeepsNoPages(t *testing.T) {
	const rows, most = 30_000, 1 << 20
	db := newBrowser()
	s := db.open(users, func(o *replica.Options) { o.Cache = 1 })
	pull(t, s.Store, rows)
	compact(t, s.Store)
	before := heap()
	if removed, err := s.Sweep(t.Context(), 0, directory.Users.Type, 1); err != nil || len(removed) > 0 {
		t.Fatal(len(removed), err)
	}
	if kept := heap() - before; kept > most {
		t.Errorf("a sweep of %d rows keeps %d bytes, want at most %d", rows, kept, most)
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(db)
}

// TestMemoryIsBounded fills a directory, reads all over it, and weighs what the replica
// keeps.
func TestMemoryIsBounded(t *testing.T) {
	const rows, most = 50_000, 40 << 20
	db, _ := filled(t, rows)
	db.tabs = nil
	before := heap()
	s := db.open(users, nil)
	for range 300 {
		if _, err := s.Rows(t.Context(), repository.Window{Type: directory.Users.Type, Skip: rand.IntN(rows), Limit: 50}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Entity(t.Context(), queue.Ref{Type: directory.Users.Type, ID: user(rand.IntN(rows)).EntityID}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Digest(t.Context(), directory.Users.Type); err != nil {
		t.Fatal(err)
	}
	if kept := heap() - before; kept > most {
		t.Errorf("a replica of %d rows keeps %d bytes, want at most %d", rows, kept, most)
	} else {
		t.Logf("a replica of %d rows keeps %d bytes", rows, kept)
	}
	runtime.KeepAlive(s)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
