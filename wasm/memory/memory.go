// Package memory keeps the engine's state in memory. It implements queue.Store, sync.Store
// and repository.Store without a disk, for tests: package replica is compared with it. The
// locks and the bus of one browser are also those of a page without storage.
//
// It passes the suite of package storetest, but nothing survives the process. It starts
// no goroutine and reads no clock but Store.Now, so that a simulated history is
// reproducible.
package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	stdsync "sync"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

var (
	_ sync.Store       = (*Store)(nil)
	_ repository.Store = (*Store)(nil)
)

// Store is the storage of one browser, which all its tabs share. It is safe for
// concurrent use, and copies values on the way in and out.
type Store struct {
	// Now dates rows of the feed (SyncedAt); nil leaves them undated. Set it before the
	// store is used.
	Now func() time.Time

	mu        stdsync.Mutex
	schemas   map[string]queue.Schema
	entities  map[queue.Ref]*record
	queued    map[queue.Ref]*record // the records with operations
	conflicts map[string]queue.Conflict
	lists     map[string]*list
	meta      map[string]string
	seq       int64 // the last one assigned
	fence     int64
	// generation is the latest of any page. A row confirmed outside the feed gets it, so
	// that a sweep of older rows does not remove it.
	generation int64
}

// record is one entity as it is stored.
type record struct {
	entity     queue.Entity
	generation int64
	row        *row   // in the list; nil if not visible
	sum        uint64 // checksum of the confirmed row when it was saved, see intact
}

// New returns an empty store for entities of the given schemas. It panics if one of them
// can't work.
func New(schemas ...queue.Schema) *Store {
	w := sync.Wiring{Of: "memory.New"}
	w.Schemas(schemas...)
	w.Must()
	s := &Store{
		schemas:   map[string]queue.Schema{},
		entities:  map[queue.Ref]*record{},
		queued:    map[queue.Ref]*record{},
		conflicts: map[string]queue.Conflict{},
		lists:     map[string]*list{},
		meta:      map[string]string{},
	}
	for _, schema := range schemas {
		s.schemas[schema.Type] = schema
		s.lists[schema.Type] = &list{}
	}
	return s
}

// begin locks the store for one transaction. The caller unlocks it.
func (s *Store) begin(ctx context.Context, fence int64) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.mu.Lock()
	if fence != 0 && fence != s.fence {
		s.mu.Unlock()
		return queue.ErrFenced
	}
	return nil
}

// Update implements queue.Store.
func (s *Store) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	for _, ref := range txn.Refs {
		if _, ok := s.schemas[ref.Type]; !ok {
			return fmt.Errorf("save %s %s: this type has no schema", ref.Type, ref.ID)
		}
	}
	if err := s.begin(ctx, txn.Fence); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for name, value := range txn.Given {
		if s.meta[name] != value {
			return queue.ErrStale
		}
	}
	entities := make([]*queue.Entity, len(txn.Refs))
	named := make(map[queue.Ref]*queue.Entity, len(txn.Refs))
	newest := s.newest()
	for i, ref := range txn.Refs {
		if named[ref] == nil {
			e := s.entity(ref)
			e.Among(s.schemas[ref.Type].Unique, newest)
			named[ref] = &e
		}
		entities[i] = named[ref]
	}
	if err := decide(entities); err != nil {
		return err
	}
	for _, ref := range txn.Refs {
		if e := named[ref]; e != nil {
			s.save(ref, e)
			delete(named, ref)
		}
	}
	maps.Copy(s.meta, txn.Set)
	return nil
}

// newest returns the greatest Seq in the queue, 0 if it is empty.
func (s *Store) newest() int64 {
	var newest int64
	for _, r := range s.queued {
		newest = max(newest, r.entity.Operations[len(r.entity.Operations)-1].Seq)
	}
	return newest
}

// entity returns a copy of what is stored under ref.
func (s *Store) entity(ref queue.Ref) queue.Entity {
	r := s.entities[ref]
	if r == nil {
		return queue.Entity{Ref: ref}
	}
	return r.entity.Clone()
}

// save stores what decide left of an entity.
func (s *Store) save(ref queue.Ref, e *queue.Entity) {
	r := s.entities[ref]
	if r == nil {
		r = &record{}
	}
	if !r.entity.Confirmed.Equal(e.Confirmed) {
		r.generation = s.generation
		r.sum = checksum(e.Confirmed) // the checksum of a corrupt row that is kept stays wrong
	}
	for i := range e.Operations {
		if e.Operations[i].Seq == 0 {
			s.seq++
			e.Operations[i].Seq = s.seq
		}
	}
	for _, c := range r.entity.Conflicts {
		delete(s.conflicts, c.ID)
	}
	if len(e.Outcomes) > 0 {
		s.meta[queue.MetaOutcomes] = queue.AppendOutcomes(s.meta[queue.MetaOutcomes], e.Outcomes)
		e.Outcomes = nil
	}
	e.Ref = ref
	kept := e.Clone()
	kept.Among(nil, 0)
	kept.Conflicts = nil
	reviewed := false
	for _, c := range e.Conflicts {
		c = c.Clone()
		s.conflicts[c.ID] = c
		reviewed = reviewed || c.Reviewed
		if !c.Reviewed {
			kept.Conflicts = append(kept.Conflicts, c)
		}
	}
	if reviewed {
		s.dropOldConflicts()
	}
	slices.SortStableFunc(kept.Operations, queue.Operation.Compare)
	r.entity = kept
	s.reindex(r)
}

// reindex updates the entities, the queue and the list after a record changed.
func (s *Store) reindex(r *record) {
	ref := r.entity.Ref
	list := s.lists[ref.Type]
	if r.row != nil {
		list.remove(r.row)
		r.row = nil
	}
	if view, ok := r.entity.View(); ok {
		r.row = newRow(view, r.entity.Operations, s.schemas[ref.Type])
		list.insert(r.row)
	}
	if len(r.entity.Operations) > 0 {
		s.queued[ref] = r
	} else {
		delete(s.queued, ref)
	}
	if r.entity.Confirmed == nil && len(r.entity.Operations) == 0 && len(r.entity.Conflicts) == 0 {
		delete(s.entities, ref)
	} else {
		s.entities[ref] = r
	}
}

// Entity implements queue.Store.
func (s *Store) Entity(ctx context.Context, ref queue.Ref) (queue.Entity, error) {
	if err := s.begin(ctx, 0); err != nil {
		return queue.Entity{}, err
	}
	defer s.mu.Unlock()
	return s.entity(ref), nil
}

// Due implements queue.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (queue.Due, error) {
	if err := s.begin(ctx, 0); err != nil {
		return queue.Due{}, err
	}
	defer s.mu.Unlock()
	var due queue.Due
	for _, r := range s.queued {
		at, ok := r.entity.ReadyAt()
		switch {
		case !ok:
		case !at.After(now):
			due.Operations = append(due.Operations, *r.entity.Head())
		case due.Next.IsZero() || at.Before(due.Next):
			due.Next = at
		}
	}
	due.Operations = firstBySeq(due.Operations, limit)
	return due, nil
}

// Operations implements queue.Store.
func (s *Store) Operations(ctx context.Context, after int64, limit int) ([]queue.Operation, error) {
	if err := s.begin(ctx, 0); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var out []queue.Operation
	for _, r := range s.queued {
		for _, o := range r.entity.Operations {
			if o.Seq > after {
				out = append(out, o)
			}
		}
	}
	return firstBySeq(out, limit), nil
}

// Rejected implements queue.Store.
func (s *Store) Rejected(ctx context.Context, entityType string, limit int) ([]queue.Operation, error) {
	if err := s.begin(ctx, 0); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var out []queue.Operation
	for ref, r := range s.queued {
		for _, o := range r.entity.Operations {
			if o.State == queue.Rejected && ref.Type == entityType {
				out = append(out, o)
			}
		}
	}
	return firstBySeq(out, limit), nil
}

// firstBySeq returns copies of the first operations, up to limit.
func firstBySeq(operations []queue.Operation, limit int) []queue.Operation {
	slices.SortFunc(operations, queue.Operation.Compare)
	operations = operations[:min(len(operations), max(limit, 0))]
	for i := range operations {
		operations[i] = operations[i].Clone()
	}
	return operations
}

// dropOldConflicts drops the oldest reviewed conflicts beyond queue.MaxReviewed.
func (s *Store) dropOldConflicts() {
	if len(s.conflicts) <= queue.MaxReviewed {
		return
	}
	reviewed := slices.DeleteFunc(slices.SortedFunc(maps.Values(s.conflicts), queue.Conflict.Compare), func(c queue.Conflict) bool { return !c.Reviewed })
	for _, c := range reviewed[min(len(reviewed), queue.MaxReviewed):] {
		delete(s.conflicts, c.ID)
	}
}

// Conflicts implements queue.Store.
func (s *Store) Conflicts(ctx context.Context, limit int) ([]queue.Conflict, error) {
	if err := s.begin(ctx, 0); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	out := slices.SortedFunc(maps.Values(s.conflicts), queue.Conflict.Compare)
	out = out[:min(len(out), max(limit, 0))]
	for i := range out {
		out[i] = out[i].Clone()
	}
	return out, nil
}

// Counts implements queue.Store.
func (s *Store) Counts(ctx context.Context) (queue.Counts, error) {
	if err := s.begin(ctx, 0); err != nil {
		return queue.Counts{}, err
	}
	defer s.mu.Unlock()
	var c queue.Counts
	for _, l := range s.lists {
		c.Rows += len(l.rows)
	}
	for _, r := range s.queued {
		for _, o := range r.entity.Operations {
			if o.State == queue.Rejected {
				c.Rejected++
			} else {
				c.Waiting++
			}
		}
	}
	for _, k := range s.conflicts {
		if !k.Reviewed {
			c.Conflicts++
		}
	}
	return c, nil
}

// Meta implements sync.Store.
func (s *Store) Meta(ctx context.Context, names ...string) (map[string]string, error) {
	if err := s.begin(ctx, 0); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	out := make(map[string]string, len(names))
	for _, name := range names {
		out[name] = s.meta[name]
		if name == queue.MetaLastOutcome {
			outcomes := s.meta[queue.MetaOutcomes]
			out[name] = outcomes[strings.LastIndexByte(outcomes, '\n')+1:]
		}
	}
	return out, nil
}

// SetMeta implements sync.Store.
func (s *Store) SetMeta(ctx context.Context, values map[string]string) error {
	if err := s.begin(ctx, 0); err != nil {
		return err
	}
	defer s.mu.Unlock()
	maps.Copy(s.meta, values)
	return nil
}
