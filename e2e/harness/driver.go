package harness

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed driver.js
var driverScript string

// Write is a write by a person to one user of the list. Empty fields are not filled.
type Write struct {
	Number int    `json:"number"`
	Kind   string `json:"kind"` // add, edit, delete, or undo of a delete
	Who    string `json:"who"`  // the user's name before; "" for add
	Name   string `json:"name,omitempty"`
	Email  string `json:"email,omitempty"`
	Bio    string `json:"bio,omitempty"`
}

// WriteEvent is a moment of a write: "typed", "pressed" or "acknowledged".
type WriteEvent struct {
	Number int    `json:"number"`
	Moment string `json:"moment"`
}

// decodeEvent notifies of an event of the driver, and ignores any other message.
func decodeEvent(text string, notify func(WriteEvent)) {
	var event WriteEvent
	if json.Unmarshal([]byte(text), &event) == nil && event.Number > 0 {
		notify(event)
	}
}

// driverBinding is the name of the function by which the driver sends its events.
const driverBinding = "rollcallDriverNotify"

// InstallDriver installs a script in the page that does the writes of Do. It is faster than
// Click and Fill, which take round trips. After a reload the page needs it again; its events
// still go to the first notify, which must not block.
func (p *Page) InstallDriver(notify func(WriteEvent)) error {
	if !p.driven {
		p.driven = true
		err := chromedp.Listen(p.ctx, func(ev any) {
			if ev, ok := ev.(*runtime.EventBindingCalled); ok && ev.Name == driverBinding {
				decodeEvent(ev.Payload, notify)
			}
		})
		if err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	if _, err := chromedp.Call(ctx, runtime.AddBinding, runtime.AddBindingParams{Name: driverBinding}); err != nil {
		return err
	}
	return p.Try(fmt.Sprintf("void (globalThis.rollcallDriver = (%s)(%s))", driverScript, driverBinding), nil)
}

// driverTimeout bounds a write. The driver itself gives up sooner.
const driverTimeout = 90 * time.Second

// Do does a write and returns once the page has acknowledged it. It fails if the page
// does not, or is gone.
func (p *Page) Do(w Write) error { return p.try(driverTimeout, driverCall(w), nil) }

func driverCall(w Write) string {
	text, err := json.Marshal(w)
	if err != nil {
		panic(err) // a struct of texts can be encoded
	}
	return fmt.Sprintf("rollcallDriver(%s)", text)
}

// Try is Eval that returns its error, for pages that may be gone. A nil out drops the
// value.
func (p *Page) Try(expression string, out any) error { return p.try(Timeout, expression, out) }

func (p *Page) try(timeout time.Duration, expression string, out any) error {
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	yes := true
	res, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, AwaitPromise: &yes, ReturnByValue: &yes, UserGesture: &yes,
	})
	switch {
	case err != nil:
		return err
	case res.ExceptionDetails != nil:
		return fmt.Errorf("%s %s", res.ExceptionDetails.Text, describe(res.ExceptionDetails.Exception))
	case out == nil || len(res.Result.Value) == 0:
		return nil
	}
	return json.Unmarshal(res.Result.Value, out)
}
