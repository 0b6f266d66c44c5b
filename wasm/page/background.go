//go:build js && wasm

package main

import (
	"context"
	"fmt"

	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/repository"
)

// metaBackground says "off" when the person does not want syncs while no tab is open.
const metaBackground = "background"

// background keeps a Background Sync registered while there is work to send:
// Chromium gives up after three tries, so each start and each write registers anew.
type background struct {
	store repository.Store
	wish  chan struct{}
}

func newBackground(store repository.Store) *background {
	return &background{store: store, wish: make(chan struct{}, 1)}
}

// wanted notes that there is something to send; it does not block.
func (b *background) wanted() { offer(b.wish, struct{}{}) }

func (b *background) run(ctx context.Context) {
	if counts, err := b.store.Counts(ctx); err == nil && counts.Waiting > 0 {
		b.wanted()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wish:
			if b.on(ctx) {
				// Browsers without it live on the other triggers.
				_ = browser.RegisterSync(ctx)
			}
		}
	}
}

func (b *background) on(ctx context.Context) bool {
	m, err := b.store.Meta(ctx, metaBackground)
	return err == nil && m[metaBackground] != "off"
}

// state reports whether the browser offers it, and whether the person wants it.
func (b *background) state(ctx context.Context) (supported, on bool) {
	supported, _ = browser.BackgroundSync(ctx)
	return supported, supported && b.on(ctx)
}

// set keeps the person's wish and follows it.
func (b *background) set(ctx context.Context, on bool) error {
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
