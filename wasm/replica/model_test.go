package replica_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/storetest"
	"github.com/rollcall/rollcall/wasm/sync"
)

// model runs the same random calls on replicas of one database, and on a store in memory.
type model struct {
	*testing.T
	*rand.Rand
	ctx     context.Context
	memory  *memory.Store
	browser *browser
	tabs    []*tab
	mail    []letter
	fault   memdb.Fault // of the next transaction that writes
	now     time.Time
	fences  [2]int64 // of the latest round: in memory, in the replicas
	version int64
	log     []string
	saved   int // steps that both took
	faults  map[memdb.Fault]int
}

// letter is a message that has not arrived.
type letter struct {
	to      *tab
	message replica.Message
}

// small bounds bring many pages, and many steps of compaction, out of few rows.
var small = replica.Bounds{LogRows: 40, LogRecords: 30, LogBytes: 1 << 20, StepPages: 3, PartPages: 2, LeafRows: 6, LeafBytes: 2000}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		T: t, Rand: rand.New(rand.NewPCG(seed, 13)), ctx: t.Context(), memory: memory.New(storetest.Schemas...),
		browser: newBrowser(), now: time.Unix(1_772_000_000, 5), faults: map[memdb.Fault]int{},
	}
	m.memory.Now = func() time.Time { return m.now }
	for range 3 {
		m.openTab()
	}
	return m
}

func (m *model) openTab() *tab {
	tab := m.browser.open(storetest.Schemas, func(o *replica.Options) {
		o.Bounds, o.Cache, o.Texts = small, 1000*m.IntN(40)+1, 1000*m.IntN(10)+1
		o.Now = func() time.Time { return m.now }
		o.Publish = func(message replica.Message) {
			for _, to := range m.tabs {
				m.mail = append(m.mail, letter{to, message})
			}
		}
	})
	tab.conn.Fault = func(q replica.Query) memdb.Fault {
		f := m.fault
		if m.fault = memdb.None; q.Write {
			m.faults[f]++
			return f
		}
		return memdb.None
	}
	m.tabs = append(m.tabs, tab)
	return tab
}

// deliver lets some of the messages arrive: late, twice, in any order, or never.
func (m *model) deliver() {
	for range m.IntN(4) {
		if len(m.mail) == 0 {
			return
		}
		i := min(m.IntN(len(m.mail)), m.IntN(len(m.mail)))
		l := m.mail[i]
		if m.IntN(10) > 0 {
			l.to.Receive(l.message)
		}
		if m.IntN(10) > 0 {
			m.mail = slices.Delete(m.mail, i, i+1)
		}
	}
}

// both runs a call on one tab, and on the memory if the tab has saved it.
func (m *model) both(what string, on func(sync.Store, int) (any, error)) {
	m.Helper()
	m.log = append(m.log, what)
	tab := m.tabs[m.IntN(len(m.tabs))]
	if m.IntN(4) == 0 {
		m.fault = memdb.Fault(m.IntN(6))
	}
	fault := m.fault
	got, err := on(tab, 1)
	m.fault = memdb.None
	switch {
	case errors.Is(err, queue.ErrClosed), errors.Is(err, queue.ErrQuota):
		return
	case errors.Is(err, queue.ErrUncertain) && fault == memdb.UncertainLost:
		return
	}
	want, wantErr := on(m.memory, 0)
	if errors.Is(err, queue.ErrUncertain) {
		return
	}
	m.saved++
	if !errors.Is(err, wantErr) {
		m.Fatalf("%s: %v, in memory %v\n%s", what, err, wantErr, m.history())
	}
	if err == nil {
		m.same(what, got, want)
	}
}

func (m *model) history() string { return strings.Join(m.log[max(0, len(m.log)-25):], "\n") }

func (m *model) same(what string, got, want any) {
	m.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		m.Fatalf("%s:\n got %s\nwant %s\n%s", what, g, w, m.history())
	}
}

const entityType = "user"

func (m *model) id() string {
	odd := []string{"", "\t", "é\n", "\x1b[", "\ue000", "😀", "～"}
	if m.IntN(4) == 0 {
		return m.listedID()
	}
	n := m.IntN(120)
	if n < len(odd) {
		return odd[n] + "x"
	}
	return fmt.Sprintf("%02x-%d", n*37%256, n)
}

func (m *model) listedID() string { return fmt.Sprintf("%02x-listed", m.IntN(80)*3) }

// listing are rows that lie beside each other in the list, in its order, as who reads the feed from
// its beginning gets them. Most are new.
func (m *model) listing() (out []api.Change) {
	m.version++
	byID, first := map[string]bool{}, m.IntN(900)
	for n := range 3 + m.IntN(25) {
		id := m.listedID()
		if byID[id] {
			continue
		}
		byID[id] = true
		name := fmt.Sprintf("l%03d", first+n/(1+m.IntN(3)))
		out = append(out, api.Change{EntityType: entityType, EntityID: id, Version: m.version, Stamp: "stamp", Document: fmt.Appendf(nil, `{"name":%q}`, name)})
	}
	slices.SortFunc(out, func(a, b api.Change) int {
		sortA, _ := storetest.Schemas[0].Index(a.Document)
		sortB, _ := storetest.Schemas[0].Index(b.Document)
		return queue.Key{Sort: sortA, ID: a.EntityID}.Compare(queue.Key{Sort: sortB, ID: b.EntityID})
	})
	return out
}

func (m *model) document(id string) json.RawMessage {
	names := []string{"", "a", "b", "ab", "\t", "\\", "é", "😀", "\ue000", "～", "z\n", "\x1b"}
	d, _ := json.Marshal(map[string]string{
		"id": id, "name": names[m.IntN(len(names))] + names[m.IntN(len(names))], "text": strings.Repeat("t", m.IntN(60)),
		"deep": names[m.IntN(len(names))], "at": queue.TimeText(m.now.Add(time.Duration(m.IntN(9)) * time.Second)),
	})
	if m.IntN(20) == 0 {
		d = append([]byte{' ', '\t', '\n'}, d...)
	}
	return d
}

func (m *model) change() api.Change {
	m.version++
	c := api.Change{EntityType: entityType, EntityID: m.id(), Version: max(1, m.version-int64(m.IntN(30)))}
	if c.Deleted = m.IntN(5) == 0; !c.Deleted {
		c.Document, c.Stamp = m.document(c.EntityID), api.Stamp(fmt.Sprint("stamp", m.version))
	}
	if e, err := m.memory.Entity(m.ctx, queue.Ref{Type: entityType, ID: c.EntityID}); err == nil && e.Confirmed != nil && m.IntN(3) == 0 {
		c.Version, c.Document, c.Deleted = e.Confirmed.Version, e.Confirmed.Document, false
	}
	return c
}

func (m *model) changes(n int) []api.Change {
	byID := map[string]bool{}
	var out []api.Change
	for range n {
		if c := m.change(); !byID[c.EntityID] {
			byID[c.EntityID] = true
			out = append(out, c)
		}
	}
	return out
}

func (m *model) fence() [2]int64 {
	switch m.IntN(4) {
	case 0:
		return [2]int64{}
	case 1:
		if m.IntN(4) == 0 {
			return [2]int64{m.fences[0] + 7, m.fences[1] + 7000}
		}
	}
	return m.fences
}

func sortedRefs(refs []queue.Ref) []string {
	out := []string{}
	for _, r := range refs {
		out = append(out, r.ID)
	}
	slices.Sort(out)
	return out
}

// step makes one random call.
func (m *model) step() {
	m.now = m.now.Add(time.Duration(m.IntN(1000)+1) * time.Millisecond)
	fences, generation := m.fence(), m.version/60
	switch m.IntN(12) {
	case 0, 1, 2:
		page := sync.Page{Changes: m.changes(m.IntN(25)), Resync: m.IntN(6) == 0, Generation: generation, Meta: map[string]string{"cursor": fmt.Sprint(m.version)}}
		if m.IntN(4) == 0 {
			page.Changes, page.Resync = m.listing(), true
		}
		m.both("page", func(s sync.Store, i int) (any, error) {
			page.Fence = fences[i]
			changed, err := s.ApplyPage(m.ctx, page)
			return sortedRefs(changed), err
		})
	case 3, 4, 5, 6:
		m.update(fences)
	case 7:
		var got [2]int64
		m.both("round", func(s sync.Store, i int) (any, error) {
			fence, err := s.BeginRound(m.ctx)
			got[i] = fence
			return nil, err
		})
		m.learnFence(got)
	case 8:
		values := map[string]string{fmt.Sprint("m", m.IntN(5)): []string{"", "1", "é\t\n"}[m.IntN(3)]}
		m.both("meta", func(s sync.Store, _ int) (any, error) { return nil, s.SetMeta(m.ctx, values) })
	case 9:
		m.both("sweep", func(s sync.Store, _ int) (any, error) {
			removed, err := s.Sweep(m.ctx, 0, entityType, generation)
			return sortedRefs(removed), err
		})
	case 10:
		m.repair(generation)
	case 11:
		m.browse()
	}
}

// learnFence keeps the fences of a round that both have begun.
func (m *model) learnFence(got [2]int64) {
	if got[0] != 0 && got[1] != 0 {
		m.fences = got
		return
	}
	if got[0] != 0 { // the replica did not say
		m.fences = [2]int64{got[0], 1 << 50}
	}
}

// repair has few rows differ; the fault may strike in any part of it.
func (m *model) repair(generation int64) {
	r := sync.Repair{Type: entityType, Generation: generation}
	if m.IntN(2) == 0 {
		r.IDs = api.BucketRange(m.IntN(api.Buckets))
	}
	for _, c := range m.changes(60) {
		if !c.Deleted && r.IDs.Contains(c.EntityID) && m.IntN(2) == 0 {
			r.Changes = append(r.Changes, c)
		}
	}
	m.wholly("repair", func(s sync.Store) ([]queue.Ref, error) { return s.Repair(m.ctx, r) })
}

// wholly is both for what takes several transactions: without faults.
func (m *model) wholly(what string, call func(sync.Store) ([]queue.Ref, error)) {
	m.log = append(m.log, what)
	got, err := call(m.tabs[m.IntN(len(m.tabs))])
	want, wantErr := call(m.memory)
	if err != nil || wantErr != nil {
		m.Fatalf("%s: %v, in memory %v\n%s", what, err, wantErr, m.history())
	}
	m.same(what, sortedRefs(got), sortedRefs(want))
}

// browse changes the tabs: one is closed, another opened, the log compacted.
func (m *model) browse() {
	switch m.IntN(5) {
	case 0:
		i := m.IntN(len(m.tabs))
		m.tabs = slices.Delete(m.tabs, i, i+1)
		m.openTab()
		m.log = append(m.log, "another tab")
	case 1:
		m.tabs[m.IntN(len(m.tabs))].Forget()
		m.log = append(m.log, "forget")
	default:
		tab := m.tabs[m.IntN(len(m.tabs))]
		for n := m.IntN(4); n >= 0; n-- {
			m.log = append(m.log, "compact")
			if m.IntN(5) == 0 {
				m.fault = memdb.Fault(m.IntN(6))
			}
			_, _ = tab.Compact(m.ctx) // what becomes of it changes nothing
			m.fault = memdb.None
		}
	}
}

func (m *model) update(fences [2]int64) {
	txn := queue.Txn{Relaxed: m.IntN(2) == 0}
	for range m.IntN(4) {
		txn.Refs = append(txn.Refs, queue.Ref{Type: entityType, ID: m.id()})
	}
	if m.IntN(10) == 0 {
		txn.Given = map[string]string{"m1": "1"}
	}
	seed := m.Uint64()
	refused := errors.New("refused")
	m.both(fmt.Sprint("update ", txn.Refs), func(s sync.Store, i int) (any, error) {
		txn.Fence = fences[i]
		var seen []string
		err := s.Update(m.ctx, txn, func(es []*queue.Entity) error {
			r := rand.New(rand.NewPCG(seed, 1))
			seen = nil
			for _, e := range es {
				text, _ := json.Marshal(e)
				seen = append(seen, string(text))
				m.mutate(r, e)
			}
			if r.IntN(15) == 0 {
				return refused
			}
			return nil
		})
		return seen, err
	})
}

// mutate changes an entity as the engine and the pages do, and in ways they don't.
func (m *model) mutate(r *rand.Rand, e *queue.Entity) {
	switch r.IntN(10) {
	case 0, 1, 2:
		w := queue.Write{ID: fmt.Sprint("op-", r.Uint64()), Type: api.Update, At: m.now, Data: json.RawMessage(fmt.Sprintf(`{"name":"n%d","text":"t"}`, r.IntN(9)))}
		if _, visible := e.View(); !visible {
			w.Type = api.Create
		} else if r.IntN(4) == 0 {
			w.Type, w.Data = api.Delete, nil
		}
		_ = e.Enqueue(w) // what it refuses, both refuse
	case 3:
		e.Operations = nil
		e.Outcomes = append(e.Outcomes, queue.Outcome{ID: fmt.Sprint("o", r.IntN(99)), Kind: queue.OutcomeDiscarded})
	case 4:
		e.Confirmed = &queue.Row{Version: r.Int64N(99), Document: json.RawMessage(fmt.Sprintf(`{"name":"c%d"}`, r.IntN(99))), SyncedAt: m.now}
	case 5:
		e.Confirmed = nil
	case 6:
		if len(e.Operations) > 0 {
			o := &e.Operations[0]
			o.State, o.NextAttemptAt = []queue.State{queue.Queued, queue.Sending, queue.Waiting, queue.Rejected}[r.IntN(4)], m.now.Add(time.Duration(r.IntN(9))*time.Second)
		}
	case 7:
		e.Conflicts = append(e.Conflicts, queue.Conflict{ID: fmt.Sprint("k", r.Uint64()), Ref: e.Ref, At: m.now, Theirs: json.RawMessage(`{"name":"t"}`), Kept: queue.Mine})
	case 8:
		for i := range e.Conflicts {
			e.Conflicts[i].Reviewed = r.IntN(2) == 0
		}
	case 9:
		if e.Confirmed != nil {
			e.Confirmed.Version++
		}
	}
}

// compare checks that a tab which has read the log shows what the memory does.
func (m *model) compare(s *tab) {
	if err := s.Refresh(m.ctx); err != nil {
		m.Fatal(err)
	}
	window := repository.Window{Type: entityType, Limit: m.IntN(30), Skip: m.IntN(30) - 3}
	if m.IntN(3) == 0 {
		window.Search = []string{"a", "t", "é", "n1", "zz"}[m.IntN(5)]
	}
	if m.IntN(2) == 0 {
		window.Order, window.Reverse = []string{"", "lower", "time"}[m.IntN(3)], m.IntN(2) == 0
		window.Deep = m.IntN(4) == 0
		window.State = []queue.RowState{"", "", "", queue.Pending, queue.InConflict}[m.IntN(5)]
		if m.IntN(4) == 0 {
			window.Since = m.now.Add(-time.Duration(m.IntN(9)) * time.Second)
		}
	}
	if m.IntN(3) == 0 {
		whole := window
		whole.Skip, whole.Limit = 0, 500
		all, _ := m.memory.Rows(m.ctx, whole)
		if len(all.Keys) > 0 {
			window.From = all.Keys[m.IntN(len(all.Keys))]
		}
		if m.IntN(2) == 0 {
			window.From.ID += "x"
		}
	}
	ref := queue.Ref{Type: entityType, ID: m.id()}
	read := func(s storetest.Store) []any {
		rows, err := s.Rows(m.ctx, window)
		rows2, err2 := s.Rows(m.ctx, repository.Window{Type: entityType, Limit: 500})
		e, err3 := s.Entity(m.ctx, ref)
		due, err4 := s.Due(m.ctx, m.now, 5)
		operations, err5 := s.Operations(m.ctx, m.version/3, 20)
		rejected, err6 := s.Rejected(m.ctx, entityType, 9)
		conflicts, err7 := s.Conflicts(m.ctx, 30)
		counts, err8 := s.Counts(m.ctx)
		meta, err9 := s.Meta(m.ctx, "cursor", "m0", "m1", "m2", queue.MetaOutcomes)
		digest, err10 := s.Digest(m.ctx, entityType)
		if err := errors.Join(err, err2, err3, err4, err5, err6, err7, err8, err9, err10); err != nil {
			m.Fatalf("read: %v\n%s", err, m.history())
		}
		return []any{rows, rows2, e, due, operations, rejected, conflicts, counts, meta, digest}
	}
	got, want := read(s), read(m.memory)
	for i, what := range []string{fmt.Sprintf("rows %+v", window), "all rows", fmt.Sprint("entity ", ref.ID), "due", "operations", "rejected", "conflicts", "counts", "meta", "digest"} {
		m.same(what, got[i], want[i])
	}
}

func (m *model) run(steps int) {
	for range steps {
		m.step()
		m.deliver()
		m.compare(m.tabs[m.IntN(len(m.tabs))])
	}
}

func TestReplicasDoWhatTheStoreInMemoryDoes(t *testing.T) {
	const seeds, steps = 8, 200
	saved, faults := 0, map[memdb.Fault]int{}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := newModel(t, seed)
			m.run(steps)
			saved += m.saved
			for f, n := range m.faults {
				faults[f] += n
			}
		})
	}
	if saved < seeds*steps/2 || len(faults) != 6 {
		t.Errorf("%d steps were saved, with faults %v", saved, faults)
	}
}

func FuzzReplicas(f *testing.F) {
	f.Fuzz(func(t *testing.T, seed uint64) { newModel(t, seed).run(100) })
}
