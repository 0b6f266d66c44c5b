package replica_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// listed are pages of the first reading of the feed: rows in the order of the list.
func listed(rows int) (pages []sync.Page) {
	all, keys := make([]api.Change, rows), map[string]queue.Key{}
	for n := range all {
		all[n] = user(n)
		sort, _ := directory.Users.Index(all[n].Document)
		keys[all[n].EntityID] = queue.Key{Sort: sort, ID: all[n].EntityID}
	}
	slices.SortFunc(all, func(a, b api.Change) int { return keys[a.EntityID].Compare(keys[b.EntityID]) })
	for part := range slices.Chunk(all, sync.PageSize) {
		pages = append(pages, sync.Page{Changes: part, Resync: true, Generation: 1, Meta: map[string]string{"cursor": fmt.Sprint(len(pages))}})
	}
	return pages
}

// TestAFirstReadingIsWrittenOnce: rows that come in the order of the list are in leaves at once, the
// log says only which, and another tab has them without having taken them in.
func TestAFirstReadingIsWrittenOnce(t *testing.T) {
	const rows = 5000
	b := newBrowser()
	s, other := b.open(users, nil), b.open(users, nil)
	pages := listed(rows)
	want := 0
	for _, page := range pages {
		if changed, err := s.ApplyPage(t.Context(), page); err != nil || len(changed) != len(page.Changes) {
			t.Fatal(len(changed), err)
		}
		want += len(page.Changes)
		got, err := other.Rows(t.Context(), repository.Window{Type: directory.Users.Type, Skip: want - 3, Limit: 9})
		if err != nil || got.Total != want || len(got.Views) != 3 {
			t.Fatalf("the other tab has %d of %d: %v", got.Total, want, err)
		}
	}
	_, log := b.Texts()
	size := 0
	for _, text := range log {
		size += len(text)
		if strings.Contains(text, "\nw\t") {
			t.Errorf("a row is in the log: %.300s", text)
		}
	}
	if size > 20*rows {
		t.Errorf("the log has %d bytes", size)
	}
	for name, tab := range map[string]*tab{"that has written": s, "that was told": other, "that is new": b.open(users, nil)} {
		of := pages[2].Changes[500]
		e, err := tab.Entity(t.Context(), queue.Ref{Type: of.EntityType, ID: of.EntityID})
		if err != nil || e.Confirmed == nil || e.Confirmed.Version != 1 {
			t.Errorf("a tab %s finds %+v, %v", name, e, err)
		}
	}
	compact(t, s.Store)
	base, log := b.Texts()
	if len(log) > 2 || len(base["ids/user"]) < 100 {
		t.Errorf("%d records are left, and the ids are %q", len(log), base["ids/user"])
	}
	for _, tab := range b.tabs {
		d, err := tab.Digest(t.Context(), directory.Users.Type)
		if err != nil || d.Count != rows {
			t.Errorf("the digest counts %d: %v", d.Count, err)
		}
	}
}

// TestAFirstReadingGoesOnAfterARestart: a new program knows of no id, and nobody is listed twice.
func TestAFirstReadingGoesOnAfterARestart(t *testing.T) {
	b := newBrowser()
	pages := listed(4000)
	for n := range pages {
		s := b.open(users, nil)
		if n == 2 {
			compact(t, s.Store)
		}
		for _, page := range pages[max(0, n-1) : n+1] { // the last one comes once more
			if _, err := s.ApplyPage(t.Context(), page); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Rows(t.Context(), repository.Window{Type: directory.Users.Type, Limit: 10_000})
		if want := (n + 1) * sync.PageSize; err != nil || got.Total != want || len(got.Views) != want || !slices.IsSortedFunc(got.Keys, queue.Key.Compare) {
			t.Fatalf("%d rows, %d shown, want %d (%v)", got.Total, len(got.Views), want, err)
		}
	}
}

func BenchmarkFirstReading(b *testing.B) {
	for _, rows := range []int{10_000, 100_000} {
		pages := listed(rows)
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			for b.Loop() {
				s := newBrowser().open(users, nil)
				for _, page := range pages {
					if _, err := s.ApplyPage(b.Context(), page); err != nil {
						b.Fatal(err)
					}
				}
				firstSyncEnds(b, s.Store)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*rows), "µs/row")
		})
	}
}

func firstSyncEnds(b *testing.B, s *replica.Store) {
	if _, err := s.Sweep(b.Context(), 0, directory.Users.Type, 1); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Digest(b.Context(), directory.Users.Type); err != nil {
		b.Fatal(err)
	}
}

// TestTidyGivesTheIDsWhatTheyLack: after a short first reading, too, nobody looks for an id in
// leaves, and a program of before can read the log.
func TestTidyGivesTheIDsWhatTheyLack(t *testing.T) {
	b := newBrowser()
	s := b.open(users, nil)
	for _, page := range listed(300) {
		if _, err := s.ApplyPage(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	for more := true; more; {
		var err error
		if more, err = s.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	base, log := b.Texts()
	if rows := strings.Count(base["ids/user/1"], "\ni\t") + 1; rows != 300 {
		t.Errorf("the ids have %d of 300 rows", rows)
	}
	for seq, text := range log {
		if strings.Contains(text, "\nj\t") {
			t.Errorf("record %d still adds leaves: %.200s", seq, text)
		}
	}
}
