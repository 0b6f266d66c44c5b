package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// firefoxTab is a driver over WebDriver BiDi.
type firefoxTab struct {
	f       *Firefox
	context string
}

// Open opens a tab at a URL.
func (f *Firefox) Open(address string) *Page {
	f.t.Helper()
	return f.OpenWithScript(address, "")
}

// OpenWithScript opens a tab with a script that runs in every new document before its own.
func (f *Firefox) OpenWithScript(address, script string) *Page {
	f.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		f.t.Fatal(err)
	}
	var made struct{ Context string }
	// Each browser has a window of its own, so that no other hides its tabs.
	create := map[string]any{"type": "window"}
	if f.user != "" {
		create["userContext"] = f.user
	}
	if len(f.pages) > 0 {
		create["type"], create["referenceContext"] = "tab", f.pages[len(f.pages)-1]
	}
	f.must("opening a tab", "browsingContext.create", create, &made)
	if script != "" {
		f.must("adding a script", "script.addPreloadScript", map[string]any{
			"functionDeclaration": "() => { " + script + " }", "contexts": []string{made.Context},
		}, nil)
	}
	f.mu.Lock()
	f.pages, f.origins = append(f.pages, made.Context), append(f.origins, u.Scheme+"://"+u.Host)
	f.mu.Unlock()
	p := &Page{t: f.t, driver: &firefoxTab{f, made.Context}, ctx: context.Background(), origin: u.Scheme + "://" + u.Host}
	p.Go(pathOf(u))
	return p
}

func (d *firefoxTab) load(ctx context.Context, url string) error {
	if url == "" {
		return d.f.bidi.call(ctx, "browsingContext.reload", map[string]any{"context": d.context, "wait": "complete"}, nil)
	}
	return d.f.bidi.call(ctx, "browsingContext.navigate", map[string]any{"context": d.context, "url": url, "wait": "complete"}, nil)
}

func (d *firefoxTab) close(ctx context.Context) error {
	d.f.mu.Lock()
	d.f.pages = slices.DeleteFunc(d.f.pages, func(id string) bool { return id == d.context })
	d.f.mu.Unlock()
	return d.f.bidi.call(ctx, "browsingContext.close", map[string]any{"context": d.context}, nil)
}

func (d *firefoxTab) front(ctx context.Context) error {
	return d.f.bidi.call(ctx, "browsingContext.activate", map[string]any{"context": d.context}, nil)
}

// evaluated is the result of a script.
type evaluated struct {
	Type             string
	Result           struct{ Value json.RawMessage }
	ExceptionDetails struct{ Text string }
}

// run runs a script whose result is a text of JSON.
func (d *firefoxTab) run(ctx context.Context, method string, params map[string]any) (json.RawMessage, error) {
	return d.runIn(ctx, d.context, method, params)
}

// runIn is run in another context than the tab's.
func (d *firefoxTab) runIn(ctx context.Context, within, method string, params map[string]any) (json.RawMessage, error) {
	params["target"] = map[string]any{"context": within}
	var result evaluated
	if err := d.f.bidi.call(ctx, method, params, &result); err != nil {
		for _, gone := range []string{"unknown error: AbortError", "no such frame", "DiscardedBrowsingContextError", "no such node"} {
			if strings.Contains(err.Error(), gone) {
				return nil, fmt.Errorf("%w: %w", errReplaced, err)
			}
		}
		return nil, err
	}
	if result.Type == "exception" {
		return nil, errors.New(result.ExceptionDetails.Text)
	}
	var text string
	if len(result.Result.Value) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(result.Result.Value, &text); err != nil {
		return nil, fmt.Errorf("the result %.200s: %w", result.Result.Value, err)
	}
	return json.RawMessage(text), nil
}

func (d *firefoxTab) evaluate(ctx context.Context, expression string, gesture bool) (json.RawMessage, error) {
	return d.run(ctx, "script.evaluate", map[string]any{
		"expression":   fmt.Sprintf("(async () => JSON.stringify(await (%s)))()", expression),
		"awaitPromise": true, "userActivation": gesture,
	})
}

// node refers to an element.
type node struct {
	SharedID string `json:"sharedId"`
}

// find returns the visible elements with a role and an accessible name. A password field, which
// has no role in ARIA and none in Firefox, is a textbox here, as in the other engines.
func (d *firefoxTab) find(ctx context.Context, role, name string) ([]node, error) {
	nodes, err := d.locate(ctx, role, name, "*")
	if err != nil || role != "textbox" || name == "" {
		return nodes, err
	}
	passwords, err := d.locate(ctx, "", name, "input[type=password]")
	return append(nodes, passwords...), err
}

// locate returns the visible elements with a role and an accessible name that match a selector.
func (d *firefoxTab) locate(ctx context.Context, role, name, selector string) ([]node, error) {
	value := map[string]any{}
	if role != "" {
		value["role"] = role
	}
	if name != "" {
		value["name"] = name
	}
	var found struct{ Nodes []node }
	err := d.f.bidi.call(ctx, "browsingContext.locateNodes", map[string]any{
		"context": d.context, "locator": map[string]any{"type": "accessibility", "value": value},
	}, &found)
	if err != nil || len(found.Nodes) == 0 {
		return nil, err
	}
	text, err := d.run(ctx, "script.callFunction", map[string]any{
		"functionDeclaration": fmt.Sprintf("(...all) => JSON.stringify(all.map((e) => e.checkVisibility() && e.matches(%q)))", selector),
		"arguments":           found.Nodes, "awaitPromise": false,
	})
	var fits []bool
	if err == nil {
		err = json.Unmarshal(text, &fits)
	}
	var nodes []node
	for i, fit := range fits {
		if fit {
			nodes = append(nodes, found.Nodes[i])
		}
	}
	return nodes, err
}

func (d *firefoxTab) count(ctx context.Context, role, name string) (int, error) {
	nodes, err := d.find(ctx, role, name)
	return len(nodes), err
}

func (d *firefoxTab) call(ctx context.Context, role, name, function string) (json.RawMessage, error) {
	nodes, err := d.find(ctx, role, name)
	if err != nil {
		return nil, err
	}
	if err := onlyOne(len(nodes), role, name); err != nil {
		return nil, err
	}
	return d.run(ctx, "script.callFunction", map[string]any{
		"functionDeclaration": fmt.Sprintf("async function () { return JSON.stringify(await (%s).call(this)) }", function),
		"this":                nodes[0], "awaitPromise": true, "userActivation": true,
	})
}

func (d *firefoxTab) insert(ctx context.Context, text string) error { return d.keys(ctx, text) }

func (d *firefoxTab) press(ctx context.Context, key string) error {
	return d.keys(ctx, webDriverKey(key))
}

func (d *firefoxTab) chord(ctx context.Context, key string, modifiers int64) error {
	return d.f.bidi.call(ctx, "input.performActions", map[string]any{"context": d.context, "actions": chordActions(key, modifiers)}, nil)
}

func (d *firefoxTab) chooseFile(ctx context.Context, id, path string) error {
	var found struct{ Nodes []node }
	err := d.f.bidi.call(ctx, "browsingContext.locateNodes", map[string]any{
		"context": d.context, "locator": map[string]any{"type": "css", "value": "#" + id},
	}, &found)
	if err != nil || len(found.Nodes) == 0 {
		return fmt.Errorf("there is no input %q: %w", id, err)
	}
	return d.f.bidi.call(ctx, "input.setFiles", map[string]any{"context": d.context, "element": found.Nodes[0], "files": []string{path}}, nil)
}

func (d *firefoxTab) keys(ctx context.Context, text string) error {
	return d.f.bidi.call(ctx, "input.performActions", map[string]any{"context": d.context, "actions": keyActions(text)}, nil)
}

func (d *firefoxTab) install(ctx context.Context, function string, notify func(text string)) error {
	channel := "install " + uuid.NewString()
	d.f.mu.Lock()
	d.f.channels[channel] = notify
	d.f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err := d.run(ctx, "script.callFunction", map[string]any{
		"functionDeclaration": fmt.Sprintf("(notify) => { (%s)(notify) }", function), "awaitPromise": false,
		"arguments": []any{map[string]any{"type": "channel", "value": map[string]any{"channel": channel}}},
	})
	return err
}

// colorScheme is a function of Firefox's own windows: WebDriver BiDi has no command for the scheme.
const colorScheme = `(id, scheme) => {
	const {NavigableManager} = ChromeUtils.importESModule("chrome://remote/content/shared/NavigableManager.sys.mjs");
	NavigableManager.getBrowsingContextById(id).top.prefersColorSchemeOverride = scheme;
	return null;
}`

func (d *firefoxTab) emulate(ctx context.Context, screen Screen) error {
	if screen.ForcedColors || screen.Paper {
		return errors.New("only Chromium emulates forced colours and paper")
	}
	viewport := map[string]any{"width": screen.Width, "height": screen.Height}
	if err := d.f.bidi.call(ctx, "browsingContext.setViewport", map[string]any{"context": d.context, "viewport": viewport}, nil); err != nil {
		return err
	}
	var windows struct{ Contexts []struct{ Context string } }
	err := d.f.bidi.call(ctx, "browsingContext.getTree", map[string]any{"moz:scope": "chrome", "maxDepth": 0}, &windows)
	if err != nil || len(windows.Contexts) == 0 {
		return fmt.Errorf("looking for Firefox's windows: %w", err)
	}
	scheme := "light"
	if screen.Dark {
		scheme = "dark"
	}
	_, err = d.runIn(ctx, windows.Contexts[0].Context, "script.callFunction", map[string]any{
		"functionDeclaration": colorScheme, "awaitPromise": false,
		"arguments": []any{map[string]any{"type": "string", "value": d.context}, map[string]any{"type": "string", "value": scheme}},
	})
	return err
}

func (d *firefoxTab) screenshot(ctx context.Context) ([]byte, error) {
	var taken struct{ Data []byte }
	err := d.f.bidi.call(ctx, "browsingContext.captureScreenshot", map[string]any{"context": d.context}, &taken)
	return taken.Data, err
}
