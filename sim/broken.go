package sim

import (
	"context"

	"github.com/rollcall/rollcall/sim/defects/active"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// brokenPorts are the defects of sim/defects that are a port's: each gives an engine
// one that does not keep its contract, and so takes out what the engine relies on.
var brokenPorts = map[string]func(*sync.Config){
	"cursor-before-rows":   func(c *sync.Config) { c.Store = cursorFirst{c.Store} },
	"digests-not-compared": func(c *sync.Config) { c.Remote = noDigests{c.Remote} },
	"no-fence":             func(c *sync.Config) { c.Store = unfenced{c.Store} },
	"no-round-lock":        func(c *sync.Config) { c.Locks = unlocked{} },
	"no-sweep":             func(c *sync.Config) { c.Store = unswept{c.Store} },
}

// ports are an engine's ports as the defect that is on has them.
func ports(c sync.Config) sync.Config {
	if breaks := brokenPorts[active.Name()]; breaks != nil {
		breaks(&c)
	}
	return c
}

// cursorFirst saves a page's cursor in a transaction of its own, before the rows.
type cursorFirst struct{ sync.Store }

func (s cursorFirst) ApplyPage(ctx context.Context, page sync.Page) ([]queue.Ref, error) {
	if page.Meta[sync.MetaCursor] != "" {
		if err := s.SetMeta(ctx, page.Meta); err != nil {
			return nil, err
		}
	}
	return s.Store.ApplyPage(ctx, page)
}

// unfenced lets any round write, also one that another has overtaken.
type unfenced struct{ sync.Store }

func (s unfenced) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	txn.Fence = 0
	return s.Store.Update(ctx, txn, decide)
}

func (s unfenced) ApplyPage(ctx context.Context, page sync.Page) ([]queue.Ref, error) {
	page.Fence = 0
	return s.Store.ApplyPage(ctx, page)
}

func (s unfenced) Sweep(ctx context.Context, _ int64, entityType string, generation int64) ([]queue.Ref, error) {
	return s.Store.Sweep(ctx, 0, entityType, generation)
}

func (s unfenced) Repair(ctx context.Context, r sync.Repair) ([]queue.Ref, error) {
	r.Fence = 0
	return s.Store.Repair(ctx, r)
}

// unswept removes nothing at the end of a resync.
type unswept struct{ sync.Store }

func (unswept) Sweep(context.Context, int64, string, int64) ([]queue.Ref, error) { return nil, nil }

// unlocked lets everybody hold every lock.
type unlocked struct{}

func (unlocked) Hold(ctx context.Context, _ string, _ sync.LockMode, f func(context.Context) error) error {
	return f(ctx)
}

// brokenDevices are the defects of sim/defects that are of what pages do: the browser's part of it,
// which is not in Go, is this package's own.
var brokenDevices = map[string]bool{
	"account-not-said": true, "account-of-the-cookie": true, "anothers-data-deleted": true, "signed-out-unasked": true, "nobody-worked-on": true,
	"nobodys-not-frozen": true, "nobodys-taken-twice": true, "taking-not-ended": true,
}

// brokenDevice reports whether the defect of a name is on.
func brokenDevice(name string) bool { return active.Name() == name }
