package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Page is a tab of a browser. Elements are found as assistive technology finds them, by role
// and accessible name. What only the Chrome DevTools Protocol can do fails the test in other
// browsers.
type Page struct {
	t      testing.TB
	driver driver
	ctx    context.Context // of all that is done in the tab; chromedp's in Chromium
	origin string

	// In Chromium only:
	b       *Browser
	cancel  context.CancelFunc
	console *console
	closed  bool
}

// driver is what a Page needs of its browser.
type driver interface {
	// load loads a URL, or the page again if that is empty.
	load(ctx context.Context, url string) error
	// evaluate evaluates an expression, awaiting a promise, and returns its value in JSON, or
	// nil if it has none. A gesture lets it do what takes a person's.
	evaluate(ctx context.Context, expression string, gesture bool) (json.RawMessage, error)
	// count counts the perceivable elements of a role and a name. Empty ones match any.
	count(ctx context.Context, role, name string) (int, error)
	// call runs a function with the only such element as this, and returns its value.
	call(ctx context.Context, role, name, function string) (json.RawMessage, error)
	// insert types a text in the place of what is selected in the focused element.
	insert(ctx context.Context, text string) error
	// press presses a key of package kb.
	press(ctx context.Context, key string) error
	// chord presses a key that types a character, while modifiers of CDP are held down.
	chord(ctx context.Context, key string, modifiers int64) error
	// chooseFile chooses a file in the input with this id.
	chooseFile(ctx context.Context, id, path string) error
	// install calls a function of the page with one that passes texts on to notify.
	install(ctx context.Context, function string, notify func(text string)) error
	// emulate shows the tab on another screen: in other browsers than Chromium, of another size and in light or dark
	// only. A page is laid out anew some frames later.
	emulate(ctx context.Context, screen Screen) error
	// screenshot is a PNG of what the window shows, a pixel for each of CSS.
	screenshot(ctx context.Context) ([]byte, error)
	front(ctx context.Context) error
	close(ctx context.Context) error
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
	p := &Page{t: b.t, driver: &chromiumTab{}, b: b, origin: u.Scheme + "://" + u.Host, console: &console{during: b.t.Context()}}
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
	p.Go(pathOf(u))
	return p
}

// pathOf is what Go takes for the address.
func pathOf(u *url.URL) string {
	path := u.RequestURI()
	if u.Fragment != "" {
		path += "#" + u.Fragment
	}
	return path
}

// Go loads an address of the site, such as "/sync".
func (p *Page) Go(path string) {
	p.t.Helper()
	p.settleHistory()
	p.must("loading "+path, func(ctx context.Context) error { return p.driver.load(ctx, p.origin+path) })
}

// Reload loads the page again.
func (p *Page) Reload() {
	p.t.Helper()
	p.settleHistory()
	p.must("reloading", func(ctx context.Context) error { return p.driver.load(ctx, "") })
}

// Return goes back in the tab's history, to the document that was shown before.
func (p *Page) Return() {
	p.t.Helper()
	if d, webKit := p.driver.(*webKitTab); webKit {
		p.must("going back", d.back)
		return
	}
	const address = `location.href`
	from := Eval[string](p, address)
	Eval[bool](p, `(history.back(), true)`)
	Eventually(p.t, "the other document is shown", func() error {
		at, err := TryEval[string](p, address)
		if err == nil && at == from {
			err = errors.New("the step back is under way")
		}
		return err
	})
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
	if p.console != nil {
		p.console.report(p.t)
	}
	p.closed = true
	if err := p.driver.close(p.ctx); err != nil && !errors.Is(err, context.Canceled) {
		p.t.Errorf("closing a tab: %v", err)
	}
}

// Front makes the tab the active one.
func (p *Page) Front() {
	p.t.Helper()
	p.must("activating the tab", p.driver.front)
}

// Allow makes errors of the page that contain this text expected. Other browsers than Chromium
// have an Allow of their own.
func (p *Page) Allow(text string) {
	if p.console != nil {
		p.console.allow(text)
	}
}

// must does something in the tab within Timeout, and fails the test if that fails.
func (p *Page) must(what string, do func(context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	if err := do(ctx); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// do does what only Chromium can.
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
	var value T
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	text, err := p.driver.evaluate(ctx, expression, false)
	if err != nil {
		return value, err
	}
	if none := len(text) == 0 || string(text) == "null"; none {
		switch reflect.TypeFor[T]().Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
			return value, nil
		default:
			return value, errors.New("it is null or undefined")
		}
	}
	err = json.Unmarshal(text, &value)
	return value, err
}

// Try is Eval that returns its error, for pages that may be gone, with a person's gesture. A nil
// out drops the value.
func (p *Page) Try(expression string, out any) error { return p.try(Timeout, expression, out) }

func (p *Page) try(timeout time.Duration, expression string, out any) error {
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	text, err := p.driver.evaluate(ctx, expression, true)
	if err != nil {
		return err
	}
	return decode(text, out)
}

// decode decodes a value, if there is one and somebody wants it.
func decode(text json.RawMessage, out any) error {
	if out == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, out)
}

// errNone means that no element has the role and name.
type errNone struct{ role, name string }

func (e errNone) Error() string { return fmt.Sprintf("there is no %s %q", e.role, e.name) }

// call runs a function with the only element of a role and name as this, and decodes its
// result.
func (p *Page) call(role, name, function string, out any) error {
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	text, err := p.driver.call(ctx, role, name, function)
	if err != nil {
		if reads, evalErr := TryEval[string](p, rendered); evalErr == nil {
			err = fmt.Errorf("%w; the page reads %.600q", err, reads)
		}
		return err
	}
	return decode(text, out)
}

// replaced reports whether the document was just being replaced by another.
func replaced(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "Cannot find context") || strings.Contains(err.Error(), "Inspected target navigated") ||
		errors.Is(err, errReplaced))
}

// errReplaced is what other browsers than Chromium say then.
var errReplaced = errors.New("the document was being replaced")

// Has reports whether an element with this role and name is there.
func (p *Page) Has(role, name string) bool {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	n, err := p.driver.count(ctx, role, name)
	if err != nil && !replaced(err) {
		p.t.Fatalf("looking for %s %q: %v", role, name, err)
	}
	return n > 0
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
	Eventually(p.t, fmt.Sprintf("pressing %s %q", role, name), func() error {
		var why string
		if err := p.call(role, name, pressing, &why); err != nil {
			return err
		}
		if why != "" {
			return errors.New(why)
		}
		return nil
	})
}

// Reach moves the focus with Tab to the element with this role and name.
func (p *Page) Reach(role, name string) {
	p.t.Helper()
	const most = 300 // stops on a page
	at := func() (is bool) {
		return Eval[bool](p, `globalThis.wanted?.isConnected && document.activeElement === wanted`)
	}
	Eventually(p.t, fmt.Sprintf("Tab reaches %s %q", role, name), func() error {
		if err := p.call(role, name, `function () { globalThis.wanted = this }`, nil); err != nil {
			return err
		}
		for range most {
			if at() {
				return nil
			}
			p.Press(kb.Tab)
		}
		return fmt.Errorf("it does not within %d", most)
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
			err = p.driver.press(ctx, kb.Backspace)
		} else {
			err = p.driver.insert(ctx, text)
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
	p.must("pressing a key", func(ctx context.Context) error { return p.driver.press(ctx, key) })
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
		if err == nil && !strings.Contains(oneLine(got), oneLine(want)) {
			err = fmt.Errorf("the page reads %.800q", got)
		}
		return err
	})
}

// oneLine is a text with a space for each run of white space: browsers break lines differently
// around what only a screen reader hears.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// GoneText waits until the page does not contain the text.
func (p *Page) GoneText(unwanted string) {
	p.t.Helper()
	Eventually(p.t, fmt.Sprintf("no longer reading %q", unwanted), func() error {
		if got := p.Text(); strings.Contains(oneLine(got), oneLine(unwanted)) {
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

// stirring is what a page is still about to change by itself, none of it: what it loads, messages that go by
// themselves, what turns or fades.
const stirring = `(async () => {
	const still = [...document.querySelectorAll("[aria-busy=true], .skeleton, .working, .status-busy, .toast:not(.toast-bad, .toast-offer):has(> .icon-button)")];
	const moving = document.getAnimations().filter((a) => a.playState === "running").map((a) => a.effect.target);
	const what = [...still, ...moving].map((e) => e?.outerHTML.slice(0, 120) ?? "something");
	if (document.fonts.status !== "loaded") what.push("fonts");
	if (!what.length) await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
	return what.join(", ");
})()`

// WaitRest waits until nothing changes any more without a person or the network.
func (p *Page) WaitRest() {
	p.t.Helper()
	Eventually(p.t, "the page comes to rest", func() error {
		what, err := TryEval[string](p, stirring)
		if err == nil && what != "" {
			err = errors.New("still: " + what)
		}
		return err
	})
}
