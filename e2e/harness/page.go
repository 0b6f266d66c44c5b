package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Page is a tab. Elements are found as assistive technology finds them, by role and
// accessible name.
type Page struct {
	t       testing.TB
	b       *Browser
	ctx     context.Context
	cancel  context.CancelFunc
	origin  string
	console *console
	closed  bool
	driven  bool // whether its driver's events are subscribed to
}

// Open opens a tab at a URL.
func (b *Browser) Open(address string) *Page {
	b.t.Helper()
	return b.OpenWithScript(address, "")
}

// OpenWithScript opens a tab with an init script; see AddInitScript.
func (b *Browser) OpenWithScript(address, script string) *Page {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &Page{t: b.t, b: b, origin: u.Scheme + "://" + u.Host, console: &console{}}
	p.ctx, p.cancel = chromedp.NewContext(b.ctx, chromedp.WithListener(p.console.onEvent), chromedp.WithListener(b.workers.onEvent))
	if err := chromedp.Do(p.ctx); err != nil {
		b.t.Fatalf("opening a tab: %v", err)
	}
	b.pages = append(b.pages, p)
	b.workers.mu.Lock()
	offline := b.workers.offline[p.origin]
	b.workers.mu.Unlock()
	if offline {
		if err := setOffline(p.ctx, true); err != nil {
			b.t.Fatal(err)
		}
	}
	if script != "" {
		p.AddInitScript(script)
	}
	path := u.RequestURI()
	if u.Fragment != "" {
		path += "#" + u.Fragment
	}
	p.Go(path)
	return p
}

// Go loads an address of the site, such as "/sync".
func (p *Page) Go(path string) {
	p.t.Helper()
	p.settleHistory()
	p.do("loading "+path, chromedp.Navigate(p.origin+path))
}

// Reload loads the page again.
func (p *Page) Reload() {
	p.t.Helper()
	p.settleHistory()
	p.do("reloading", chromedp.Reload())
}

// settleHistory waits until the entry of a dialog that has closed is left: the step back
// would end what is loaded by a driver, which is faster than any person.
func (p *Page) settleHistory() {
	p.t.Helper()
	Eventually(p.t, "the entry of a closed dialog is left", func() error {
		leaving, err := TryEval[bool](p, `history.state?.rollcallDialog === true && !document.querySelector("dialog[open]")`)
		if err == nil && leaving {
			return errors.New("the step back is under way")
		}
		return nil
	})
}

// Origin is the origin of the page's site.
func (p *Page) Origin() string { return p.origin }

// Close closes the tab.
func (p *Page) Close() {
	p.t.Helper()
	p.console.report(p.t)
	p.closed = true
	if err := chromedp.Cancel(p.ctx); err != nil && !errors.Is(err, context.Canceled) {
		p.t.Errorf("closing a tab: %v", err)
	}
}

// Front makes the tab the active one.
func (p *Page) Front() {
	p.t.Helper()
	p.do("activating the tab", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, "Page.bringToFront", cdp.Empty{}, nil)
	}))
}

// Allow makes errors of the page that contain this text expected.
func (p *Page) Allow(text string) { p.console.allow(text) }

func (p *Page) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// Eval evaluates an expression in the page, awaiting a promise.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	v, err := TryEval[T](p, expression)
	if err != nil {
		p.t.Fatalf("evaluating %.120q: %v", expression, err)
	}
	return v
}

// TryEval is Eval for a page that may navigate meanwhile, which ends an evaluation.
func TryEval[T any](p *Page, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// errNone means that no element has the role and name.
type errNone struct{ role, name string }

func (e errNone) Error() string { return fmt.Sprintf("there is no %s %q", e.role, e.name) }

// find returns the perceivable elements with a role and an accessible name. An empty one
// matches any.
func (p *Page) find(ctx context.Context, role, name string) ([]cdp.BackendNodeID, error) {
	document, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "document", ObjectGroup: "e2e"})
	var found accessibility.QueryAXTreeResult
	if err == nil {
		found, err = chromedp.Call(ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
			ObjectID: document.Result.ObjectID, Role: role, AccessibleName: name,
		})
	}
	if replaced(err) {
		return nil, errNone{role, name}
	}
	if err != nil {
		return nil, err
	}
	var nodes []cdp.BackendNodeID
	for _, n := range found.Nodes {
		if !n.Ignored && n.BackendDOMNodeID != 0 {
			nodes = append(nodes, n.BackendDOMNodeID)
		}
	}
	if len(nodes) == 0 {
		return nil, errNone{role, name}
	}
	return nodes, nil
}

// call runs a function with the only element of a role and name as this, and decodes its
// result.
func (p *Page) call(role, name, function string, out any) error {
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	defer func() {
		// Else it is released with the page.
		_, _ = chromedp.Call(ctx, runtime.ReleaseObjectGroup, runtime.ReleaseObjectGroupParams{ObjectGroup: "e2e"})
	}()
	nodes, err := p.find(ctx, role, name)
	if err != nil {
		return err
	}
	if len(nodes) > 1 {
		return fmt.Errorf("there are %d of %s %q", len(nodes), role, name)
	}
	node, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: nodes[0], ObjectGroup: "e2e"})
	if err != nil {
		return err
	}
	yes := true
	res, err := chromedp.Call(ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: function, ObjectID: node.Object.ObjectID,
		ReturnByValue: &yes, UserGesture: &yes, AwaitPromise: &yes,
	})
	if err != nil {
		return err
	}
	if res.ExceptionDetails != nil {
		return fmt.Errorf("%s %q: %s %s", role, name, res.ExceptionDetails.Text, describe(res.ExceptionDetails.Exception))
	}
	if out == nil || len(res.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(res.Result.Value, out)
}

func describe(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	return o.Description
}

// replaced reports whether the document was just being replaced by another.
func replaced(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "Cannot find context") || strings.Contains(err.Error(), "Inspected target navigated"))
}

// Has reports whether an element with this role and name is there.
func (p *Page) Has(role, name string) bool {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	_, err := p.find(ctx, role, name)
	var none errNone
	if err != nil && !errors.As(err, &none) {
		p.t.Fatalf("looking for %s %q: %v", role, name, err)
	}
	return err == nil
}

// See waits until an element with this role and name is there.
func (p *Page) See(role, name string) {
	p.t.Helper()
	Eventually(p.t, fmt.Sprintf("seeing %s %q", role, name), func() error {
		if !p.Has(role, name) {
			return fmt.Errorf("the page reads %.600q", p.Text())
		}
		return nil
	})
}

// Gone waits until no element with this role and name is there.
func (p *Page) Gone(role, name string) {
	p.t.Helper()
	Eventually(p.t, fmt.Sprintf("%s %q goes away", role, name), func() error {
		if p.Has(role, name) {
			return fmt.Errorf("it is still there, and the page reads %.1200q", p.Text())
		}
		return nil
	})
}

// pressing scrolls an element into view, checks that nothing covers it, and clicks it.
const pressing = `function () {
	this.scrollIntoView({block: "center", inline: "center"});
	const r = this.getBoundingClientRect();
	const hit = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
	if (!this.isConnected) return "it has just gone";
	if (this.disabled || this.getAttribute("aria-disabled") === "true") return "it is disabled";
	if (!hit || !(this.contains(hit) || hit.contains(this) || hit.control === this || hit.closest("label")?.contains(this)))
		return "it is covered by " + (hit ? hit.outerHTML.slice(0, 150) : "nothing, being out of view");
	this.click();
	return "";
}`

// Click presses the element with this role and name once it can be pressed.
func (p *Page) Click(role, name string) {
	p.t.Helper()
	click(p.t, p.call, role, name)
}

func click(t testing.TB, call func(role, name, function string, out any) error, role, name string) {
	t.Helper()
	Eventually(t, fmt.Sprintf("pressing %s %q", role, name), func() error {
		var why string
		if err := call(role, name, pressing, &why); err != nil {
			return err
		}
		if why != "" {
			return errors.New(why)
		}
		return nil
	})
}

// Fill replaces the text of the field with this role and name by typing.
func (p *Page) Fill(role, name, text string) {
	p.t.Helper()
	Eventually(p.t, fmt.Sprintf("filling %s %q", role, name), func() error {
		err := p.call(role, name, `function () { this.focus(); this.select(); if (document.activeElement !== this) throw new Error("no focus") }`, nil)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(p.ctx, Timeout)
		defer cancel()
		if text == "" {
			err = chromedp.Do(ctx, chromedp.KeyEvent("\b"))
		} else {
			_, err = chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		}
		if err != nil {
			return err
		}
		return Equal("the field's text", p.Value(role, name), text)
	})
}

// Value returns the text in the field with this role and name.
func (p *Page) Value(role, name string) string {
	p.t.Helper()
	var value string
	if err := p.call(role, name, `function () { return this.value }`, &value); err != nil {
		p.t.Fatalf("reading %s %q: %v", role, name, err)
	}
	return value
}

// Press sends a key, such as "\r" or kb.Escape, to the focused element.
func (p *Page) Press(key string) {
	p.t.Helper()
	p.do("pressing a key", chromedp.KeyEvent(key))
}

// rendered is the text of a document, which has no body at first.
const rendered = `document.body?.innerText ?? ""`

// Text returns the rendered text of the page.
func (p *Page) Text() string {
	p.t.Helper()
	got, err := TryEval[string](p, rendered)
	if err != nil && !replaced(err) {
		p.t.Fatalf("reading the page: %v", err)
	}
	return got
}

// SeeText waits until the page contains the text.
func (p *Page) SeeText(want string) {
	p.t.Helper()
	Eventually(p.t, fmt.Sprintf("reading %q", want), func() error {
		got, err := TryEval[string](p, rendered)
		if err == nil && !strings.Contains(got, want) {
			err = fmt.Errorf("the page reads %.800q", got)
		}
		return err
	})
}

// GoneText waits until the page does not contain the text.
func (p *Page) GoneText(unwanted string) {
	p.t.Helper()
	Eventually(p.t, fmt.Sprintf("no longer reading %q", unwanted), func() error {
		if got := p.Text(); strings.Contains(got, unwanted) {
			return fmt.Errorf("the page reads %.800q", got)
		}
		return nil
	})
}

// WaitAnimations waits until the animations that end within five seconds of their begin
// have ended.
func (p *Page) WaitAnimations() {
	p.t.Helper()
	Eventually(p.t, "the animations end", func() error {
		return Equal("their number", Eval[int](p, `document.getAnimations().filter((a) => a.playState === "running" && a.effect.getComputedTiming().endTime < 5000).length`), 0)
	})
}
