package replica_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/simdb"
	"github.com/rollcall/rollcall/wasm/storetest"
)

// browser is a database with the replicas of its tabs, which hear of each other at once.
type browser struct {
	*simdb.Database
	tabs []*tab
}

type tab struct {
	*replica.Store
	browser *browser
	conn    *simdb.Conn
}

func newBrowser() *browser { return &browser{Database: simdb.New()} }

// open opens a tab. It changes the options of its replica first, unless change is nil.
func (b *browser) open(schemas []queue.Schema, change func(*replica.Options)) *tab {
	t := &tab{browser: b, conn: b.Database.Open()}
	o := replica.Options{
		Database: t.conn, Schemas: schemas, Now: fixedNow, NewID: func() string { return fmt.Sprint("epoch-", len(b.tabs)) },
		Publish: func(m replica.Message) {
			for _, other := range b.tabs {
				if other != t {
					other.Receive(m)
				}
			}
		},
	}
	if change != nil {
		change(&o)
	}
	t.Store = replica.New(o)
	b.tabs = append(b.tabs, t)
	return t
}

func fixedNow() time.Time { return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) }

func TestStore(t *testing.T) {
	browsers := map[string]*browser{}
	storetest.Run(t, func(t *testing.T, name string) storetest.Store {
		key := t.Name() + "\x00" + name
		if browsers[key] == nil {
			browsers[key] = newBrowser()
		}
		return browsers[key].open(storetest.Schemas, nil)
	}, corrupt)
}

// compact brings all of the log into the base.
func compact(t testing.TB, s *replica.Store) {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// corrupt implements storetest.Corrupt: it damages what lies in the base, and has all
// replicas read it anew.
func corrupt(t *testing.T, s storetest.Store, ref queue.Ref, damage storetest.Damage) bool {
	t.Helper()
	b := s.(*tab).browser
	compact(t, s.(*tab).Store)
	e, err := s.Entity(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	pending := len(e.Operations) > 0 || len(e.Conflicts) > 0
	lines := func(change func(key, line string) string) {
		base, _ := b.Texts()
		for key := range base {
			b.Damage(key, func(text string) string {
				var out strings.Builder
				for line := range strings.Lines(text) {
					out.WriteString(change(key, line))
				}
				return out.String()
			})
		}
	}
	of := func(line, kind string) bool {
		return strings.HasPrefix(line, kind+"\t"+ref.ID+"\t") || strings.HasPrefix(line, kind+"\t"+ref.Type+"\t"+ref.ID+"\t")
	}
	switch damage {
	case storetest.Altered, storetest.Reversed:
		lines(func(_, line string) string {
			if of(line, "r") || of(line, "c") {
				return strings.Replace(line, "{", "{ ", 1)
			}
			return line
		})
	case storetest.Lost:
		lines(func(_, line string) string {
			if of(line, "r") || of(line, "c") || of(line, "i") || of(line, "t") {
				return ""
			}
			return line
		})
	case storetest.Hidden:
		lines(func(_, line string) string {
			if of(line, "i") {
				return ""
			}
			return line
		})
	case storetest.Misplaced:
		lines(func(_, line string) string {
			if f := strings.Split(line, "\t"); of(line, "r") {
				f[2] = "Zzz"
				return replica.Sealed(strings.Join(f[:len(f)-1], "\t"))
			}
			return line
		})
	case storetest.Forged:
		forged := replica.Sealed("r\t" + ref.ID + "\tForged\t1\t\t\t{\"id\":\"x\",\"name\":\"Forged\"}")
		base, _ := b.Texts()
		for key := range base {
			if strings.HasPrefix(key, "list/"+ref.Type+"/") {
				b.Damage(key, func(text string) string { return forged + text })
			}
		}
	case storetest.Dated:
		if !pending {
			date(t, b, ref, e.Confirmed)
		}
	}
	for _, tab := range b.tabs {
		tab.Forget()
	}
	return !pending || damage != storetest.Hidden && damage != storetest.Misplaced && damage != storetest.Dated
}

// date saves a row as a program with another rule would list it.
func date(t *testing.T, b *browser, ref queue.Ref, confirmed *queue.Row) {
	t.Helper()
	schemas := []queue.Schema{storetest.Schemas[0], storetest.Schemas[1]}
	schemas[0].Index = func(json.RawMessage) (string, string) { return "Zzz", "zzz" }
	older := b.open(schemas, nil)
	for _, synced := range []time.Time{confirmed.SyncedAt.Add(time.Hour), confirmed.SyncedAt} {
		err := older.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
			es[0].Confirmed.SyncedAt = synced
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	compact(t, older.Store)
}
