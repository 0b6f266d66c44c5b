//go:build js && wasm

package page

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// background is app.BackgroundSync. It keeps a Background Sync registered while there are
// operations to send. Chromium gives up after three attempts, so each start and each
// write registers it again.
type background struct {
	store    repository.Store
	volatile bool
	suffix   string // of the account's tags
	requests chan struct{}
	// tried: this page has registered a sync, or tried to. refused: the browser has
	// Background Sync, and refused.
	tried, refused atomic.Bool
}

func newBackground(s *storage) *background {
	return &background{store: s.store, volatile: s.volatile, suffix: s.names.Suffix, requests: make(chan struct{}, 1)}
}

// request asks for a registration. It does not block.
func (b *background) request() { sync.TrySend(b.requests, struct{}{}) }

func (b *background) run(ctx context.Context) {
	if counts, err := b.store.Counts(ctx); err == nil && counts.Waiting > 0 {
		b.request()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.requests:
			if b.enabled(ctx) {
				// A browser without Background Sync relies on the other triggers.
				_ = b.register(ctx)
			}
		}
	}
}

// enabled reports whether the person wants it, as is the default.
func (b *background) enabled(ctx context.Context) bool {
	m, err := b.store.Meta(ctx, metaBackground)
	return err == nil && m[metaBackground] != "off"
}

func (b *background) BackgroundSync(ctx context.Context) (supported, enabled bool) {
	if b.volatile {
		return false, false
	}
	supported, _ = browser.BackgroundSync(ctx, b.suffix)
	on := b.enabled(ctx)
	if supported && on && !b.tried.Load() {
		// Some browsers refuse by a setting of their own: only trying it tells.
		_ = b.register(ctx)
	}
	supported = supported && !b.refused.Load()
	return supported, supported && on
}

func (b *background) register(ctx context.Context) error {
	b.tried.Store(true)
	err := browser.RegisterSync(ctx, b.suffix)
	b.refused.Store(err != nil)
	return err
}

func (b *background) SetBackgroundSync(ctx context.Context, on bool) error {
	value := "off"
	if on {
		value = ""
	}
	if err := b.store.SetMeta(ctx, map[string]string{metaBackground: value}); err != nil {
		return fmt.Errorf("save the setting: %w", err)
	}
	if on {
		return b.register(ctx)
	}
	return browser.CancelPeriodicSync(ctx, b.suffix)
}
