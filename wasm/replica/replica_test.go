package replica_test

import (
	"fmt"
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

// browser is a database with the replicas of its tabs, which hear of each other at once.
type browser struct {
	*memdb.Database
	tabs []*tab
}

type tab struct {
	*replica.Store
	browser *browser
	conn    *memdb.Conn
}

func newBrowser() *browser { return &browser{Database: memdb.New()} }

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
	}, func(t *testing.T, s storetest.Store, ref queue.Ref, damage storetest.Damage) bool {
		t.Helper()
		return s.(*tab).browser.device().Corrupt(t, s.(*tab).Store, ref, damage)
	})
}

// device is the browser to package replicatest.
func (b *browser) device() replicatest.Device {
	d := replicatest.Device{
		Open: func(schemas []queue.Schema) *replica.Store { return b.open(schemas, nil).Store },
		Base: func() map[string]string {
			base, _ := b.Texts()
			return base
		},
		Put: func(key, text string) { b.Damage(key, func(string) string { return text }) },
	}
	for _, tab := range b.tabs {
		d.Stores = append(d.Stores, tab.Store)
	}
	return d
}

func compact(t testing.TB, s *replica.Store) {
	t.Helper()
	replicatest.Compact(t, s)
}

// TestCompactionKeepsUpWithTheFeed changes rows all over the list faster than a step
// rewrites them: still the log does not grow.
func TestCompactionKeepsUpWithTheFeed(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	longest := 0
	for n := range 400 {
		page := sync.Page{Generation: 1}
		for i := range 20 {
			id := fmt.Sprint((n*20 + i*37) % 300)
			page.Changes = append(page.Changes, api.Change{EntityType: "user", EntityID: id, Version: int64(n) + 1, Document: []byte(`{"name":"` + id + `"}`)})
		}
		if _, err := s.ApplyPage(t.Context(), page); err != nil {
			t.Fatal(err)
		}
		_, log := b.Texts()
		longest = max(longest, len(log))
	}
	if most := 4 * small.LogRecords; longest > most {
		t.Errorf("the log had %d records, want at most %d", longest, most)
	}
}

// TestNotingValuesLeavesTheLogForLater: a device's first round has work to send, and notes its id before
// that. What it reads and notes then moves the log.
func TestNotingValuesLeavesTheLogForLater(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	apply := func(page sync.Page) (log int) {
		if _, err := s.ApplyPage(t.Context(), page); err != nil {
			t.Fatal(err)
		}
		_, texts := b.Texts()
		return len(texts)
	}
	for n := range small.LogRecords {
		if err := s.SetMeta(t.Context(), map[string]string{"value": fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if log := apply(sync.Page{Meta: map[string]string{sync.MetaClient: "client"}}); log <= small.LogRecords {
		t.Errorf("the log has %d records after values were noted, want it as it was", log)
	}
	change := api.Change{EntityType: "user", EntityID: "1", Version: 1, Document: []byte(`{"name":"One"}`)}
	if log := apply(sync.Page{Generation: 1, Changes: []api.Change{change}}); log >= small.LogRecords {
		t.Errorf("the log has %d records after changes arrived, want it moved into the base", log)
	}
}
