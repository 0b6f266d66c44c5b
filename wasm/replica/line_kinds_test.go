package replica_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/replicatest"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/storetest"
)

// TestRowsOfEarlierVersionsAreRead: their lines have the fields in another order.
func TestRowsOfEarlierVersionsAreRead(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, nil)
	fill(t, s)
	name := `{"name":"Z\u001bo\té"}`
	b.DamageLog(b.last(), func(string) string {
		return replicatest.Sealed("h\t1") + replicatest.Sealed("r\tuser\tc\t=c\tz\x1b[o\t7\tstamp\t1767225600.5\t3\t"+name)
	})
	for _, moved := range []bool{false, true} {
		if s.Forget(); moved {
			compact(t, s.Store)
			s.Forget()
		}
		e, err := s.Entity(t.Context(), queue.Ref{Type: "user", ID: "c"})
		if err != nil || e.Confirmed == nil || e.Confirmed.Version != 7 || e.Confirmed.Stamp != "stamp" ||
			e.Confirmed.SyncedAt.Nanosecond() != 5 || string(e.Confirmed.Document) != name {
			t.Fatalf("moved %v: %+v, %v", moved, e.Confirmed, err)
		}
		rows, err := s.Rows(t.Context(), repository.Window{Type: "user", Limit: 10})
		if err != nil || len(rows.Keys) != 3 || rows.Keys[2] != (queue.Key{Sort: "z\x1bo", ID: "c"}) {
			t.Fatalf("moved %v: %+v, %v", moved, rows, err)
		}
	}
}

// TestWhatIsSentIsNotToldAnew: a batch that is marked as sent is a short record.
func TestWhatIsSentIsNotToldAnew(t *testing.T) {
	b := newBrowser()
	s, other := b.open(storetest.Schemas, nil), b.open(storetest.Schemas, nil)
	write(t, s, "a", strings.Repeat("long", 1000))
	ref := queue.Ref{Type: "user", ID: "a"}
	err := s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
		es[0].Send(es[0].Head().ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, log := b.Texts()
	if last := log[b.last()]; len(last) > 100 {
		t.Errorf("%d bytes: %.200s", len(last), last)
	}
	sent := func(s *tab) {
		t.Helper()
		e, err := s.Entity(t.Context(), ref)
		if err != nil || len(e.Operations) != 1 || e.Head().State != queue.Sending || e.Head().Type != api.Create {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	sent(s)
	other.Doubt()
	sent(other)
	compact(t, s.Store)
	s.Forget()
	sent(s)
}

// TestTheRescueKnowsTheLines: what rescue.js takes for a damaged operation a person is told of.
func TestTheRescueKnowsTheLines(t *testing.T) {
	script, err := os.ReadFile("../../web/rescue.js")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`"(\w+)"\.includes\(line\[0\]\)`).FindSubmatch(script)
	if found == nil {
		t.Fatal("it has no list of them")
	}
	for _, kind := range replica.HarmlessKinds {
		if !strings.ContainsRune(string(found[1]), kind) {
			t.Errorf("rescue.js does not know lines of %q", kind)
		}
	}
}

// last is the number of the last record.
func (b *browser) last() (last int64) {
	_, log := b.Texts()
	for seq := range log {
		last = max(last, seq)
	}
	return last
}
