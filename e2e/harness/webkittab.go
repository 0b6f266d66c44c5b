package harness

import (
	"context"
	_ "embed" // of find.js
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// webKitTab is a driver over W3C WebDriver.
type webKitTab struct {
	w      *WebKit
	handle string
}

// Open opens a tab at a URL.
func (w *WebKit) Open(address string) *Page {
	w.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	d := &webKitTab{w: w}
	p := &Page{t: w.t, driver: d, ctx: context.Background(), origin: u.Scheme + "://" + u.Host}
	p.must("opening a tab", d.open)
	p.Go(pathOf(u))
	return p
}

// OpenWithScript fails the test: nothing in this browser runs before a page's own scripts.
func (w *WebKit) OpenWithScript(_, _ string) *Page {
	w.t.Helper()
	w.t.Fatal("WebKitGTK runs no scripts before a page's own")
	return nil
}

// open opens another tab, or takes the one that a session begins with.
func (d *webKitTab) open(ctx context.Context) error {
	w := d.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.used {
		w.used = true
		err := w.call(ctx, http.MethodGet, w.session+"/window", nil, &d.handle)
		w.current = d.handle
		return err
	}
	var made struct{ Handle string }
	err := w.call(ctx, http.MethodPost, w.session+"/window/new", map[string]any{"type": "tab"}, &made)
	d.handle = made.Handle
	return err
}

// command does a command in this tab. A nil body makes it a GET.
func (d *webKitTab) command(ctx context.Context, path string, body, out any) error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if err := d.choose(ctx); err != nil {
		return err
	}
	return d.w.call(ctx, http.MethodPost, d.w.session+path, body, out)
}

func (d *webKitTab) choose(ctx context.Context) error {
	if d.w.current == d.handle {
		return nil
	}
	d.w.current = d.handle
	return d.w.call(ctx, http.MethodPost, d.w.session+"/window", map[string]any{"handle": d.handle}, nil)
}

func (d *webKitTab) load(ctx context.Context, url string) error {
	if url == "" {
		return d.command(ctx, "/refresh", map[string]any{}, nil)
	}
	return d.command(ctx, "/url", map[string]any{"url": url}, nil)
}

// back goes back to another document, and asks the page nothing until it is there: what is evaluated meanwhile may never be
// answered, nor anything after it.
func (d *webKitTab) back(ctx context.Context) error {
	from, err := d.address(ctx)
	if err == nil {
		_, err = d.evaluate(ctx, `(setTimeout(() => history.back(), 100), true)`, false)
	}
	for at := from; err == nil && at == from; {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(50 * time.Millisecond):
			at, err = d.address(ctx)
		}
	}
	return err
}

func (d *webKitTab) address(ctx context.Context) (url string, err error) {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if err := d.choose(ctx); err != nil {
		return "", err
	}
	err = d.w.call(ctx, http.MethodGet, d.w.session+"/url", nil, &url)
	return url, err
}

func (d *webKitTab) front(context.Context) error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	d.w.current = "" // choosing a tab brings it to the front
	return nil
}

func (d *webKitTab) close(ctx context.Context) error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if err := d.choose(ctx); err != nil {
		return err
	}
	// The session would end with its last tab.
	var all []string
	if err := d.w.call(ctx, http.MethodGet, d.w.session+"/window/handles", nil, &all); err != nil {
		return err
	}
	if len(all) == 1 {
		if err := d.w.call(ctx, http.MethodPost, d.w.session+"/window/new", map[string]any{"type": "tab"}, nil); err != nil {
			return err
		}
	}
	if err := d.w.call(ctx, http.MethodDelete, d.w.session+"/window", nil, &all); err != nil || len(all) == 0 {
		return err
	}
	d.w.current = all[0] // without one, no other opens
	return d.w.call(ctx, http.MethodPost, d.w.session+"/window", map[string]any{"handle": all[0]}, nil)
}

// run runs an asynchronous function, and returns the text of JSON that it returns.
func (d *webKitTab) run(ctx context.Context, function string, args ...any) (json.RawMessage, error) {
	script := fmt.Sprintf(`const done = arguments[arguments.length - 1];
		(%s)(...[...arguments].slice(0, -1)).then((v) => done([v ?? null]), (err) => done([null, String(err)]));`, function)
	var answer []*string
	if args == nil {
		args = []any{}
	}
	if err := d.command(ctx, "/execute/async", map[string]any{"script": script, "args": args}, &answer); err != nil {
		for _, gone := range []string{"no such frame", "stale element reference", "no such node", "unload", "navigat"} {
			if strings.Contains(err.Error(), gone) {
				return nil, fmt.Errorf("%w: %w", errReplaced, err)
			}
		}
		return nil, err
	}
	switch {
	case len(answer) == 2 && answer[1] != nil:
		return nil, errors.New(*answer[1])
	case len(answer) == 0 || answer[0] == nil:
		return nil, nil
	}
	return json.RawMessage(*answer[0]), nil
}

func (d *webKitTab) evaluate(ctx context.Context, expression string, _ bool) (json.RawMessage, error) {
	return d.run(ctx, "async () => JSON.stringify(await ("+expression+"))")
}

// finding is a function that finds elements as the other browsers do by themselves.
//
//go:embed find.js
var finding string

func (d *webKitTab) count(ctx context.Context, role, name string) (int, error) {
	text, err := d.run(ctx, "async (...which) => JSON.stringify(("+finding+")(...which).length)", role, name)
	n := 0
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	return n, err
}

func (d *webKitTab) call(ctx context.Context, role, name, function string) (json.RawMessage, error) {
	text, err := d.run(ctx, fmt.Sprintf(`async (...which) => {
		const found = (%s)(...which);
		return JSON.stringify([found.length, found.length === 1 ? await (%s).call(found[0]) : null]);
	}`, finding, function), role, name)
	if err != nil {
		return nil, err
	}
	var n int
	var value json.RawMessage
	if err := json.Unmarshal(text, &[]any{&n, &value}); err != nil {
		return nil, err
	}
	return value, onlyOne(n, role, name)
}

func (d *webKitTab) insert(ctx context.Context, text string) error { return d.keys(ctx, text) }

func (d *webKitTab) press(ctx context.Context, key string) error {
	return d.keys(ctx, webDriverKey(key))
}

func (d *webKitTab) chord(ctx context.Context, key string, modifiers int64) error {
	return d.command(ctx, "/actions", map[string]any{"actions": chordActions(key, modifiers)}, nil)
}

func (d *webKitTab) chooseFile(ctx context.Context, id, path string) error {
	var found map[string]string // of one entry, from a constant of W3C to the element
	if err := d.command(ctx, "/element", map[string]any{"using": "css selector", "value": "#" + id}, &found); err != nil {
		return err
	}
	for _, element := range found {
		return d.command(ctx, "/element/"+element+"/value", map[string]any{"text": path}, nil)
	}
	return fmt.Errorf("there is no input %q", id)
}

func (d *webKitTab) keys(ctx context.Context, text string) error {
	return d.command(ctx, "/actions", map[string]any{"actions": keyActions(text)}, nil)
}

func (d *webKitTab) install(context.Context, string, func(string)) error {
	return errors.New("WebDriver passes on nothing that a page says")
}

// emulate has the window be of another size, and in another theme; see webkit.py.
func (d *webKitTab) emulate(ctx context.Context, screen Screen) error {
	if screen.ForcedColors || screen.Paper {
		return errors.New("only Chromium emulates forced colours and paper")
	}
	rect := map[string]any{"x": 0, "y": 0, "width": screen.Width, "height": screen.Height}
	if err := d.command(ctx, "/window/rect", rect, nil); err != nil {
		return err
	}
	_, err := d.evaluate(ctx, fmt.Sprintf("webkit.messageHandlers.dark.postMessage(%t)", screen.Dark), false)
	return err
}

func (d *webKitTab) screenshot(ctx context.Context) (png []byte, err error) {
	text, err := d.evaluate(ctx, "webkit.messageHandlers.picture.postMessage(null)", false)
	if err == nil {
		err = json.Unmarshal(text, &png)
	}
	return png, err
}
