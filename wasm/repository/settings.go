package repository

import (
	"context"
	"fmt"
	"strings"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// strategyName is the name of the meta value that holds the strategy.
func (c *Collection[T, P]) strategyName() string { return sync.MetaStrategy + c.cfg.Schema.Type }

// Strategy returns the conflict strategy of this type of record.
func (c *Collection[T, P]) Strategy(ctx context.Context) (sync.StrategyName, error) {
	m, err := c.cfg.Store.Meta(ctx, c.strategyName())
	if err != nil {
		return "", fmt.Errorf("read the settings: %w", err)
	}
	return sync.ParseStrategy(m[c.strategyName()]), nil
}

// Damaged returns how many operations and conflicts the device's storage has not kept as they
// were saved. They can't be sent; a file of the changes has what is left of them.
func (c *Collection[T, P]) Damaged(ctx context.Context) (int, error) {
	m, err := c.cfg.Store.Meta(ctx, queue.MetaDamaged)
	if err != nil || m[queue.MetaDamaged] == "" {
		return 0, err
	}
	return 1 + strings.Count(m[queue.MetaDamaged], "\n"), nil
}

// DropDamaged removes what is left of them.
func (c *Collection[T, P]) DropDamaged(ctx context.Context) error {
	if err := c.cfg.Store.SetMeta(ctx, map[string]string{queue.MetaDamaged: ""}); err != nil {
		return fmt.Errorf("remove the damaged changes: %w", err)
	}
	return nil
}

// SetStrategy sets it, for conflicts from now on.
func (c *Collection[T, P]) SetStrategy(ctx context.Context, s sync.StrategyName) error {
	if sync.ParseStrategy(string(s)) != s {
		return fmt.Errorf("there is no conflict strategy %q", s)
	}
	if err := c.cfg.Store.SetMeta(ctx, map[string]string{c.strategyName(): string(s)}); err != nil {
		return fmt.Errorf("save the setting: %w", err)
	}
	return nil
}
