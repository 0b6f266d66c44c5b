//go:build js && wasm

package idb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall/js"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Options say which database to keep the entities of which schemas in.
type Options struct {
	Name    string
	Schemas []queue.Schema
	// Deadline bounds every open and every transaction; 0 means DefaultDeadline.
	Deadline time.Duration
	// Version opens as of an older version, for tests of migrations; 0 means the newest.
	Version uint

	// What happens to the connection is told by these, in goroutines of their own;
	// nil ones are not called.

	// OnOutdated: another tab upgrades or deletes the database, and this
	// connection was closed to let it.
	OnOutdated func()
	// OnBlocked: an opening waits for another tab that holds an older version.
	OnBlocked func()
	// OnClosed: the browser took the connection away, as when site data are cleared.
	OnClosed func()
}

// Store is sync.Store and repository.Store over IndexedDB.
type Store struct {
	conn    *connection
	schemas map[string]queue.Schema
}

var (
	_ sync.Store       = (*Store)(nil)
	_ repository.Store = (*Store)(nil)
)

// New returns a store that opens its database when it is first used, and again
// when the connection was lost.
func New(o Options) *Store {
	w := sync.Wiring{Of: "idb.New"}
	w.Schemas(o.Schemas...)
	w.Must()
	if o.Deadline == 0 {
		o.Deadline = DefaultDeadline
	}
	s := &Store{
		conn:    &connection{options: o, gate: make(chan struct{}, 1), bounded: within(o.Deadline)},
		schemas: map[string]queue.Schema{},
	}
	for _, schema := range o.Schemas {
		s.schemas[schema.Type] = schema
	}
	return s
}

// Open is New with the database opened at once.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := New(o)
	_, err := s.conn.get(ctx)
	return s, err
}

// Close closes the connection; the next use opens it again.
func (s *Store) Close() { s.conn.close() }

// ask runs one of the helper's transactions with want as JSON and decodes the
// result into out, unless that is nil.
func (s *Store) ask(ctx context.Context, method string, want, out any) error {
	body, err := json.Marshal(want)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	result, err := s.conn.call(ctx, method, string(body))
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	return decode(result, out)
}

func decode(result string, out any) error {
	if err := json.Unmarshal([]byte(result), out); err != nil {
		return fmt.Errorf("decode what the database holds: %w", err)
	}
	return nil
}

// deciding runs a transaction that has Go decide about loaded entities. What
// decide panics with or returns aborts the transaction.
func (s *Store) deciding(ctx context.Context, method string, want any, decide func(loaded) (*writes, error)) (string, error) {
	body, err := json.Marshal(want)
	if err != nil {
		return "", err
	}
	var refused error
	callback := js.FuncOf(func(_ js.Value, args []js.Value) any {
		text, err := answer(args[0].String(), decide)
		if err != nil {
			refused = err
			return nil
		}
		return text
	})
	defer callback.Release()
	result, err := s.conn.call(ctx, method, string(body), callback)
	var f *failure
	if errors.As(err, &f) && f.name == "Refused" {
		return "", refused
	}
	return result, err
}

// loaded is what the helper hands over for a decision.
type loaded struct {
	Entities   []stored `json:"entities"`
	Generation int64    `json:"generation"`
	Next       string   `json:"next"`   // of a part of a range: where to go on, "" at its end
	Newest     int64    `json:"newest"` // the Seq of the newest operation, of an update
}

func answer(text string, decide func(loaded) (*writes, error)) (string, error) {
	var l loaded
	if err := decode(text, &l); err != nil {
		return "", err
	}
	w, err := decide(l)
	if err != nil {
		return "", err
	}
	out, err := json.Marshal(w)
	return string(out), err
}

func (s *Store) schema(ref queue.Ref) (queue.Schema, error) {
	schema, ok := s.schemas[ref.Type]
	if !ok {
		return schema, fmt.Errorf("save %s %s: no schema describes this type", ref.Type, ref.ID)
	}
	return schema, nil
}

// Update implements queue.Store.
func (s *Store) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	want := struct {
		Refs       []key             `json:"refs"`
		Fence      int64             `json:"fence"`
		Given      map[string]string `json:"given"`
		Durability string            `json:"durability"`
	}{Refs: []key{}, Fence: txn.Fence, Given: txn.Given, Durability: "strict"}
	if txn.Relaxed {
		want.Durability = "relaxed"
	}
	place := map[queue.Ref]int{}
	for _, ref := range txn.Refs {
		if _, err := s.schema(ref); err != nil {
			return err
		}
		if _, ok := place[ref]; !ok {
			place[ref] = len(want.Refs)
			want.Refs = append(want.Refs, keyOf(ref))
		}
	}
	_, err := s.deciding(ctx, "update", want, func(l loaded) (*writes, error) {
		return s.decideAll(l, func(unique []*queue.Entity) error {
			entities := make([]*queue.Entity, len(txn.Refs))
			for i, ref := range txn.Refs {
				entities[i] = unique[place[ref]]
			}
			return decide(entities)
		})
	})
	return err
}

// decideAll decodes the loaded entities, has them decided about, and returns
// what to write.
func (s *Store) decideAll(l loaded, decide func([]*queue.Entity) error) (*writes, error) {
	entities := make([]*queue.Entity, len(l.Entities))
	was := make([]queue.Entity, len(l.Entities))
	for i, have := range l.Entities {
		e, err := have.entity()
		if err != nil {
			return nil, fmt.Errorf("decode %s %s: %w", have.Ref.Type, have.Ref.ID, err)
		}
		e.Among(s.schemas[e.Ref.Type].Unique, l.Newest)
		entities[i], was[i] = &e, e
		if e.Confirmed != nil { // decide may change it in place
			row := *e.Confirmed
			was[i].Confirmed = &row
		}
	}
	if err := decide(entities); err != nil {
		return nil, err
	}
	w := newWrites()
	for i, e := range entities {
		schema, err := s.schema(l.Entities[i].Ref.ref())
		if err != nil {
			return nil, err
		}
		if err := w.save(e, l.Entities[i], was[i], l.Generation, schema); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Entity implements queue.Store.
func (s *Store) Entity(ctx context.Context, ref queue.Ref) (queue.Entity, error) {
	var have stored
	if err := s.ask(ctx, "entity", keyOf(ref), &have); err != nil {
		return queue.Entity{}, err
	}
	return have.entity()
}

// Due implements queue.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (queue.Due, error) {
	var found struct {
		Operations []operationRecord `json:"operations"`
		Next       string            `json:"next"`
	}
	if err := s.ask(ctx, "due", map[string]any{"now": timeText(now), "limit": limit}, &found); err != nil {
		return queue.Due{}, err
	}
	operations, err := decodeOperations(found.Operations)
	if err != nil || found.Next == "" {
		return queue.Due{Operations: operations}, err
	}
	next, err := time.Parse(timeLayout, found.Next)
	return queue.Due{Operations: operations, Next: next}, err
}

func decodeOperations(records []operationRecord) ([]queue.Operation, error) {
	var out []queue.Operation
	for _, r := range records {
		o, err := r.operation()
		if err != nil {
			return nil, fmt.Errorf("decode operation %d: %w", r.Seq, err)
		}
		out = append(out, o)
	}
	return out, nil
}

// Operations implements queue.Store.
func (s *Store) Operations(ctx context.Context, after int64, limit int) ([]queue.Operation, error) {
	var found []operationRecord
	if err := s.ask(ctx, "operations", map[string]int64{"after": after, "limit": int64(limit)}, &found); err != nil {
		return nil, err
	}
	return decodeOperations(found)
}

// Rejected implements queue.Store.
func (s *Store) Rejected(ctx context.Context, entityType string, limit int) ([]queue.Operation, error) {
	var found []operationRecord
	if err := s.ask(ctx, "rejected", map[string]any{"type": entityType, "limit": limit}, &found); err != nil {
		return nil, err
	}
	return decodeOperations(found)
}

// Conflicts implements queue.Store.
func (s *Store) Conflicts(ctx context.Context, limit int) ([]queue.Conflict, error) {
	var found []conflictRecord
	if err := s.ask(ctx, "conflicts", map[string]int{"limit": limit}, &found); err != nil {
		return nil, err
	}
	var out []queue.Conflict
	for _, r := range found {
		c, err := r.conflict()
		if err != nil {
			return nil, fmt.Errorf("decode conflict %s: %w", r.Conflict, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// Counts implements queue.Store.
func (s *Store) Counts(ctx context.Context) (queue.Counts, error) {
	var c queue.Counts
	err := s.ask(ctx, "counts", nil, &c)
	return c, err
}

// BeginRound implements sync.Store.
func (s *Store) BeginRound(ctx context.Context) (int64, error) {
	var fence int64
	err := s.ask(ctx, "beginRound", nil, &fence)
	return fence, err
}

// pageRow is a change on its way into the helper: the record it makes when the
// entity has no operations.
type pageRow struct {
	key
	Version int64       `json:"version"`
	Deleted bool        `json:"deleted"`
	Record  *userRecord `json:"record,omitempty"`
}

// ApplyPage implements sync.Store. A change of a type that no schema describes
// is passed over: it must not hold up the others.
func (s *Store) ApplyPage(ctx context.Context, page sync.Page) ([]queue.Ref, error) {
	want := struct {
		Rows       []pageRow         `json:"rows"`
		Fence      int64             `json:"fence"`
		Generation int64             `json:"generation"`
		Resync     bool              `json:"resync"`
		Meta       map[string]string `json:"meta"`
	}{Rows: []pageRow{}, Fence: page.Fence, Generation: page.Generation, Resync: page.Resync, Meta: page.Meta}
	now := time.Now().UTC()
	rows := map[queue.Ref]*queue.Row{}
	changes := map[queue.Ref]api.Change{}
	for _, c := range page.Changes {
		ref := queue.Ref{Type: c.EntityType, ID: c.EntityID}
		schema, err := s.schema(ref)
		if err != nil {
			continue
		}
		rows[ref], changes[ref] = rowOf(c, now), c
		want.Rows = append(want.Rows, pageRowOf(ref, c, rows[ref], page.Generation, schema))
	}
	var rebased []queue.Ref
	result, err := s.deciding(ctx, "page", want, func(l loaded) (*writes, error) {
		rebased = nil
		unsound := map[queue.Ref]bool{}
		for _, have := range l.Entities {
			unsound[have.Ref.ref()] = have.unsound()
		}
		return s.rebase(l, page, func(e *queue.Entity) {
			if unsound[e.Ref] || !page.Skips(e.Confirmed, changes[e.Ref]) {
				before, had := e.View()
				e.Confirm(rows[e.Ref])
				if after, has := e.View(); had != has || (has && !sameView(before, after)) {
					rebased = append(rebased, e.Ref)
				}
			}
		})
	})
	if err != nil {
		return nil, err
	}
	var changed []queue.Ref
	if err := decode(result, &changed); err != nil {
		return nil, err
	}
	return append(changed, rebased...), nil
}

func sameView(a, b queue.View) bool {
	return a.Version == b.Version && a.State == b.State && a.SyncedAt.Equal(b.SyncedAt) && bytes.Equal(a.Document, b.Document)
}

// rebase puts entities with operations or open conflicts on their new confirmed rows.
func (s *Store) rebase(l loaded, page sync.Page, confirm func(*queue.Entity)) (*writes, error) {
	for i := range l.Entities {
		// Mentioned in this page, changed or not.
		if c := l.Entities[i].Confirmed; c != nil {
			c.Generation = page.Generation
		}
		if u := l.Entities[i].User; u != nil && u.Generation != nil {
			u.Generation = &page.Generation
		}
	}
	return s.decideAll(l, func(entities []*queue.Entity) error {
		for _, e := range entities {
			confirm(e)
		}
		return nil
	})
}

func rowOf(c api.Change, now time.Time) *queue.Row {
	if c.Deleted {
		return nil
	}
	return &queue.Row{Version: c.Version, Stamp: c.Stamp, Document: c.Document, SyncedAt: now}
}

func pageRowOf(ref queue.Ref, c api.Change, row *queue.Row, generation int64, schema queue.Schema) pageRow {
	out := pageRow{key: keyOf(ref), Version: c.Version, Deleted: c.Deleted}
	if row != nil {
		view := queue.View{Ref: ref, Document: row.Document, Version: row.Version, SyncedAt: row.SyncedAt}
		record := userOf(view, row, false, generation, schema)
		out.Record = &record
	}
	return out
}

// sweepChunk is how many rows of each kind one transaction of Sweep takes away.
const sweepChunk = 500

// Sweep implements sync.Store.
func (s *Store) Sweep(ctx context.Context, fence int64, entityType string, generation int64) ([]queue.Ref, error) {
	want := map[string]any{"type": entityType, "generation": generation, "fence": fence, "limit": sweepChunk}
	var removed []queue.Ref
	for {
		result, err := s.deciding(ctx, "sweep", want, func(l loaded) (*writes, error) {
			return s.decideAll(l, func(entities []*queue.Entity) error {
				for _, e := range entities {
					e.Confirm(nil)
				}
				return nil
			})
		})
		if err != nil {
			return removed, err
		}
		var refs []queue.Ref
		if err := decode(result, &refs); err != nil || len(refs) == 0 {
			return removed, err
		}
		removed = append(removed, refs...)
		sync.ReportProgress(ctx)
	}
}

// Meta implements sync.Store.
func (s *Store) Meta(ctx context.Context, names ...string) (map[string]string, error) {
	var values []string
	if err := s.ask(ctx, "getMeta", append([]string{}, names...), &values); err != nil {
		return nil, err
	}
	out := make(map[string]string, len(names))
	for i, name := range names {
		out[name] = values[i]
	}
	return out, nil
}

// SetMeta implements sync.Store.
func (s *Store) SetMeta(ctx context.Context, values map[string]string) error {
	return s.ask(ctx, "setMeta", values, nil)
}

// Rows implements repository.Store.
func (s *Store) Rows(ctx context.Context, w repository.Window) (repository.Rows, error) {
	want := struct {
		Type   string    `json:"type"`
		Search string    `json:"search"`
		From   queue.Key `json:"from"`
		Skip   int       `json:"skip"`
		Limit  int       `json:"limit"`
	}{w.Type, w.Search, w.From, w.Skip, w.Limit}
	var found struct {
		Total int          `json:"total"`
		Rows  []userRecord `json:"rows"`
	}
	if err := s.ask(ctx, "window", want, &found); err != nil {
		return repository.Rows{}, err
	}
	out := repository.Rows{Total: found.Total, Views: []queue.View{}, Keys: []queue.Key{}}
	for _, r := range found.Rows {
		out.Views = append(out.Views, r.view())
		out.Keys = append(out.Keys, queue.Key{Sort: r.SortName, ID: r.ID})
	}
	return out, nil
}
