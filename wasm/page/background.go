//go:build js && wasm

package main

import (
	"context"
	"fmt"

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
	requests chan struct{}
}

func newBackground(s *storage) *background {
	return &background{store: s.store, volatile: s.volatile, requests: make(chan struct{}, 1)}
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
				_ = browser.RegisterSync(ctx)
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
	supported, _ = browser.BackgroundSync(ctx)
	return supported, supported && b.enabled(ctx)
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
		return browser.RegisterSync(ctx)
	}
	return browser.CancelPeriodicSync(ctx)
}
