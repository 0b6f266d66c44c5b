//go:build js && wasm

package idb_test

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/storetest"
	"github.com/rollcall/rollcall/wasm/sync"
)

var memoryRows = flag.Int("memory.rows", 10_000, "rows of BenchmarkMemory")

const (
	benchRows = 10000
	benchPage = 500
)

// pull saves the benchmark's rows at a version, page by page.
func pull(b *testing.B, s *store, version int64) {
	b.Helper()
	for start := 0; start < benchRows; start += benchPage {
		page := sync.Page{Generation: 1, Meta: map[string]string{"cursor": fmt.Sprint(start)}}
		for i := start; i < start+benchPage; i++ {
			page.Changes = append(page.Changes, change(fmt.Sprintf("id-%05d", i), fmt.Sprintf("Name %05d", (i*7919)%benchRows), version))
		}
		if _, err := s.ApplyPage(b.Context(), page); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFirstPullOf10000(b *testing.B) {
	for i := range b.N {
		s := open(b, idb.Options{Name: fmt.Sprint(b.Name(), b.N, i)})
		b.StartTimer()
		pull(b, s, 1)
		b.StopTimer()
	}
}

func BenchmarkLaterPullOf10000(b *testing.B) {
	s := open(b, idb.Options{Name: fmt.Sprint(b.Name(), b.N)})
	pull(b, s, 1)
	b.ResetTimer()
	for i := range b.N {
		pull(b, s, int64(i)+2)
	}
}

func BenchmarkSweepOf10000(b *testing.B) {
	for i := range b.N {
		b.StopTimer()
		s := open(b, idb.Options{Name: fmt.Sprint(b.Name(), b.N, i)})
		pull(b, s, 1)
		b.StartTimer()
		if removed, err := s.Sweep(b.Context(), 0, "user", 2); err != nil || len(removed) != benchRows {
			b.Fatal(len(removed), err)
		}
	}
}

func BenchmarkWindowOf50(b *testing.B) {
	s := open(b, idb.Options{Name: fmt.Sprint(b.Name(), b.N)})
	pull(b, s, 1)
	for name, w := range map[string]repository.Window{
		"start":  {Limit: 50},
		"key":    {Limit: 50, From: queue.Key{Sort: "Name 05000"}},
		"skip":   {Limit: 50, Skip: 5000},
		"search": {Limit: 50, Search: "name 05"},
	} {
		w.Type = "user"
		b.Run(name, func(b *testing.B) {
			for range b.N {
				if rows, err := s.Rows(b.Context(), w); err != nil || len(rows.Views) != 50 {
					b.Fatal(len(rows.Views), err)
				}
			}
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, relaxed := range []bool{false, true} {
		b.Run(fmt.Sprint("relaxed=", relaxed), func(b *testing.B) {
			s := open(b, idb.Options{Name: fmt.Sprint(b.Name(), b.N)})
			b.ResetTimer()
			for i := range b.N {
				err := s.Update(b.Context(), queue.Txn{Refs: []queue.Ref{ref(fmt.Sprint(i))}, Relaxed: relaxed}, func(es []*queue.Entity) error {
					return es[0].Enqueue(queue.Write{ID: fmt.Sprint("op", i), Type: "create", Data: []byte(`{"name":"Ada"}`), At: time.Unix(1, 0)})
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkQueueOf5000 takes a batch of a hundred out of a long queue, as a
// round does after a day offline.
func BenchmarkQueueOf5000(b *testing.B) {
	s := open(b, idb.Options{Name: fmt.Sprint(b.Name(), b.N)})
	for start := 0; start < 5000; start += 100 {
		var refs []queue.Ref
		for i := start; i < start+100; i++ {
			refs = append(refs, ref(fmt.Sprint(i)))
		}
		err := s.Update(b.Context(), queue.Txn{Refs: refs, Relaxed: true}, func(es []*queue.Entity) error {
			for _, e := range es {
				if err := e.Enqueue(queue.Write{ID: "op" + e.Ref.ID, Type: "create", Data: []byte(`{"name":"Ada"}`), At: time.Unix(1, 0)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("Due", func(b *testing.B) {
		for range b.N {
			due, err := s.Due(b.Context(), time.Now(), 100)
			if err != nil || len(due.Operations) != 100 {
				b.Fatal(len(due.Operations), err)
			}
		}
	})
	b.Run("Counts", func(b *testing.B) {
		for range b.N {
			if counts, err := s.Counts(b.Context()); err != nil || counts.Waiting != 5000 {
				b.Fatal(counts, err)
			}
		}
	})
	b.Run("Batch", func(b *testing.B) {
		var refs []queue.Ref
		for i := range 100 {
			refs = append(refs, ref(fmt.Sprint(i)))
		}
		for range b.N {
			err := s.Update(b.Context(), queue.Txn{Refs: refs}, func(es []*queue.Entity) error {
				for _, e := range es {
					e.Operations[0].RetryCount++
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOpenAndReadAll(b *testing.B) {
	s := open(b, idb.Options{Name: fmt.Sprint(b.Name(), b.N)})
	pull(b, s, 1)
	b.ResetTimer()
	for range b.N {
		again := newStore(idb.Options{Name: fmt.Sprint(b.Name(), b.N)})
		rows, err := again.Rows(b.Context(), repository.Window{Type: "user", Limit: benchRows})
		if err != nil || len(rows.Views) != benchRows {
			b.Fatal(len(rows.Views), err)
		}
		b.StopTimer()
		again.db.Close()
		b.StartTimer()
	}
}

func BenchmarkGet(b *testing.B) {
	s := open(b, idb.Options{Name: fmt.Sprint(b.Name(), b.N)})
	pull(b, s, 1)
	b.ResetTimer()
	for i := range b.N {
		if e, err := s.Entity(b.Context(), ref(fmt.Sprintf("id-%05d", i*7919%benchRows))); err != nil || e.Confirmed == nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory has a host take in a directory as a first sync brings it, and a page show it, and
// tells what the program's memory comes to, which never shrinks. -memory.rows says how large it is.
func BenchmarkMemory(b *testing.B) {
	debug.SetMemoryLimit(60 << 20) // as wasm/program does
	name := fmt.Sprint(b.Name(), time.Now().UnixNano())
	db := idb.NewDatabase(idb.Options{Name: name})
	s := &store{db: db, Store: replica.New(replica.Options{
		Database: db, Schemas: storetest.Schemas, Now: time.Now, NewID: uuid.NewString, Cache: idb.HostCache, Texts: idb.HostTexts,
	})}
	firstSync(b, s, *memoryRows)
	s.Forget()
	show := func() {
		w := repository.Window{Type: "user", Limit: 50}
		if rows, err := s.Rows(b.Context(), w); err != nil || len(rows.Views) != 50 {
			b.Fatal(len(rows.Views), err)
		}
	}
	timed(b, "first-rows", show)
	timed(b, "save", func() {
		if err := write(b.Context(), s, "new", "Ada"); err != nil {
			b.Fatal(err)
		}
		show()
	})
	s.db.Close()
	if err := idb.Delete(b.Context(), name); err != nil {
		b.Fatal(err)
	}
}

// firstSync has a host do what a first sync does with its store.
func firstSync(b *testing.B, s *store, rows int) {
	bio := strings.Repeat("Works in the field. ", 10)
	pages := func() {
		for n := 0; n < rows; n += sync.PageSize {
			page := sync.Page{Generation: 1, Resync: true, Meta: map[string]string{sync.MetaCursor: fmt.Sprint(n)}}
			for i := n; i < n+sync.PageSize; i++ {
				c := change(fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(i)*2654435761, i), fmt.Sprintf("Name %07d", i), 1)
				c.Document = append(c.Document[:len(c.Document)-1:len(c.Document)-1], `,"bio":"`+bio+`"}`...)
				page.Changes = append(page.Changes, c)
			}
			if _, err := s.ApplyPage(b.Context(), page); err != nil {
				b.Fatal(err)
			}
		}
	}
	timed(b, "pages", pages)
	timed(b, "sweep", func() {
		if removed, err := s.Sweep(b.Context(), 0, "user", 1); err != nil || len(removed) > 0 {
			b.Fatal(len(removed), err)
		}
	})
	timed(b, "digest", func() {
		if d, err := s.Digest(b.Context(), "user"); err != nil || d.Count != int64(rows) {
			b.Fatal(d.Count, err)
		}
	})
	timed(b, "tidy", func() {
		for more := true; more; {
			var err error
			if more, err = s.Tidy(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// timed reports how long a part takes, and the memory after it.
func timed(b *testing.B, part string, do func()) {
	begun := time.Now()
	do()
	b.ReportMetric(float64(time.Since(begun).Milliseconds()), "ms-"+part)
	b.ReportMetric(memoryMB(), "MB-"+part)
}

func memoryMB() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys) / 1e6
}
