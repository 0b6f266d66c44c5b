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

//go:embed hand.js
var handScript string

// Write is what a person does to one user of the list. Fields that are empty are
// not typed into.
type Write struct {
	Number int    `json:"number"`
	Kind   string `json:"kind"` // add, edit, delete or undo, which takes a delete back
	Who    string `json:"who"`  // the user's name before; "" for add
	Name   string `json:"name,omitempty"`
	Email  string `json:"email,omitempty"`
	Bio    string `json:"bio,omitempty"`
}

// Said is what the hand tells of a write: "typed", "pressed" or "acknowledged".
type Said struct {
	Number int    `json:"number"`
	Moment string `json:"moment"`
}

// heard decodes what the hand told; anything else is not from it.
func heard(text string, hear func(Said)) {
	var said Said
	if json.Unmarshal([]byte(text), &said) == nil && said.Number > 0 {
		hear(said)
	}
}

// handBinding is the name of the function by which the page's hand tells.
const handBinding = "rollcallHandTells"

// Hand gives the page a hand that is quicker than the one of Click and Fill: it
// works the same elements by their events, without a round trip for each. Do uses
// it, until the page is loaded anew; then it needs another one, which tells the
// first hear. hear must not block.
func (p *Page) Hand(hear func(Said)) error {
	if !p.hears {
		p.hears = true
		err := chromedp.Listen(p.ctx, func(ev any) {
			if ev, ok := ev.(*runtime.EventBindingCalled); ok && ev.Name == handBinding {
				heard(ev.Payload, hear)
			}
		})
		if err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, runtime.AddBinding, runtime.AddBindingParams{Name: handBinding}); err != nil {
		return err
	}
	return p.Try(fmt.Sprintf("void (globalThis.rollcallHand = (%s)(%s))", handScript, handBinding), nil)
}

// handTime is how long a write may take; the hand itself gives up before.
const handTime = 90 * time.Second

// Do has the page's hand do a write, and returns once the page has acknowledged
// it. An error says that it has not, or that the page has gone.
func (p *Page) Do(w Write) error { return p.try(handTime, doing(w), nil) }

func doing(w Write) string {
	text, err := json.Marshal(w)
	if err != nil {
		panic(err) // a struct of texts can be encoded
	}
	return fmt.Sprintf("rollcallHand(%s)", text)
}

// Try is Eval that returns its error, for pages that may have gone. A nil out
// drops the value.
func (p *Page) Try(expression string, out any) error { return p.try(Patience, expression, out) }

func (p *Page) try(patience time.Duration, expression string, out any) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
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
