package replica_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
	"github.com/rollcall/rollcall/wasm/replica/replicatest"
	"github.com/rollcall/rollcall/wasm/storetest"
	"github.com/rollcall/rollcall/wasm/sync"
)

func queued(t *testing.T, s *tab) (ids []string) {
	t.Helper()
	operations, err := s.Operations(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range operations {
		ids = append(ids, o.ID)
	}
	return ids
}

func expectQueue(t *testing.T, s *tab, want ...string) {
	t.Helper()
	if got := queued(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("the queue has %v, want %v", got, want)
	}
}

func TestALostMessageIsMadeUpFor(t *testing.T) {
	b, now := newBrowser(), fixedNow()
	quiet := func(o *replica.Options) {
		o.Publish = nil
		o.Now = func() time.Time { return now }
	}
	writer, reader := b.open(storetest.Schemas, quiet), b.open(storetest.Schemas, quiet)
	expectQueue(t, reader)
	write(t, writer, "a", "1")
	expectQueue(t, reader) // nobody has told it
	now = now.Add(time.Minute)
	expectQueue(t, reader, "op-1")
	write(t, writer, "b", "2")
	now = now.Add(-time.Hour) // a clock that is set back is no reason to believe
	expectQueue(t, reader, "op-1", "op-2")
	write(t, writer, "c", "3")
	reader.Doubt()
	expectQueue(t, reader, "op-1", "op-2", "op-3")
}

func TestReadsFromMemoryAskNothing(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, nil)
	fill(t, s)
	expectQueue(t, s, "op-x", "op-y")
	before := s.conn.Reads
	expectQueue(t, s, "op-x", "op-y")
	if _, err := s.Counts(t.Context()); err != nil || s.conn.Reads != before {
		t.Errorf("%d reads, %v", s.conn.Reads-before, err)
	}
}

// TestADamagedCopyOfTheQueueIsReadFromTheOther tears each of the two copies at each line,
// damages that or takes it out.
func TestADamagedCopyOfTheQueueIsReadFromTheOther(t *testing.T) {
	for _, key := range []string{"state/a", "state/b"} {
		count := 1
		for n := 0; n < count; n++ {
			for _, how := range []string{"damaged", "taken out", "torn"} {
				b := newBrowser()
				s := b.open(storetest.Schemas, nil)
				fill(t, s)
				b.Damage(key, func(text string) string {
					lines := slices.Collect(strings.Lines(text))
					count = len(lines)
					switch how {
					case "damaged":
						lines[n] = "?" + lines[n]
					case "taken out":
						lines[n] = ""
					case "torn":
						lines = lines[:n]
					}
					return strings.Join(lines, "")
				})
				s.Forget()
				expectQueue(t, s, "op-x", "op-y")
			}
		}
		if count < 5 {
			t.Errorf("%s has only %d lines", key, count)
		}
	}
}

// TestAnUncertainWriteIsLookedUp: whether it was saved is answered by the database.
func TestAnUncertainWriteIsLookedUp(t *testing.T) {
	for fault, want := range map[memdb.Fault][]string{memdb.UncertainSaved: {"op-1", "op-2"}, memdb.UncertainLost: {"op-1"}} {
		b := newBrowser()
		s := b.open(storetest.Schemas, nil)
		write(t, s, "a", "1")
		s.conn.Fault = func(q replica.Query) memdb.Fault {
			if q.Write {
				return fault
			}
			return memdb.None
		}
		err := s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{{Type: "user", ID: "b"}}}, func(es []*queue.Entity) error {
			return es[0].Enqueue(queue.Write{ID: "op-2", Type: api.Create, Data: []byte(`{"name":"2"}`), At: fixedNow()})
		})
		if !errors.Is(err, queue.ErrUncertain) {
			t.Fatal(err)
		}
		expectQueue(t, s, want...)
	}
}

// TestADamagedOperationIsKept damages one in the log: the others are there, writing goes
// on, and the damaged line is kept for whoever can read it.
func TestADamagedOperationIsKept(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, nil)
	fill(t, s)
	_, log := b.Texts()
	for seq := range log {
		b.DamageLog(seq, func(text string) string { return strings.ReplaceAll(text, "op-y", "op-?") })
	}
	_, spoiled := b.Texts()
	s.Forget()
	expectQueue(t, s, "op-x")
	write(t, s, "d", "z")
	for range 3 { // it is neither lost nor doubled
		compact(t, s.Store)
		s.Forget()
		for seq, text := range spoiled { // the log stays until all pages stand for it
			b.DamageLog(seq, func(string) string { return text })
		}
		expectQueue(t, s, "op-x", "op-z")
		base, _ := b.Texts()
		if n := strings.Count(base["state/a"], "op-?"); n != 1 {
			t.Fatalf("the damaged operation is there %d times", n)
		}
		if lines := damaged(t, s); len(lines) != 1 || !strings.Contains(lines[0], "op-?") {
			t.Fatalf("the person is told of %q", lines)
		}
	}
	if err := s.SetMeta(t.Context(), map[string]string{queue.MetaDamaged: ""}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if lines := damaged(t, s); len(lines) != 0 {
			t.Errorf("removed, and still there: %q", lines)
		}
		compact(t, s.Store)
		s.Forget()
	}
	expectQueue(t, s, "op-x", "op-z")
}

func damaged(t *testing.T, s *tab) []string {
	t.Helper()
	m, err := s.Meta(t.Context(), queue.MetaDamaged)
	if err != nil {
		t.Fatal(err)
	}
	return strings.FieldsFunc(m[queue.MetaDamaged], func(r rune) bool { return r == '\n' })
}

// TestOnlyWorkIsToldToBeDamaged damages every line of the log in turn, and the end of each:
// what the server has again is nothing that a person has lost, and no operation comes twice.
func TestOnlyWorkIsToldToBeDamaged(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, nil)
	fill(t, s)
	write(t, s, "c", "w")
	_, log := b.Texts()
	for seq, text := range log {
		lines := strings.SplitAfter(text, "\n")
		for i, line := range lines[:len(lines)-1] {
			for end, wrong := range []string{line[:2] + "#" + line[3:], line[:len(line)-1] + "#"} {
				lines[i] = wrong
				b.DamageLog(seq, func(string) string { return strings.Join(lines, "") })
				lines[i] = line
				s.Forget()
				count := map[string]int{}
				for _, id := range queued(t, s) {
					count[id]++
				}
				for id, n := range count {
					if n > 1 {
						t.Errorf("without %q: %s is there %d times", wrong, id, n)
					}
				}
				told, work := len(damaged(t, s)) > 0, strings.HasPrefix(line, "q") || end == 1 && strings.HasPrefix(lines[i+1], "q")
				if len(count) < 2 && !told || told && !work {
					t.Errorf("without %q: %v are queued, and the person is told: %t", wrong, count, told)
				}
			}
		}
		b.DamageLog(seq, func(string) string { return text })
	}
}

// TestADamagedEntityDoublesNothing damages the line that tells an entity anew: what it has
// in the lines behind is known already.
func TestADamagedEntityDoublesNothing(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, nil)
	for n := range 2 {
		err := s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{{Type: "user", ID: "a"}}}, func(es []*queue.Entity) error {
			if n == 0 {
				es[0].Conflicts = append(es[0].Conflicts, queue.Conflict{ID: "c", At: fixedNow()})
				return es[0].Enqueue(queue.Write{ID: "op-1", Type: api.Create, Data: []byte(`{"name":"A"}`), At: fixedNow()})
			}
			es[0].Operations[0].RetryCount++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	b.DamageLog(2, func(text string) string { return strings.Replace(text, "e\tuser", "e\tUser", 1) })
	s.Forget()
	expectQueue(t, s, "op-1")
	e, err := s.Entity(t.Context(), queue.Ref{Type: "user", ID: "a"})
	if err != nil || len(e.Conflicts) != 1 || e.Operations[0].RetryCount != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
}

// TestALineOfANewerProgramCountsBehindTheState puts one where keyState stands for the log
// already: it may be of rows, which the pages stand for, and not keyState.
func TestALineOfANewerProgramCountsBehindTheState(t *testing.T) {
	for name, line := range map[string]string{"a letter": "Z\tsomething", "a format": "h\t2", "of a type": "d\tghost\tid\t-"} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser()
			s := b.open(storetest.Schemas, nil)
			fill(t, s)
			compact(t, s.Store)
			base, _ := b.Texts()
			var stands int64
			if _, err := fmt.Sscanf(base["state/a"], "h\t1\t%d", &stands); err != nil {
				t.Fatal(err)
			}
			earlier := replicatest.Sealed("h\t1")
			for _, known := range []string{"m\tname\told", "o\told", "f\t1", "g\t1", "n\t1", "v\t{}", "u\told", "e\tuser\ta\t1", "x\tuser\ta", "c\tuser\ta\t1\t\t\t{}", "q\t1\t{}", "k\t{}", "b\t1"} {
				earlier += replicatest.Sealed(known)
			}
			b.DamageLog(stands, func(string) string { return earlier })
			s.Forget()
			expectQueue(t, s, "op-x", "op-y")
			b.DamageLog(stands, func(string) string { return earlier + replicatest.Sealed(line) })
			s.Forget()
			if err := s.SetMeta(t.Context(), map[string]string{"a": "b"}); !errors.Is(err, queue.ErrOutdated) {
				t.Fatalf("got %v, want ErrOutdated", err)
			}
		})
	}
}

func TestALineOfANewerProgramStopsWriting(t *testing.T) {
	lines := map[string]string{
		"a letter":  replicatest.Sealed("h\t1") + replicatest.Sealed("Z\tsomething"),
		"a format":  replicatest.Sealed("h\t2"),
		"of a type": replicatest.Sealed("h\t1") + replicatest.Sealed("r\tghost\tid\t-\t\t1\t\t\t1\t{}"),
	}
	for name, text := range lines {
		t.Run(name, func(t *testing.T) {
			b := newBrowser()
			s := b.open(storetest.Schemas, nil)
			write(t, s, "a", "1")
			b.DamageLog(2, func(string) string { return text })
			before, _ := b.Texts()
			for range 2 {
				err := s.SetMeta(t.Context(), map[string]string{"a": "b"})
				if !errors.Is(err, queue.ErrOutdated) {
					t.Fatalf("got %v, want ErrOutdated", err)
				}
			}
			s.Doubt()
			if _, err := s.Counts(t.Context()); !errors.Is(err, queue.ErrOutdated) {
				t.Fatalf("a read: %v", err)
			}
			if after, log := b.Texts(); fmt.Sprint(after) != fmt.Sprint(before) || len(log) != 2 {
				t.Errorf("something was written: %v", log)
			}
		})
	}
}

// TestAFullDiskStopsCompactionAlone: what a page of the feed brought is saved, though the
// log can't be moved.
func TestAFullDiskStopsCompactionAlone(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	full, refused := true, 0
	pages := 0
	s.conn.Fault = func(q replica.Query) memdb.Fault {
		if q.Write {
			pages++
		}
		if full && q.Write && pages%2 == 0 { // each page's own transaction comes first
			refused++
			return memdb.Full
		}
		return memdb.None
	}
	bring := func(n int) {
		t.Helper()
		page := sync.Page{Generation: 1}
		for i := range 50 {
			id := fmt.Sprintf("%d-%d", n, i)
			page.Changes = append(page.Changes, api.Change{EntityType: "user", EntityID: id, Version: 1, Document: []byte(`{"name":"` + id + `"}`)})
		}
		if changed, err := s.ApplyPage(t.Context(), page); err != nil || len(changed) != 50 {
			t.Fatalf("%d rows, %v", len(changed), err)
		}
	}
	for n := range 5 {
		bring(n)
	}
	if base, _ := b.Texts(); refused == 0 || len(base) > 1 {
		t.Fatalf("compaction was refused %d times, and the base has %d texts", refused, len(base))
	}
	full = false
	bring(5)
	s.Forget()
	if counts, err := s.Counts(t.Context()); err != nil || counts.Rows != 300 {
		t.Fatalf("%+v, %v", counts, err)
	}
	if base, _ := b.Texts(); len(base) < 5 {
		t.Errorf("with room again the base has only %d texts", len(base))
	}
}

// TestAMessageMayOvertakeAnother: of two that come in the wrong order neither is read from
// the database.
func TestAMessageMayOvertakeAnother(t *testing.T) {
	b := newBrowser()
	var sent []replica.Message
	writer := b.open(storetest.Schemas, func(o *replica.Options) { o.Publish = func(m replica.Message) { sent = append(sent, m) } })
	reader := b.open(storetest.Schemas, nil)
	write(t, writer, "a", "0")
	expectQueue(t, reader, "op-0")
	reads := reader.conn.Reads
	for n := 1; n <= 4; n++ {
		write(t, writer, fmt.Sprint("e", n), fmt.Sprint(n))
	}
	for _, i := range []int{3, 2, 1, 2, 4} {
		reader.Receive(sent[i])
	}
	expectQueue(t, reader, "op-0", "op-1", "op-2", "op-3", "op-4")
	if n := reader.conn.Reads - reads; n != 0 {
		t.Errorf("%d reads", n)
	}
}

// TestAHiddenPageAsksNothingOfItself: it may be frozen, and then its transaction would hold
// up everybody.
func TestAHiddenPageAsksNothingOfItself(t *testing.T) {
	b, now, hidden := newBrowser(), fixedNow(), true
	reader := b.open(storetest.Schemas, func(o *replica.Options) {
		o.Now = func() time.Time { return now }
		o.Hidden = func() bool { return hidden }
	})
	writer := b.open(storetest.Schemas, func(o *replica.Options) { o.Publish = nil })
	expectQueue(t, reader)
	write(t, writer, "a", "1")
	now = now.Add(time.Hour)
	expectQueue(t, reader)
	hidden = false
	expectQueue(t, reader, "op-1")
}
