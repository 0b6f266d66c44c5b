package harness

import (
	"context"
	"fmt"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// lifecycle is the state that the browser puts a page into.
type lifecycle struct {
	State string `json:"state"`
}

// Freeze hides the page and stops it and its dedicated workers where they are, as a
// browser does to save power; Thaw lets them go on. Nothing can be asked of a frozen
// page.
func (p *Page) Freeze() {
	p.t.Helper()
	p.setLifecycle("frozen")
}

// Thaw ends Freeze and brings the page into view again.
func (p *Page) Thaw() {
	p.t.Helper()
	p.setLifecycle("active")
	// To the browser the tab was the active one all the time, so that activating it
	// would not show it.
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

// Refusals notes why the browser did not keep a page in its back/forward cache.
type Refusals struct {
	mu   sync.Mutex
	whys []string
}

// Refusals begins to listen.
func (p *Page) Refusals() *Refusals {
	p.t.Helper()
	r := &Refusals{}
	err := chromedp.Listen(p.ctx, func(ev any) {
		if ev, ok := ev.(*page.EventBackForwardCacheNotUsed); ok {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, e := range ev.NotRestoredExplanations {
				r.whys = append(r.whys, fmt.Sprintf("%s (%s)", e.Reason, e.Type))
			}
		}
	})
	if err != nil {
		p.t.Fatalf("listening to the page: %v", err)
	}
	return r
}

// Whys are the reasons so far.
func (r *Refusals) Whys() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.whys...)
}

// Before has a script run in every document of the tab before its own.
func (p *Page) Before(script string) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		p.t.Fatalf("adding a script: %v", err)
	}
}
