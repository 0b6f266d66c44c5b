package replica_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
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

// watched is a database that notes which pages are read, and what is put of the ids.
type watched struct {
	replica.Database
	read   int // pages of ids
	leaves int // read at once, at most
	put    int // bytes of ids
}

func (w *watched) Run(ctx context.Context, query replica.Query, decide func(replica.Found) (replica.Step, error)) error {
	return w.Database.Run(ctx, query, func(found replica.Found) (replica.Step, error) {
		leaves := 0
		for key := range found.Base {
			if strings.HasPrefix(key, "ids/user/") {
				w.read++
			} else if strings.HasPrefix(key, "list/user/") {
				leaves++
			}
		}
		w.leaves = max(w.leaves, leaves)
		step, err := decide(found)
		for key, text := range step.Put {
			if strings.HasPrefix(key, "ids/user/") {
				w.put += len(text)
			}
		}
		return step, err
	})
}

func openWatched(b *browser, change func(*replica.Options)) (*tab, *watched) {
	var w *watched
	return b.open(users, func(o *replica.Options) {
		w = &watched{Database: o.Database}
		o.Database = w
		change(o)
	}), w
}

// TestIDsAreWrittenAFewTimes: with twice as many rows, a first reading writes twice as much, though its
// rows come from all over the ids. Tidying leaves one page for each range.
func TestIDsAreWrittenAFewTimes(t *testing.T) {
	bounds := replica.Bounds{
		LogRows: 250, LogRecords: 1 << 20, LogBytes: 1 << 30, StepPages: 64, PartPages: 32, LeafRows: 8, LeafBytes: 48 << 10,
	}
	for _, rows := range []int{10_000, 20_000} {
		b := newBrowser()
		s, ids := openWatched(b, func(o *replica.Options) { o.Bounds = bounds })
		for _, page := range listed(rows) {
			if _, err := s.ApplyPage(t.Context(), page); err != nil {
				t.Fatal(err)
			}
		}
		base, _ := b.Texts()
		if !strings.Contains(base["ids/user"], "\np\t") {
			t.Error("no range has got a second page")
		}
		d, err := b.open(users, nil).Digest(t.Context(), directory.Users.Type)
		if err != nil || d.Count != int64(rows) {
			t.Fatalf("a new program counts %d rows: %v", d.Count, err)
		}
		for more := true; more; {
			if more, err = s.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		size, pages := 0, 0
		base, _ = b.Texts()
		for key, text := range base {
			if strings.HasPrefix(key, "ids/user/") {
				size, pages = size+len(text), pages+1
			}
		}
		if found := strings.Count(base["ids/user"], "\nl\t"); found != pages || strings.Contains(base["ids/user"], "\np\t") {
			t.Errorf("%d pages have %d lines in %.300s", pages, found, base["ids/user"])
		}
		if times := float64(ids.put) / float64(size); times > 6 {
			t.Errorf("of %d rows, each was written %.1f times among the ids", rows, times)
		}
		d, err = b.open(users, nil).Digest(t.Context(), directory.Users.Type)
		if err != nil || d.Count != int64(rows) {
			t.Fatalf("a new program counts %d rows: %v", d.Count, err)
		}
	}
}

// TestARowThatMayBeKnownCostsOnePage: where the hash of one id is another's too, the ids are asked for that
// one, and not for all that came with it.
func TestARowThatMayBeKnownCostsOnePage(t *testing.T) {
	first, second := sameHash(func(n int) string { return user(n).EntityID })
	s, ids := openWatched(newBrowser(), func(o *replica.Options) { o.Cache = 1 })
	pages := listed(8000)
	pages[0].Changes[0].EntityID = user(first).EntityID
	last := pages[len(pages)-1]
	last.Changes[len(last.Changes)-1].EntityID = user(second).EntityID
	for _, page := range pages[:len(pages)-1] {
		if _, err := s.ApplyPage(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	compact(t, s.Store)
	ids.read = 0
	if changed, err := s.ApplyPage(t.Context(), last); err != nil || len(changed) != len(last.Changes) {
		t.Fatal(len(changed), err)
	}
	if ids.read != 1 {
		t.Errorf("%d pages of ids were read", ids.read)
	}
}

// sameHash returns two numbers of ids that have the hash by which a replica knows them in common.
func sameHash(id func(int) string) (first, second int) {
	seen := map[uint32]int{}
	for n := 100_000; ; n++ {
		hash := uint32(api.ContentHash([]byte(id(n))))
		if first, ok := seen[hash]; ok {
			return first, n
		}
		seen[hash] = n
	}
}

// TestAFirstReadingThatGoesOnLearnsTheIDs: a new program reads the ids once, part by part, and then none
// for each row.
func TestAFirstReadingThatGoesOnLearnsTheIDs(t *testing.T) {
	b := newBrowser()
	pages := listed(12_000)
	bounds := replica.DefaultBounds
	bounds.LeafRows, bounds.LogRows = 16, 1000
	begun := b.open(users, func(o *replica.Options) { o.Bounds = bounds })
	for _, page := range pages[:7] {
		if _, err := begun.ApplyPage(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	s, ids := openWatched(b, func(o *replica.Options) { o.Bounds, o.Cache = bounds, 1 })
	base, _ := b.Texts()
	stored := 0
	for key := range base {
		if strings.HasPrefix(key, "ids/user/") {
			stored++
		}
	}
	for _, page := range pages[7:9] {
		if changed, err := s.ApplyPage(t.Context(), page); err != nil || len(changed) != len(page.Changes) {
			t.Fatal(len(changed), err)
		}
	}
	if ids.read > 2*stored {
		t.Errorf("of %d pages of ids, %d were read", stored, ids.read)
	}
	if ids.leaves == 0 || ids.leaves > bounds.PartPages {
		t.Errorf("%d leaves that the ids lack were read at once", ids.leaves)
	}
	if _, err := s.ApplyPage(t.Context(), pages[8]); err != nil { // once more
		t.Fatal(err)
	}
	got, err := s.Rows(t.Context(), repository.Window{Type: directory.Users.Type, Limit: 12_000})
	if err != nil || got.Total != 9*sync.PageSize || len(got.Views) != got.Total {
		t.Fatalf("%d rows, %d shown: %v", got.Total, len(got.Views), err)
	}
}

// TestAFirstReadingSurvivesFaults cuts a first reading off at every kind of transaction, has other tabs and new
// programs go on with it, and changes a row now and then: nobody is missing, twice, or not found by their id.
func TestAFirstReadingSurvivesFaults(t *testing.T) {
	const rows, perPage = 600, 30
	extended := false
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 1))
		b := newBrowser()
		fault := memdb.None
		open := func() *tab {
			s := b.open(users, func(o *replica.Options) { o.Bounds, o.Cache = small, 1<<random.IntN(16) })
			s.conn.Fault = func(query replica.Query) (f memdb.Fault) {
				if f, fault = fault, memdb.None; !query.Write && f > memdb.Rerun {
					f = memdb.Aborted
				}
				return f
			}
			return s
		}
		tabs := []*tab{open(), open()}
		all := slices.Collect(slices.Chunk(slices.Concat(changesOf(listed(rows))...), perPage))
		want := map[string]api.Change{}
		for n := 0; n < len(all); {
			s := tabs[random.IntN(len(tabs))]
			if random.IntN(3) == 0 {
				fault = memdb.Fault(random.IntN(6))
			}
			switch random.IntN(8) {
			case 0:
				tabs[random.IntN(len(tabs))] = open()
			case 1:
				s.Forget()
			case 2:
				_, _ = s.Compact(t.Context())
			case 3:
				_, _ = s.Tidy(t.Context())
			case 4:
				if c := all[random.IntN(n+1)][random.IntN(perPage)]; want[c.EntityID].Version > 0 {
					c.Version = want[c.EntityID].Version + 1
					if _, err := s.ApplyPage(t.Context(), sync.Page{Changes: []api.Change{c}, Generation: 1}); err == nil {
						want[c.EntityID] = c
					}
				}
			default:
				page := sync.Page{Changes: all[n], Resync: true, Generation: 1}
				if _, err := s.ApplyPage(t.Context(), page); err == nil {
					n++
					for _, c := range page.Changes {
						want[c.EntityID] = c
					}
				}
			}
			fault = memdb.None
			base, _ := b.Texts()
			extended = extended || strings.Contains(base["ids/user"], "\np\t")
			if n > 0 && random.IntN(4) == 0 {
				expectAll(t, tabs[random.IntN(len(tabs))], want, random)
			}
		}
		expectAll(t, open(), want, random)
		for more := true; more; {
			var err error
			if more, err = tabs[0].Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		expectAll(t, open(), want, random)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if !extended {
		t.Error("no range has ever had a second page")
	}
}

func changesOf(pages []sync.Page) (all [][]api.Change) {
	for _, page := range pages {
		all = append(all, page.Changes)
	}
	return all
}

// expectAll compares what a tab lists, finds by id and counts in its digest. A page that was saved though it
// failed may be there, too, with rows of the first version.
func expectAll(t *testing.T, s *tab, want map[string]api.Change, random *rand.Rand) {
	t.Helper()
	got, err := s.Rows(t.Context(), repository.Window{Type: directory.Users.Type, Limit: 1000})
	if err != nil || got.Total != len(got.Views) || got.Total < len(want) || !slices.IsSortedFunc(got.Keys, queue.Key.Compare) {
		t.Fatalf("%d rows, %d shown, want %d: %v", got.Total, len(got.Views), len(want), err)
	}
	var digest api.Digest
	seen := map[string]bool{}
	for _, v := range got.Views {
		if c, ok := want[v.Ref.ID]; seen[v.Ref.ID] || ok && v.Version < c.Version {
			t.Fatalf("%s is listed twice, or as it was: %+v", v.Ref.ID, v)
		}
		seen[v.Ref.ID] = true
		digest.Add(v.Ref.ID, v.Version, api.ContentHash(v.Document))
		if e, err := s.Entity(t.Context(), v.Ref); random.IntN(20) == 0 && (err != nil || e.Confirmed == nil) {
			t.Fatalf("%s is not found: %v", v.Ref.ID, err)
		}
	}
	for id := range want {
		if !seen[id] {
			t.Fatalf("%s is missing", id)
		}
	}
	if d, err := s.Digest(t.Context(), directory.Users.Type); err != nil || len(d.Diff(&digest)) > 0 {
		t.Fatalf("the digest differs: %v", err)
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
