// Package replicatest damages what replicas have stored, as the conformance suite of package
// storetest asks for, whatever the database.
package replicatest

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/storetest"
)

// Device is a database with its replicas.
type Device struct {
	Stores []*replica.Store
	// Open opens another.
	Open func([]queue.Schema) *replica.Store
	// Base returns the texts of the base, and Put changes one behind everybody's back.
	Base func() map[string]string
	Put  func(key, text string)
}

// Sealed returns a stored line with its sum.
func Sealed(line string) string {
	return fmt.Sprintf("%s\t%08x\n", line, crc32.ChecksumIEEE([]byte(line)))
}

// Compact brings all of the log into the base.
func Compact(t testing.TB, s *replica.Store) {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Corrupt implements storetest.Corrupt: it damages what lies in the base, and has all
// replicas read it anew.
func (d Device) Corrupt(t *testing.T, s *replica.Store, ref queue.Ref, damage storetest.Damage) bool {
	t.Helper()
	Compact(t, s)
	e, err := s.Entity(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	pending := len(e.Operations) > 0 || len(e.Conflicts) > 0
	lines := func(change func(line string) string) {
		for key, text := range d.Base() {
			var out strings.Builder
			for line := range strings.Lines(text) {
				out.WriteString(change(line))
			}
			d.Put(key, out.String())
		}
	}
	of := func(line, kind string) bool {
		return strings.HasPrefix(line, kind+"\t"+ref.ID+"\t") || strings.HasPrefix(line, kind+"\t"+ref.Type+"\t"+ref.ID+"\t")
	}
	switch damage {
	case storetest.Altered, storetest.Reversed:
		lines(func(line string) string {
			if of(line, "r") || of(line, "c") {
				return strings.Replace(line, "{", "{ ", 1)
			}
			return line
		})
	case storetest.Lost:
		lines(func(line string) string {
			if of(line, "r") || of(line, "c") || of(line, "i") || of(line, "t") {
				return ""
			}
			return line
		})
	case storetest.Hidden:
		lines(func(line string) string {
			if of(line, "i") {
				return ""
			}
			return line
		})
	case storetest.Misplaced:
		lines(func(line string) string {
			if f := strings.Split(line, "\t"); of(line, "r") {
				f[2] = "Zzz"
				return Sealed(strings.Join(f[:len(f)-1], "\t"))
			}
			return line
		})
	case storetest.Forged:
		forged := Sealed("r\t" + ref.ID + "\tForged\t1\t\t\t{\"id\":\"x\",\"name\":\"Forged\"}")
		for key, text := range d.Base() {
			if strings.HasPrefix(key, "list/"+ref.Type+"/") {
				d.Put(key, forged+text)
			}
		}
	case storetest.Dated:
		if !pending {
			d.date(t, ref, e.Confirmed)
		}
	}
	for _, s := range d.Stores {
		s.Forget()
	}
	return !pending || damage != storetest.Hidden && damage != storetest.Misplaced && damage != storetest.Dated
}

// date saves a row as a program with another rule would list it.
func (d Device) date(t *testing.T, ref queue.Ref, confirmed *queue.Row) {
	t.Helper()
	schemas := []queue.Schema{storetest.Schemas[0], storetest.Schemas[1]}
	schemas[0].Index = func(json.RawMessage) (string, string) { return "Zzz", "zzz" }
	older := d.Open(schemas)
	for _, synced := range []time.Time{confirmed.SyncedAt.Add(time.Hour), confirmed.SyncedAt} {
		err := older.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
			es[0].Confirmed.SyncedAt = synced
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	Compact(t, older)
}
