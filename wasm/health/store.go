package health

import (
	"context"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// monitored is a store whose every use the monitor observes.
type monitored struct {
	store repository.Store
	m     *Monitor
}

// Wrap returns the store with every use observed by the monitor.
func (m *Monitor) Wrap(store repository.Store) repository.Store { return monitored{store, m} }

var _ repository.Store = monitored{}

// Update implements queue.Store. An error of decide is not the storage's, even if it
// looks like one.
func (s monitored) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	var decideErr error
	err := s.store.Update(ctx, txn, func(es []*queue.Entity) error {
		decideErr = decide(es)
		return decideErr
	})
	if err == nil || decideErr == nil {
		s.m.observe(err, true)
	}
	return err
}

// Entity implements queue.Store.
func (s monitored) Entity(ctx context.Context, ref queue.Ref) (queue.Entity, error) {
	e, err := s.store.Entity(ctx, ref)
	return e, s.read(err)
}

// Due implements queue.Store.
func (s monitored) Due(ctx context.Context, now time.Time, limit int) (queue.Due, error) {
	due, err := s.store.Due(ctx, now, limit)
	return due, s.read(err)
}

// Operations implements queue.Store.
func (s monitored) Operations(ctx context.Context, after int64, limit int) ([]queue.Operation, error) {
	operations, err := s.store.Operations(ctx, after, limit)
	return operations, s.read(err)
}

// Rejected implements queue.Store.
func (s monitored) Rejected(ctx context.Context, entityType string, limit int) ([]queue.Operation, error) {
	operations, err := s.store.Rejected(ctx, entityType, limit)
	return operations, s.read(err)
}

// Conflicts implements queue.Store.
func (s monitored) Conflicts(ctx context.Context, limit int) ([]queue.Conflict, error) {
	conflicts, err := s.store.Conflicts(ctx, limit)
	return conflicts, s.read(err)
}

// Counts implements queue.Store.
func (s monitored) Counts(ctx context.Context) (queue.Counts, error) {
	counts, err := s.store.Counts(ctx)
	return counts, s.read(err)
}

// Rows implements repository.Store.
func (s monitored) Rows(ctx context.Context, window repository.Window) (repository.Rows, error) {
	rows, err := s.store.Rows(ctx, window)
	return rows, s.read(err)
}

// Meta implements repository.Store.
func (s monitored) Meta(ctx context.Context, names ...string) (map[string]string, error) {
	values, err := s.store.Meta(ctx, names...)
	return values, s.read(err)
}

// SetMeta implements repository.Store.
func (s monitored) SetMeta(ctx context.Context, values map[string]string) error {
	err := s.store.SetMeta(ctx, values)
	s.m.observe(err, true)
	return err
}

func (s monitored) read(err error) error {
	s.m.observe(err, false)
	return err
}
