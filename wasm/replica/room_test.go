package replica_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
	"github.com/rollcall/rollcall/wasm/replica/replicatest"
	"github.com/rollcall/rollcall/wasm/storetest"
	"github.com/rollcall/rollcall/wasm/sync"
)

// bring saves a page of the feed with rows of such a version.
func bring(s *tab, from, to int, version int64) ([]queue.Ref, error) {
	page := sync.Page{Generation: 1, Meta: map[string]string{sync.MetaCursor: fmt.Sprint(to, version)}}
	for n := from; n < to; n++ {
		id := fmt.Sprintf("%04d", n)
		page.Changes = append(page.Changes, api.Change{
			EntityType: "user", EntityID: id, Version: version, Document: fmt.Appendf(nil, `{"name":"%s","text":"%d"}`, id, version),
		})
	}
	return s.ApplyPage(context.Background(), page)
}

// crowded is a browser whose base has many leaves, and whose disk is full.
func crowded(t *testing.T, rows int) (*browser, *tab) {
	t.Helper()
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	if _, err := bring(s, 0, rows, 1); err != nil {
		t.Fatal(err)
	}
	compact(t, s.Store)
	if base, _ := b.Texts(); base["reserve"] == "" {
		t.Fatal("no room was reserved")
	}
	b.Fill(10)
	return b, s
}

// TestAFullDiskRefusesWhatComesAgain: what the server has, and what only tidies up, is not
// saved, changes nothing, and takes no room that is kept for the person.
func TestAFullDiskRefusesWhatComesAgain(t *testing.T) {
	b, s := crowded(t, 100)
	base, log := b.Texts()
	before := fmt.Sprint(base, log)
	_, page := bring(s, 0, 50, 2)
	_, compaction := s.Compact(t.Context())
	_, sweep := s.Sweep(t.Context(), 0, "user", 2)
	_, repair := s.Repair(t.Context(), sync.Repair{Type: "user", Generation: 1})
	for what, err := range map[string]error{"a page of the feed": page, "compaction": compaction, "sweep": sweep, "repair": repair} {
		if !errors.Is(err, queue.ErrQuota) {
			t.Errorf("%s: %v, want ErrQuota", what, err)
		}
	}
	if base, log = b.Texts(); fmt.Sprint(base, log) != before {
		t.Error("something was written")
	}
	if counts, err := s.Counts(t.Context()); err != nil || counts.Rows != 100 {
		t.Errorf("%+v, %v", counts, err)
	}
}

func TestAPersonsWriteTakesTheReserve(t *testing.T) {
	b, s := crowded(t, 100)
	write(t, s, "0001", "x")
	if _, err := s.BeginRound(t.Context()); err != nil { // to send it
		t.Fatal(err)
	}
	base, _ := b.Texts()
	if base["reserve"] != "" || countLeaves(base) < 10 {
		t.Fatalf("the reserve has %d bytes, and there are %d leaves", len(base["reserve"]), countLeaves(base))
	}
	compact(t, s.Store) // within what is left of the reserve's room, and too little to keep it again
	if base, _ = b.Texts(); base["reserve"] != "" {
		t.Error("the reserve is back on a full disk")
	}
	b.Fill(1 << 20)
	other := b.open(storetest.Schemas, nil)
	compact(t, other.Store)
	if base, _ = b.Texts(); base["reserve"] == "" {
		t.Error("with room again there is no reserve")
	}
	expectQueue(t, other, "op-x")
}

func countLeaves(base map[string]string) (n int) {
	for key := range base {
		if strings.HasPrefix(key, "list/user/") {
			n++
		}
	}
	return n
}

// TestRowsGiveWayToAPersonsWrites: on a disk that stays full, what the server has goes before
// a write is refused, but no row that is being written. A check brings all back.
func TestRowsGiveWayToAPersonsWrites(t *testing.T) {
	b, s := crowded(t, 400)
	large := strings.Repeat("x", 40_000)
	var queued []string
	for n := range 9 {
		id := fmt.Sprintf("%04d", 399-n)
		err := s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{{Type: "user", ID: id}}}, func(es []*queue.Entity) error {
			if es[0].Confirmed == nil {
				return fmt.Errorf("the row %s is gone", id)
			}
			return es[0].Enqueue(queue.Write{ID: "op-" + id, Type: api.Update, Data: []byte(`{"text":"` + large + `"}`), At: fixedNow()})
		})
		if errors.Is(err, queue.ErrQuota) && n > 6 { // all the rest together is too small by now
			break
		}
		if err != nil {
			t.Fatalf("write %d: %v", n, err)
		}
		queued = append(queued, "op-"+id)
	}
	base, _ := b.Texts()
	if n := countLeaves(base); n > 30 {
		t.Fatalf("there are %d leaves", n)
	}
	b.Fill(10 << 20)
	again := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	expectQueue(t, again, queued...)
	if m, err := again.Meta(t.Context(), sync.MetaCheck); err != nil || m[sync.MetaCheck] != "" {
		t.Errorf("no check is due: %v, %v", m, err)
	}
	repair := sync.Repair{Type: "user", Generation: 1}
	var want api.Digest
	for n := range 400 {
		id := fmt.Sprintf("%04d", n)
		c := api.Change{EntityType: "user", EntityID: id, Version: 1, Document: fmt.Appendf(nil, `{"name":"%s","text":"1"}`, id)}
		repair.Changes = append(repair.Changes, c)
		want.Add(id, 1, api.ContentHash(c.Document))
	}
	if d, err := again.Digest(t.Context(), "user"); err != nil || d == want {
		t.Fatalf("the digest does not tell that rows are missing: %v", err)
	}
	if _, err := again.Repair(t.Context(), repair); err != nil {
		t.Fatal(err)
	}
	compact(t, again.Store)
	if d, err := again.Digest(t.Context(), "user"); err != nil || d != want {
		t.Fatalf("the rows are not back: %v", err)
	}
}

// TestTidyShortensTheLog: a log that has more than a little goes into the base in short
// steps, and nothing is rewritten for less.
func TestTidyShortensTheLog(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) {
		o.Bounds = replica.Bounds{LogRows: 400, LogRecords: 80, LogBytes: 1 << 20, StepPages: 8, PartPages: 8, LeafRows: 6, LeafBytes: 2000}
	})
	tidy := func() (steps int) {
		t.Helper()
		for more := true; more; steps++ {
			var err error
			if more, err = s.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return steps
	}
	if _, err := bring(s, 0, 300, 1); err != nil {
		t.Fatal(err)
	}
	tidy()
	if _, err := bring(s, 0, 300, 2); err != nil {
		t.Fatal(err)
	}
	if n := tidy(); n < 10 {
		t.Errorf("%d steps", n)
	}
	if _, log := b.Texts(); len(log) > 2 {
		t.Errorf("the log has %d records", len(log))
	}
	for n := range 6 {
		write(t, s, "a", fmt.Sprint(n))
	}
	tidy()
	if _, log := b.Texts(); len(log) < 6 {
		t.Errorf("a log of a few records was moved: %d are left", len(log))
	}
	for n := range 5 {
		write(t, s, "b", fmt.Sprint(n))
	}
	tidy()
	if _, log := b.Texts(); len(log) > 2 {
		t.Errorf("the log has %d records", len(log))
	}
}

// TestPagesOfNoDirectoryAreDeleted: they are found by their names alone.
func TestPagesOfNoDirectoryAreDeleted(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	if _, err := bring(s, 0, 100, 1); err != nil {
		t.Fatal(err)
	}
	compact(t, s.Store)
	line := "" // of a leaf in the middle
	b.Damage("list/user", func(text string) string {
		line = strings.Split(text, "\n")[3]
		return strings.Replace(text, line, "l"+line[2:], 1)
	})
	number := strings.Split(line, "\t")[1]
	b.Damage("ids/user/999", func(string) string { return replicatest.Sealed("i\tforgotten") })
	b.Damage("ids/ghost/1", func(string) string { return "of a newer program" })
	s.Forget()
	write(t, s, "x", "1") // reads the damaged directory
	compact(t, s.Store)
	base, _ := b.Texts()
	for _, key := range []string{"list/user/" + number, "text/user/" + number, "ids/user/999"} {
		if base[key] != "" {
			t.Errorf("%s is there", key)
		}
	}
	if base["ids/ghost/1"] == "" {
		t.Error("a page of a newer program was deleted")
	}
	if counts, err := s.Counts(t.Context()); err != nil || counts.Rows >= 101 || counts.Rows < 85 {
		t.Errorf("%+v, %v", counts, err)
	}
	reads := s.conn.Reads + s.conn.Writes
	compact(t, s.Store)
	if n := s.conn.Reads + s.conn.Writes - reads; n > 2 { // one step, and what keeps the reserve
		t.Errorf("the names were looked at again: %d transactions", n)
	}
}

// TestAFirstSyncGoesOnWhereItWas ends the program in the middle of it, again and again, also
// while the log is moved: the cursor that is read next has all rows behind it, and no more
// than a page is read twice.
func TestAFirstSyncGoesOnWhereItWas(t *testing.T) {
	b := newBrowser()
	const rows, size = 600, 20
	for starts, at := 0, 0; at < rows; starts++ {
		s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
		left := starts%5 + 2 // transactions until it ends
		s.conn.Fault = func(replica.Query) memdb.Fault {
			if left--; left < 0 {
				return memdb.Aborted
			}
			return memdb.None
		}
		for at < rows {
			if _, err := bring(s, at, at+size, 1); err != nil {
				break
			}
			at += size
		}
		next := b.open(storetest.Schemas, nil)
		m, err := next.Meta(t.Context(), sync.MetaCursor)
		counts, err2 := next.Counts(t.Context())
		if err != nil || err2 != nil || at > 0 && m[sync.MetaCursor] != fmt.Sprint(at, 1) || counts.Rows != at {
			t.Fatalf("after start %d the cursor is %q with %d rows, want %d (%v, %v)", starts, m[sync.MetaCursor], counts.Rows, at, err, err2)
		}
		if starts > rows {
			t.Fatal("it never ends")
		}
	}
}
