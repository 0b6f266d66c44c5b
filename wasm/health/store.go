package health

import (
	"context"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// watched is a store whose every use the monitor takes in.
type watched struct {
	store repository.Store
	m     *Monitor
}

// Watch returns the store, watched.
func (m *Monitor) Watch(store repository.Store) repository.Store { return watched{store, m} }

var _ repository.Store = watched{}

// Update implements queue.Store. An error that decide returned is no trouble,
// even if it looks like one.
func (w watched) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	var refused error
	err := w.store.Update(ctx, txn, func(es []*queue.Entity) error {
		refused = decide(es)
		return refused
	})
	if err == nil || refused == nil {
		w.m.note(err, true)
	}
	return err
}

// Entity implements queue.Store.
func (w watched) Entity(ctx context.Context, ref queue.Ref) (queue.Entity, error) {
	e, err := w.store.Entity(ctx, ref)
	return e, w.read(err)
}

// Due implements queue.Store.
func (w watched) Due(ctx context.Context, now time.Time, limit int) (queue.Due, error) {
	due, err := w.store.Due(ctx, now, limit)
	return due, w.read(err)
}

// Operations implements queue.Store.
func (w watched) Operations(ctx context.Context, after int64, limit int) ([]queue.Operation, error) {
	operations, err := w.store.Operations(ctx, after, limit)
	return operations, w.read(err)
}

// Rejected implements queue.Store.
func (w watched) Rejected(ctx context.Context, entityType string, limit int) ([]queue.Operation, error) {
	operations, err := w.store.Rejected(ctx, entityType, limit)
	return operations, w.read(err)
}

// Conflicts implements queue.Store.
func (w watched) Conflicts(ctx context.Context, limit int) ([]queue.Conflict, error) {
	conflicts, err := w.store.Conflicts(ctx, limit)
	return conflicts, w.read(err)
}

// Counts implements queue.Store.
func (w watched) Counts(ctx context.Context) (queue.Counts, error) {
	counts, err := w.store.Counts(ctx)
	return counts, w.read(err)
}

// Rows implements repository.Store.
func (w watched) Rows(ctx context.Context, window repository.Window) (repository.Rows, error) {
	rows, err := w.store.Rows(ctx, window)
	return rows, w.read(err)
}

// Meta implements repository.Store.
func (w watched) Meta(ctx context.Context, names ...string) (map[string]string, error) {
	values, err := w.store.Meta(ctx, names...)
	return values, w.read(err)
}

// SetMeta implements repository.Store.
func (w watched) SetMeta(ctx context.Context, values map[string]string) error {
	err := w.store.SetMeta(ctx, values)
	w.m.note(err, true)
	return err
}

func (w watched) read(err error) error {
	w.m.note(err, false)
	return err
}
