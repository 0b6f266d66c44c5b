package memory

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// hashSeed lasts as long as the process, and so as long as a store in memory.
var hashSeed = maphash.MakeSeed()

// checksum returns the checksum of a confirmed row; 0 for none.
func checksum(row *queue.Row) uint64 {
	if row == nil {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(hashSeed)
	maphash.WriteComparable(&h, row.Version)
	maphash.WriteComparable(&h, row.SyncedAt.UnixNano())
	maphash.WriteComparable(&h, string(row.Stamp))
	_, _ = h.Write(row.Document) // a hash takes everything
	return max(h.Sum64(), 1)
}

// confirm sets a confirmed row that comes from the server.
func (r *record) confirm(row *queue.Row) {
	r.entity.Confirm(row)
	r.sum = checksum(row)
}

// intact reports whether a record is as it was saved, and its visible row is the entity's
// View at the right position of the list.
func (s *Store) intact(r *record) bool {
	if r.sum != checksum(r.entity.Confirmed) {
		return false
	}
	view, visible := r.entity.View()
	if !visible || r.row == nil {
		return !visible && r.row == nil
	}
	want := newRow(view, r.entity.Operations, s.schemas[r.entity.Ref.Type])
	return sameView(r.row, want) && r.row.key == want.key && r.row.search == want.search
}

// Digest implements sync.Store.
func (s *Store) Digest(ctx context.Context, entityType string) (api.Digest, error) {
	var d api.Digest
	if err := s.begin(ctx, 0); err != nil {
		return d, err
	}
	defer s.mu.Unlock()
	for ref, r := range s.entities {
		switch {
		case ref.Type != entityType:
		case !s.intact(r):
			d.Add(ref.ID, 0, 0)
		case r.entity.Confirmed != nil:
			d.Add(ref.ID, r.entity.Confirmed.Version, api.ContentHash(r.entity.Confirmed.Document))
		}
	}
	return d, nil
}

// Repair implements sync.Store.
func (s *Store) Repair(ctx context.Context, repair sync.Repair) ([]queue.Ref, error) {
	if err := s.begin(ctx, repair.Fence); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if _, ok := s.schemas[repair.Type]; !ok {
		return nil, nil
	}
	var at time.Time
	if s.Now != nil {
		at = s.Now().UTC()
	}
	s.generation = max(s.generation, repair.Generation)
	want := map[queue.Ref]*queue.Row{}
	for _, c := range repair.Changes {
		want[queue.Ref{Type: repair.Type, ID: c.EntityID}] = confirmedRow(c, at)
	}
	for ref := range s.entities {
		if _, has := want[ref]; !has && ref.Type == repair.Type && repair.IDs.Contains(ref.ID) {
			want[ref] = nil
		}
	}
	var differed []queue.Ref
	for ref, row := range want {
		if s.repair(ref, row, repair.Generation) {
			differed = append(differed, ref)
		}
	}
	slices.SortFunc(differed, func(a, b queue.Ref) int { return strings.Compare(a.ID, b.ID) })
	return differed, nil
}

// repair sets an entity's confirmed row to the server's, and reports whether it differed
// or was corrupt.
func (s *Store) repair(ref queue.Ref, row *queue.Row, generation int64) bool {
	r := s.entities[ref]
	if r == nil {
		r = &record{entity: queue.Entity{Ref: ref}}
	}
	if s.intact(r) && r.entity.Confirmed.SameContent(row) {
		return false
	}
	r.generation = generation
	r.confirm(row)
	s.reindex(r)
	return true
}

// Stored is how an entity's rows are stored, for Corrupt to change: the confirmed row and
// the visible row with its position in the list, each nil if there is none.
type Stored struct {
	Confirmed *queue.Row
	Visible   *queue.View
	Key       queue.Key
	Search    string
}

// Corrupt changes how an entity is stored behind the store's back, as a broken disk or a
// person with the browser's developer tools might, so that tests can see it repaired. It
// can't change operations and conflicts. The entity need not exist.
func (s *Store) Corrupt(ref queue.Ref, change func(*Stored)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.entities[ref]
	if r == nil {
		r = &record{entity: queue.Entity{Ref: ref}}
	}
	was := Stored{Confirmed: r.entity.Clone().Confirmed}
	list := s.lists[ref.Type]
	if r.row != nil {
		view := r.row.view
		view.Document = slices.Clone(view.Document)
		was.Visible, was.Key, was.Search = &view, r.row.key, r.row.search
		list.remove(r.row)
		r.row = nil
	}
	change(&was)
	r.entity.Confirmed = was.Confirmed
	if was.Visible != nil {
		r.row = &row{key: was.Key, search: was.Search, view: *was.Visible}
		r.row.key.ID = ref.ID
		list.insert(r.row)
	}
	s.entities[ref] = r
	if r.row == nil && r.entity.Confirmed == nil && len(r.entity.Operations) == 0 && len(r.entity.Conflicts) == 0 {
		delete(s.entities, ref)
	}
}
