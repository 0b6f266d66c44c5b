package replica

import (
	"context"

	"github.com/rollcall/rollcall/wasm/queue"
)

// Update implements queue.Store.
func (s *Store) Update(ctx context.Context, of queue.Txn, decide func([]*queue.Entity) error) error {
	for _, ref := range of.Refs {
		if _, err := s.schema(ref); err != nil {
			return err
		}
	}
	t := txn{relaxed: of.Relaxed, fence: of.Fence, claim: toOurPages, refs: of.Refs}
	if of.Relaxed { // a row of the server's
		t.claim = noClaim
	}
	return s.write(ctx, t, func(b *batch) error {
		for name, value := range of.Given {
			if b.value(name) != value {
				return queue.ErrStale
			}
		}
		entities, found := make([]*queue.Entity, len(of.Refs)), map[queue.Ref]*known{}
		var order []*known
		newest := b.newest()
		for i, ref := range of.Refs {
			if found[ref] == nil {
				k := b.find(ref)
				found[ref] = &k
				order = append(order, &k)
			}
			entities[i] = &found[ref].Entity
		}
		if len(b.missing) > 0 {
			return nil
		}
		before := make([]known, len(order))
		for i, k := range order {
			before[i] = *k
			if k.Confirmed != nil {
				row := *k.Confirmed
				before[i].Confirmed = &row
			}
			k.Among(k.table.schema.Unique, newest)
		}
		if err := decide(entities); err != nil {
			return err
		}
		for i, k := range order {
			b.save(before[i], &k.Entity)
		}
		b.setMeta(of.Set)
		return nil
	})
}

// BeginRound implements sync.Store. The fence is the number of the record that says so.
func (s *Store) BeginRound(ctx context.Context) (fence int64, err error) {
	err = s.write(ctx, txn{relaxed: true, claim: toReserve}, func(b *batch) error {
		fence = max(b.seq, b.fence+1)
		b.w.start('f').number(fence).end()
		return nil
	})
	return fence, err
}

// SetMeta implements sync.Store.
func (s *Store) SetMeta(ctx context.Context, values map[string]string) error {
	return s.write(ctx, txn{claim: toOurPages}, func(b *batch) error {
		b.setMeta(values)
		return nil
	})
}
