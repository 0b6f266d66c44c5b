package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// FirefoxTab is a tab of Firefox. Elements are found by role and accessible name.
type FirefoxTab struct {
	f       *Firefox
	context string
	origin  string
}

// Open opens a tab at a URL.
func (f *Firefox) Open(address string) *FirefoxTab {
	f.t.Helper()
	var made struct{ Context string }
	f.must("opening a tab", "browsingContext.create", map[string]any{"type": "tab"}, &made)
	scheme, rest, _ := strings.Cut(address, "://")
	host, path, _ := strings.Cut(rest, "/")
	p := &FirefoxTab{f, made.Context, scheme + "://" + host}
	p.Go("/" + path)
	return p
}

// Go loads an address of the site, such as "/sync".
func (p *FirefoxTab) Go(path string) {
	p.f.t.Helper()
	p.f.must("loading "+path, "browsingContext.navigate",
		map[string]any{"context": p.context, "url": p.origin + path, "wait": "complete"}, nil)
}

// Reload loads the page again.
func (p *FirefoxTab) Reload() {
	p.f.t.Helper()
	p.f.must("reloading", "browsingContext.reload", map[string]any{"context": p.context, "wait": "complete"}, nil)
}

// Close closes the tab.
func (p *FirefoxTab) Close() {
	p.f.t.Helper()
	p.f.must("closing a tab", "browsingContext.close", map[string]any{"context": p.context}, nil)
}

// Front makes the tab the active one.
func (p *FirefoxTab) Front() {
	p.f.t.Helper()
	p.f.must("activating the tab", "browsingContext.activate", map[string]any{"context": p.context}, nil)
}

// evaluated is the result of a script.
type evaluated struct {
	Type             string
	Result           struct{ Value json.RawMessage }
	ExceptionDetails struct{ Text string }
}

// json decodes a result that is a text of JSON.
func (e evaluated) json(out any) error {
	if e.Type == "exception" {
		return errors.New(e.ExceptionDetails.Text)
	}
	if out == nil {
		return nil
	}
	var text string
	if err := json.Unmarshal(e.Result.Value, &text); err != nil {
		return fmt.Errorf("the result %.200s: %w", e.Result.Value, err)
	}
	return json.Unmarshal([]byte(text), out)
}

// Try evaluates an expression in the page, awaiting a promise. A nil out drops the
// value.
func (p *FirefoxTab) Try(expression string, out any) error { return p.try(Timeout, expression, out) }

func (p *FirefoxTab) try(timeout time.Duration, expression string, out any) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var result evaluated
	err := p.f.bidi.call(ctx, "script.evaluate", map[string]any{
		"expression": fmt.Sprintf("(async () => JSON.stringify(await (%s)) ?? 'null')()", expression),
		"target":     map[string]any{"context": p.context}, "awaitPromise": true, "userActivation": true,
	}, &result)
	if err != nil {
		return err
	}
	return result.json(out)
}

// InstallDriver installs the driver, as Page.InstallDriver does.
func (p *FirefoxTab) InstallDriver(notify func(WriteEvent)) error {
	channel := "driver " + uuid.NewString()
	p.f.mu.Lock()
	p.f.drivers[channel] = notify
	p.f.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	var result evaluated
	err := p.f.bidi.call(ctx, "script.callFunction", map[string]any{
		"functionDeclaration": fmt.Sprintf("(notify) => { globalThis.rollcallDriver = (%s)(notify) }", driverScript),
		"arguments":           []any{map[string]any{"type": "channel", "value": map[string]any{"channel": channel}}},
		"target":              map[string]any{"context": p.context}, "awaitPromise": false,
	}, &result)
	if err != nil {
		return err
	}
	return result.json(nil)
}

// Do does a write, as Page.Do does.
func (p *FirefoxTab) Do(w Write) error { return p.try(driverTimeout, driverCall(w), nil) }

// node refers to an element.
type node struct {
	SharedID string `json:"sharedId"`
}

// call runs a function with the only element of a role and name as this, and decodes its
// result.
func (p *FirefoxTab) call(role, name, function string, out any) error {
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	var found struct{ Nodes []node }
	err := p.f.bidi.call(ctx, "browsingContext.locateNodes", map[string]any{
		"context": p.context,
		"locator": map[string]any{"type": "accessibility", "value": map[string]any{"role": role, "name": name}},
	}, &found)
	switch {
	case err != nil:
		return err
	case len(found.Nodes) == 0:
		return errNone{role, name}
	case len(found.Nodes) > 1:
		return fmt.Errorf("there are %d of %s %q", len(found.Nodes), role, name)
	}
	var result evaluated
	err = p.f.bidi.call(ctx, "script.callFunction", map[string]any{
		"functionDeclaration": fmt.Sprintf("function () { return JSON.stringify((%s).call(this)) ?? 'null' }", function),
		"this":                found.Nodes[0], "target": map[string]any{"context": p.context},
		"awaitPromise": false, "userActivation": true,
	}, &result)
	if err != nil {
		return err
	}
	return result.json(out)
}

// See waits until an element with this role and name is there.
func (p *FirefoxTab) See(role, name string) {
	p.f.t.Helper()
	Eventually(p.f.t, fmt.Sprintf("seeing %s %q", role, name), func() error {
		var visible bool
		if err := p.call(role, name, `function () { return this.checkVisibility() }`, &visible); err != nil {
			return err
		}
		return Equal("visible", visible, true)
	})
}

// Click presses the element with this role and name once it can be pressed.
func (p *FirefoxTab) Click(role, name string) {
	p.f.t.Helper()
	click(p.f.t, p.call, role, name)
}

// Fill replaces the text of the field with this role and name by typing.
func (p *FirefoxTab) Fill(role, name, text string) {
	p.f.t.Helper()
	Eventually(p.f.t, fmt.Sprintf("filling %s %q", role, name), func() error {
		if err := p.call(role, name, `function () { this.focus(); this.select() }`, nil); err != nil {
			return err
		}
		var keys []any
		for _, r := range text {
			keys = append(keys, map[string]any{"type": "keyDown", "value": string(r)}, map[string]any{"type": "keyUp", "value": string(r)})
		}
		ctx, cancel := context.WithTimeout(context.Background(), Timeout)
		defer cancel()
		err := p.f.bidi.call(ctx, "input.performActions", map[string]any{
			"context": p.context, "actions": []any{map[string]any{"type": "key", "id": "keyboard", "actions": keys}},
		}, nil)
		if err != nil {
			return err
		}
		var value string
		if err := p.call(role, name, `function () { return this.value }`, &value); err != nil {
			return err
		}
		return Equal("the field's text", value, text)
	})
}
