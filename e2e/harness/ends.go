package harness

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// crashTime is how long a crash may take to be answered: a process that is gone
// does not answer.
const crashTime = 500 * time.Millisecond

// Crash ends the process of a tab, as a shortage of memory does, and closes what
// is left of the tab.
func (p *Page) Crash() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, crashTime)
	defer cancel()
	_, _ = chromedp.Call(ctx, page.Crash, cdp.Empty{}) // there is nobody left to answer
	p.Vanish()
}

// Vanish closes a tab without asking it.
func (p *Page) Vanish() {
	p.t.Helper()
	p.closed = true
	id := chromedp.FromContext(p.ctx).Target.TargetID
	if _, err := chromedp.CallBrowser(p.b.ctx, target.CloseTarget, target.CloseTargetParams{TargetID: id}); err != nil {
		p.t.Errorf("closing a tab: %v", err)
	}
	p.cancel()
}

// terminable has pages keep the dedicated workers they start, so that a test can
// end them.
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

// OpenTerminable opens a tab that keeps the dedicated workers it starts, for
// TerminateWorkers.
func (b *Browser) OpenTerminable(address string) *Page {
	b.t.Helper()
	return b.OpenShimmed(address, terminable)
}

// TerminateWorkers ends the page's dedicated workers in the middle of what they
// do, and says how many there were.
func (p *Page) TerminateWorkers() int {
	p.t.Helper()
	return Eval[int](p, `terminateWorkers()`)
}
