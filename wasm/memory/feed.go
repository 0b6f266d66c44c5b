package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// BeginRound implements sync.Store.
func (s *Store) BeginRound(ctx context.Context) (int64, error) {
	if err := s.begin(ctx, 0); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	s.fence++
	return s.fence, nil
}

// ApplyPage implements sync.Store. It skips a change of a type without a schema, so that
// it does not block the others.
func (s *Store) ApplyPage(ctx context.Context, page sync.Page) ([]queue.Ref, error) {
	if err := s.begin(ctx, page.Fence); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var at time.Time
	if s.Now != nil {
		at = s.Now().UTC()
	}
	s.generation = max(s.generation, page.Generation)
	var changed []queue.Ref
	for _, change := range page.Changes {
		if _, ok := s.schemas[change.EntityType]; ok && s.apply(change, page, at) {
			changed = append(changed, queue.Ref{Type: change.EntityType, ID: change.EntityID})
		}
	}
	maps.Copy(s.meta, page.Meta)
	return changed, nil
}

// apply saves one change and reports whether the visible row changed.
func (s *Store) apply(change api.Change, page sync.Page, at time.Time) bool {
	ref := queue.Ref{Type: change.EntityType, ID: change.EntityID}
	r := s.entities[ref]
	if r == nil {
		r = &record{entity: queue.Entity{Ref: ref}}
	}
	r.generation = page.Generation
	if page.Skips(r.entity.Confirmed, change) && s.intact(r) {
		return false
	}
	r.confirm(confirmedRow(change, at))
	before := r.row
	s.reindex(r)
	return !sameView(before, r.row)
}

func confirmedRow(change api.Change, at time.Time) *queue.Row {
	if change.Deleted {
		return nil
	}
	return &queue.Row{
		Version: change.Version, Stamp: change.Stamp,
		Document: slices.Clone(change.Document), SyncedAt: at,
	}
}

// Sweep implements sync.Store.
func (s *Store) Sweep(ctx context.Context, fence int64, entityType string, generation int64) ([]queue.Ref, error) {
	if err := s.begin(ctx, fence); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var removed []queue.Ref
	for ref, r := range s.entities {
		if ref.Type == entityType && r.entity.Confirmed != nil && r.generation < generation {
			removed = append(removed, ref)
		}
	}
	slices.SortFunc(removed, func(a, b queue.Ref) int { return strings.Compare(a.ID, b.ID) })
	for _, ref := range removed {
		r := s.entities[ref]
		r.confirm(nil)
		s.reindex(r)
	}
	return removed, nil
}
