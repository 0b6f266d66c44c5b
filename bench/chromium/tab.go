package chromium

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// interval is how often a condition is checked. The page takes the times itself.
const interval = 25 * time.Millisecond

// Tab is a page in a browser.
type Tab struct {
	ctx     context.Context
	cancel  context.CancelFunc
	console *console
}

// Open opens a tab that runs script before each page's own, "" for none.
func (b *Browser) Open(script string) (*Tab, error) {
	lines := &console{}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithListener(lines.onEvent))
	t := &Tab{ctx, cancel, lines}
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		return nil, fmt.Errorf("open a tab: %w", err)
	}
	if script == "" {
		return t, nil
	}
	err := t.call("Page.addScriptToEvaluateOnNewDocument", map[string]string{"source": script})
	return t, err
}

// Go loads an address.
func (t *Tab) Go(address string) error {
	if err := chromedp.Do(t.ctx, chromedp.Navigate(address)); err != nil {
		return fmt.Errorf("load %s: %w", address, err)
	}
	return nil
}

// SlowDown makes the page's processor so many times slower.
func (t *Tab) SlowDown(times float64) error {
	return t.call(emulation.CommandSetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: times})
}

// WithoutCache makes the page load everything anew.
func (t *Tab) WithoutCache() error {
	if err := t.call("Network.enable", cdp.Empty{}); err != nil {
		return err
	}
	return t.call("Network.setCacheDisabled", map[string]bool{"cacheDisabled": true})
}

func (t *Tab) call(method string, params any) error {
	return t.ask(method, params, nil)
}

func (t *Tab) ask(method string, params, out any) error {
	err := chromedp.Do(t.ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		return target.Call(ctx, method, params, out)
	}))
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

// Close closes the tab.
func (t *Tab) Close() error {
	if err := chromedp.Cancel(t.ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("close a tab: %w", err)
	}
	return nil
}

// Eval evaluates an expression in the page within a time, awaiting a promise.
func Eval[T any](t *Tab, within time.Duration, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(t.ctx, within)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		return v, fmt.Errorf("%.80s: %w%s", expression, err, t.console)
	}
	return v, nil
}

// Call calls a function of the page with arguments and returns what its promise brings.
func Call[T any](t *Tab, within time.Duration, function string, args ...any) (T, error) {
	text, err := json.Marshal(args)
	if err != nil {
		var none T
		return none, err
	}
	return Eval[T](t, within, fmt.Sprintf("(%s)(...%s)", function, text))
}

// Wait waits until an expression is true in the page.
func (t *Tab) Wait(within time.Duration, expression string) error {
	ctx, cancel := context.WithTimeout(t.ctx, within)
	defer cancel()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		done, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && done {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %.80s: %w%s", expression, errors.Join(context.Cause(ctx), err), t.console)
		}
	}
}
