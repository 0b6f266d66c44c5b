package harness

import (
	"context"
	"fmt"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// lifecycle is the lifecycle state of a page.
type lifecycle struct {
	State string `json:"state"`
}

// Freeze hides the page and suspends it and its dedicated workers, as a browser does to
// save power, until Thaw. A frozen page evaluates nothing.
func (p *Page) Freeze() {
	p.t.Helper()
	p.setLifecycle("frozen")
}

// Thaw ends Freeze and brings the page into view again.
func (p *Page) Thaw() {
	p.t.Helper()
	p.setLifecycle("active")
	// To the browser the tab was active all the time, so activating it would not show it.
	p.do("showing the page", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, emulation.CommandSetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}, nil)
	}))
	p.Front()
}

func (p *Page) setLifecycle(state string) {
	p.t.Helper()
	p.do("making the page "+state, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, "Page.setWebLifecycleState", lifecycle{state}, nil)
	}))
}

// BFCacheRefusals collects why the browser did not keep a page in its back/forward cache.
type BFCacheRefusals struct {
	mu      sync.Mutex
	reasons []string
}

// WatchBFCache starts to collect refusals.
func (p *Page) WatchBFCache() *BFCacheRefusals {
	p.t.Helper()
	r := &BFCacheRefusals{}
	err := chromedp.Listen(p.ctx, func(ev any) {
		if ev, ok := ev.(*page.EventBackForwardCacheNotUsed); ok {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, e := range ev.NotRestoredExplanations {
				r.reasons = append(r.reasons, fmt.Sprintf("%s (%s)", e.Reason, e.Type))
			}
		}
	})
	if err != nil {
		p.t.Fatalf("listening to the page: %v", err)
	}
	return r
}

// Reasons returns the reasons so far.
func (r *BFCacheRefusals) Reasons() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.reasons...)
}

// AddInitScript makes a script run in every new document of the tab before its own scripts.
func (p *Page) AddInitScript(script string) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		p.t.Fatalf("adding a script: %v", err)
	}
}
