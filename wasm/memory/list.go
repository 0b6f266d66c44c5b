package memory

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// row is a visible row in the list.
type row struct {
	key     queue.Key
	search  string
	changed string
	view    queue.View
}

func newRow(view queue.View, operations []queue.Operation, schema queue.Schema) *row {
	r := &row{view: view, changed: schema.ChangedAt(operations, view.Document)}
	r.key.Sort, r.search = schema.Index(view.Document)
	r.key.ID = view.Ref.ID
	return r
}

func sameView(a, b *row) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.view.Version == b.view.Version && a.view.State == b.view.State &&
		a.view.SyncedAt.Equal(b.view.SyncedAt) && bytes.Equal(a.view.Document, b.view.Document)
}

// list is the visible rows of one type, in order.
type list struct{ rows []*row }

func (l *list) find(key queue.Key) (int, bool) {
	return slices.BinarySearchFunc(l.rows, key, func(r *row, key queue.Key) int {
		return r.key.Compare(key)
	})
}

func (l *list) insert(r *row) {
	i, _ := l.find(r.key)
	l.rows = slices.Insert(l.rows, i, r)
}

func (l *list) remove(r *row) {
	if i, found := l.find(r.key); found {
		l.rows = slices.Delete(l.rows, i, i+1)
	}
}

// Tidy implements sync.Store: there is nothing to tidy.
func (s *Store) Tidy(context.Context) (more bool, err error) { return false, nil }

// Reindex implements sync.Store, in one part.
func (s *Store) Reindex(ctx context.Context, fence int64, entityType, _ string) (string, error) {
	if err := s.begin(ctx, fence); err != nil {
		return "", err
	}
	defer s.mu.Unlock()
	for ref, r := range s.entities {
		if ref.Type != entityType || r.row == nil {
			continue
		}
		want := newRow(r.row.view, r.entity.Operations, s.schemas[entityType])
		if want.key != r.row.key || want.search != r.row.search {
			list := s.lists[entityType]
			list.remove(r.row)
			r.row = want
			list.insert(want)
		}
	}
	return "", nil
}

// Rows implements repository.Store.
func (s *Store) Rows(ctx context.Context, w repository.Window) (repository.Rows, error) {
	if err := s.begin(ctx, 0); err != nil {
		return repository.Rows{}, err
	}
	defer s.mu.Unlock()
	l := s.lists[w.Type]
	if l == nil {
		return repository.Rows{}, nil
	}
	selection, special := w.Selection(s.schemas[w.Type])
	rows, key := l.rows, func(r *row) queue.Key { return r.key }
	if words := w.Words(); special || w.Search != "" {
		rows = nil
		for _, r := range l.rows {
			if special && selection.Has(r.candidate(), func() json.RawMessage { return r.view.Document }) || !special && repository.HasAll(r.search, words) {
				rows = append(rows, r)
			}
		}
	}
	if special {
		key = func(r *row) queue.Key { return selection.Key(r.candidate()) }
		slices.SortFunc(rows, func(a, b *row) int { return selection.Compare(key(a), key(b)) })
	}
	from, to := selection.Part(w, len(rows), func(i int) queue.Key { return key(rows[i]) })
	out := repository.Rows{Total: len(rows), First: from, Views: make([]queue.View, 0, to-from), Keys: make([]queue.Key, 0, to-from)}
	for _, r := range rows[from:to] {
		view := r.view
		view.Document = slices.Clone(view.Document)
		out.Views, out.Keys = append(out.Views, view), append(out.Keys, key(r))
	}
	return out.Whole(), nil
}

func (r *row) candidate() repository.Candidate {
	return repository.Candidate{ID: r.key.ID, Search: r.search, Changed: r.changed, State: r.view.State}
}
