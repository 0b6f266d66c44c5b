package chromium

import (
	"context"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// WasmMemory returns what the memories of WebAssembly come to, in bytes, in all targets of a
// type: "page", "worker" or "service_worker". They never shrink, so it is the most that they were.
func (b *Browser) WasmMemory(of string) (sum int64, err error) {
	all, err := chromedp.Targets(b.ctx)
	if err != nil {
		return 0, fmt.Errorf("list the targets: %w", err)
	}
	for _, t := range all {
		if t.Type != of {
			continue
		}
		n, err := b.wasmMemoryOf(t.TargetID)
		if err != nil {
			return 0, fmt.Errorf("%s %s: %w", t.Type, t.URL, err)
		}
		sum += n
	}
	return sum, nil
}

var errNoMemories = errors.New("it tells of no memories")

func (b *Browser) wasmMemoryOf(id target.ID) (int64, error) {
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id), chromedp.WithDetachOnCancel())
	defer cancel()
	type object struct {
		ObjectID string `json:"objectId"`
	}
	var prototype struct {
		Result object `json:"result"`
	}
	var memories struct {
		Objects object `json:"objects"`
	}
	var size struct {
		Result struct {
			Value *int64 `json:"value"`
		} `json:"result"`
	}
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if err := t.Call(ctx, "Runtime.evaluate", map[string]any{"expression": "WebAssembly.Memory.prototype"}, &prototype); err != nil {
			return err
		}
		if err := t.Call(ctx, "Runtime.queryObjects", map[string]any{"prototypeObjectId": prototype.Result.ObjectID}, &memories); err != nil {
			return err
		}
		return t.Call(ctx, "Runtime.callFunctionOn", map[string]any{
			"objectId": memories.Objects.ObjectID, "returnByValue": true,
			"functionDeclaration": "function () { return this.reduce((n, { buffer }) => n + buffer.byteLength, 0); }",
		}, &size)
	}))
	switch {
	case err != nil:
		return 0, err
	case size.Result.Value == nil:
		return 0, errNoMemories
	}
	return *size.Result.Value, nil
}
