//go:build js && wasm

package idb_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

func digestOf(t testing.TB, s *idb.Store) api.Digest {
	t.Helper()
	d, err := s.Digest(t.Context(), "user")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRowsChangedInAnyWayAreNoticedAndHeal: whatever is done to a row, with and
// without an operation on it, a check notices it and a repair makes it good.
func TestRowsChangedInAnyWayAreNoticedAndHeal(t *testing.T) {
	server := []api.Change{change("24-clean", "Ada", 3), change("44-dirty", "Bea", 3)}
	for _, damage := range []string{
		`users.document = users.document + " ";`,
		`users.document = users.document + " "; delete users.sum;`,
		`users.version = "three";`,
		`users.version = 3.5;`,
		`users.version = 10n;`,
		`users.syncedAt = "yesterday";`,
		`users.sortName = 7;`,
		`users.search = undefined;`,
		`users.stamp = null;`,
		`users.document = { name: "an object" };`,
		`users.state = "conflict";`,
		`users.isDirty = !users.isDirty;`,
		`users.isDirty = "yes";`,
		`users.extra = [1, 2];`,
		`users = { type, id };`,
		`users.sum = "0000000000000000";`,
		`if (confirmed) confirmed.syncedAt = 0; else users.syncedAt = 0;`,
		`if (confirmed) confirmed = undefined; else confirmed = { ...users };`,
	} {
		for _, id := range []string{"24-clean", "44-dirty"} {
			t.Run(damage+" "+id, func(t *testing.T) {
				s := open(t, idb.Options{Name: t.Name()})
				if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: server}); err != nil {
					t.Fatal(err)
				}
				err := s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref("44-dirty")}}, func(es []*queue.Entity) error {
					return es[0].Enqueue(queue.Write{ID: "op", Type: api.Update, Data: []byte(`{"name":"Bee"}`), At: time.Unix(1, 0)})
				})
				if err != nil {
					t.Fatal(err)
				}
				healthy := digestOf(t, s)
				spoil(t, s, ref(id), damage)
				spoiled := digestOf(t, s)
				if got := fmt.Sprint(healthy.Diff(&spoiled)); got != fmt.Sprint([]int{api.BucketOf(id)}) {
					t.Fatalf("buckets %s differ, want that of %s", got, id)
				}
				differed, err := s.Repair(t.Context(), sync.Repair{Type: "user", Changes: server, Generation: 1})
				if err != nil || len(differed) != 1 || differed[0].ID != id {
					t.Fatalf("repaired %v, %v", differed, err)
				}
				if d := digestOf(t, s); d != healthy {
					t.Error("it is as it was")
				}
				expect(t, s, []string{"op"}, []string{"Ada", "Bee"})
			})
		}
	}
}

// TestRowsFromBeforeThereWereSums: they count as sound, and get their sum from the
// first check.
func TestRowsFromBeforeThereWereSums(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	pull := []api.Change{change("24-clean", "Ada", 3), change("44-clean", "Bea", 3)}
	if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: pull}); err != nil {
		t.Fatal(err)
	}
	healthy := digestOf(t, s)
	for _, c := range pull {
		spoil(t, s, ref(c.EntityID), `delete users.sum;`)
	}
	if d := digestOf(t, s); d != healthy {
		t.Error("a row without a sum does not count as sound")
	}
	spoil(t, s, ref("24-clean"), `users.search = "x";`)
	if d := digestOf(t, s); fmt.Sprint(d.Diff(&healthy)) != "[9]" {
		t.Errorf("buckets %v differ: the first check gave no sums", d.Diff(&healthy))
	}
}

func BenchmarkDigestOf10000(b *testing.B) {
	s := open(b, idb.Options{Name: fmt.Sprint(b.Name(), b.N)})
	pull(b, s, 1)
	b.ResetTimer()
	for range b.N {
		if d := digestOf(b, s); d.Count != benchRows {
			b.Fatalf("%d rows", d.Count)
		}
	}
}

// BenchmarkRepairOf10000 finds that nothing differs, in pages as large as the server's.
func BenchmarkRepairOf10000(b *testing.B) {
	s := open(b, idb.Options{Name: fmt.Sprint(b.Name(), b.N)})
	pull(b, s, 1)
	var changes []api.Change
	for i := range benchPage {
		changes = append(changes, change(fmt.Sprintf("id-%05d", i), fmt.Sprintf("Name %05d", (i*7919)%benchRows), 1))
	}
	page := sync.Repair{Type: "user", Changes: changes, Generation: 1, IDs: api.IDRange{To: fmt.Sprintf("id-%05d", benchPage)}}
	b.ResetTimer()
	for range b.N {
		for range benchRows / benchPage {
			if differed, err := s.Repair(b.Context(), page); err != nil || len(differed) > 0 {
				b.Fatal(len(differed), err)
			}
		}
	}
}
