package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromiumTab is a driver over the Chrome DevTools Protocol. Contexts are chromedp's, of the tab.
type chromiumTab struct {
	notify func(text string) // of install; nil before
}

func (*chromiumTab) load(ctx context.Context, url string) error {
	if url == "" {
		return chromedp.Do(ctx, chromedp.Reload())
	}
	return chromedp.Do(ctx, chromedp.Navigate(url))
}

func (*chromiumTab) evaluate(ctx context.Context, expression string, gesture bool) (json.RawMessage, error) {
	yes := true
	res, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, AwaitPromise: &yes, ReturnByValue: &yes, UserGesture: &gesture,
	})
	if err != nil {
		return nil, err
	}
	return valueOf(res.Result, res.ExceptionDetails)
}

func valueOf(result *runtime.RemoteObject, exception *runtime.ExceptionDetails) (json.RawMessage, error) {
	if exception == nil {
		return json.RawMessage(result.Value), nil
	}
	text := exception.Text
	if e := exception.Exception; e != nil {
		text += " " + e.Description
	}
	return nil, errors.New(text)
}

// find returns the perceivable elements with a role and an accessible name.
func (*chromiumTab) find(ctx context.Context, role, name string) ([]cdp.BackendNodeID, error) {
	document, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "document", ObjectGroup: "e2e"})
	var found accessibility.QueryAXTreeResult
	if err == nil {
		found, err = chromedp.Call(ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
			ObjectID: document.Result.ObjectID, Role: role, AccessibleName: name,
		})
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
	return nodes, nil
}

func (c *chromiumTab) count(ctx context.Context, role, name string) (int, error) {
	nodes, err := c.find(ctx, role, name)
	return len(nodes), err
}

func (c *chromiumTab) call(ctx context.Context, role, name, function string) (json.RawMessage, error) {
	defer func() {
		// Else it is released with the page.
		_, _ = chromedp.Call(ctx, runtime.ReleaseObjectGroup, runtime.ReleaseObjectGroupParams{ObjectGroup: "e2e"})
	}()
	nodes, err := c.find(ctx, role, name)
	if err != nil {
		return nil, err
	}
	if err := onlyOne(len(nodes), role, name); err != nil {
		return nil, err
	}
	node, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: nodes[0], ObjectGroup: "e2e"})
	if err != nil {
		return nil, err
	}
	yes := true
	res, err := chromedp.Call(ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: function, ObjectID: node.Object.ObjectID,
		ReturnByValue: &yes, UserGesture: &yes, AwaitPromise: &yes,
	})
	if err != nil {
		return nil, err
	}
	value, err := valueOf(res.Result, res.ExceptionDetails)
	if err != nil {
		err = fmt.Errorf("%s %q: %w", role, name, err)
	}
	return value, err
}

// onlyOne returns an error unless there is one element of a role and a name.
func onlyOne(n int, role, name string) error {
	switch n {
	case 0:
		return errNone{role, name}
	case 1:
		return nil
	}
	return fmt.Errorf("there are %d of %s %q", n, role, name)
}

func (*chromiumTab) insert(ctx context.Context, text string) error {
	_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
	return err
}

func (*chromiumTab) press(ctx context.Context, key string) error {
	return chromedp.Do(ctx, chromedp.KeyEvent(key))
}

func (*chromiumTab) chord(ctx context.Context, key string, modifiers int64) error {
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		params := input.DispatchKeyEventParams{Type: kind, Key: key, Modifiers: modifiers}
		if kind == input.DispatchKeyEventTypeKeyDown && modifiers == 0 {
			params.Text = strings.ReplaceAll(key, "Enter", "\r")
		}
		if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, params); err != nil {
			return err
		}
	}
	return nil
}

// binding is the name of the function that install makes.
const binding = "rollcallNotify"

func (c *chromiumTab) install(ctx context.Context, function string, notify func(text string)) error {
	if c.notify == nil {
		c.notify = notify
		err := chromedp.Listen(ctx, func(ev any) {
			if ev, ok := ev.(*runtime.EventBindingCalled); ok && ev.Name == binding {
				c.notify(ev.Payload)
			}
		})
		if err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if _, err := chromedp.Call(ctx, runtime.AddBinding, runtime.AddBindingParams{Name: binding}); err != nil {
		return err
	}
	_, err := c.evaluate(ctx, fmt.Sprintf("void (%s)(%s)", function, binding), false)
	return err
}

func (*chromiumTab) front(ctx context.Context) error {
	return chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, "Page.bringToFront", cdp.Empty{}, nil)
	}))
}

func (*chromiumTab) close(ctx context.Context) error { return chromedp.Cancel(ctx) }

// emulate shows the tab on another screen.
func (*chromiumTab) emulate(ctx context.Context, screen Screen) error {
	scheme, colors, medium := "light", "none", ""
	if screen.Dark {
		scheme = "dark"
	}
	if screen.ForcedColors {
		colors = "active"
	}
	if screen.Paper {
		medium = "print"
	}
	return chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, emulation.CommandSetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: screen.Width, Height: screen.Height, DeviceScaleFactor: 1, Mobile: screen.Phone,
		}, nil)
	}), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, emulation.CommandSetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media: medium,
			// Animations would make screenshots depend on time.
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"},
				{Name: "forced-colors", Value: colors},
			},
		}, nil)
	}))
}

func (*chromiumTab) chooseFile(ctx context.Context, id, path string) error {
	found, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: fmt.Sprintf("document.getElementById(%q)", id)})
	if err != nil {
		return err
	}
	if found.Result.ObjectID == "" {
		return fmt.Errorf("there is no input %q", id)
	}
	_, err = chromedp.Call(ctx, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{path}, ObjectID: found.Result.ObjectID})
	return err
}

func (*chromiumTab) screenshot(ctx context.Context) ([]byte, error) {
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}
