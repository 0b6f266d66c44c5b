package repository

import (
	"context"
	"fmt"

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
