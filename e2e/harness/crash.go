package harness

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// crashTimeout bounds the wait for an answer to a crash: a dead process does not answer.
const crashTimeout = 500 * time.Millisecond

// Crash kills the process of a tab, as a lack of memory does, and closes the tab. In other
// browsers than Chromium it only closes it.
func (p *Page) Crash() {
	p.t.Helper()
	if p.b == nil {
		p.Close()
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, crashTimeout)
	defer cancel()
	_, _ = chromedp.Call(ctx, page.Crash, cdp.Empty{}) // nothing is left to answer
	p.Discard()
}

// Discard closes a tab without running its unload handlers. In other browsers than Chromium it
// only closes it.
func (p *Page) Discard() {
	p.t.Helper()
	if p.b == nil {
		p.Close()
		return
	}
	p.closed = true
	id := chromedp.FromContext(p.ctx).Target.TargetID
	if _, err := chromedp.CallBrowser(p.b.ctx, target.CloseTarget, target.CloseTargetParams{TargetID: id}); err != nil {
		p.t.Errorf("closing a tab: %v", err)
	}
	p.cancel()
}

// terminable keeps the dedicated workers a page starts, so that a test can terminate them.
const terminable = `(() => {
	const started = [];
	globalThis.Worker = class extends Worker {
		constructor(...args) {
			super(...args);
			started.push(this);
		}
	};
	globalThis.terminateWorkers = () => started.splice(0).map((w) => w.terminate()).length;
})()`

// OpenTerminable opens a tab that supports TerminateWorkers.
func (b *Browser) OpenTerminable(address string) *Page {
	b.t.Helper()
	return b.OpenWithScript(address, terminable)
}

// TerminateWorkers terminates the page's dedicated workers and returns their number.
func (p *Page) TerminateWorkers() int {
	p.t.Helper()
	return Eval[int](p, `terminateWorkers()`)
}
