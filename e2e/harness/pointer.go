package harness

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Point is a place in the viewport, in CSS pixels.
type Point struct{ X, Y float64 }

// Center returns where the element with this role and name is.
func (p *Page) Center(role, name string) Point {
	p.t.Helper()
	var at Point
	Eventually(p.t, fmt.Sprintf("finding %s %q", role, name), func() error {
		return p.call(role, name, `function () {
			this.scrollIntoView({block: "center", inline: "center"});
			const r = this.getBoundingClientRect();
			return {X: r.left + r.width / 2, Y: r.top + r.height / 2};
		}`, &at)
	})
	return at
}

// Down puts the finger down: the mouse's button, or a finger on a touch screen. Up lifts
// it at the same place.
func (p *Page) Down(at Point, touch bool) {
	p.t.Helper()
	if touch {
		p.touch(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: at.X, Y: at.Y})
		return
	}
	p.mouse(input.DispatchMouseEventTypeMousePressed, at, 1)
}

// Up lifts the finger.
func (p *Page) Up(at Point, touch bool) {
	p.t.Helper()
	if touch {
		p.touch(input.DispatchTouchEventTypeTouchEnd)
		return
	}
	p.mouse(input.DispatchMouseEventTypeMouseReleased, at, 1)
}

// Hover moves the mouse over a place.
func (p *Page) Hover(at Point) {
	p.t.Helper()
	p.mouse(input.DispatchMouseEventTypeMouseMoved, at, 0)
}

// Swipe moves a finger from one place to another, in steps, and lifts it there.
func (p *Page) Swipe(from, to Point) {
	p.t.Helper()
	const steps = 8
	p.Down(from, true)
	for i := range steps {
		part := float64(i+1) / steps
		p.touch(input.DispatchTouchEventTypeTouchMove, &input.TouchPoint{X: from.X + (to.X-from.X)*part, Y: from.Y + (to.Y-from.Y)*part})
	}
	p.Up(to, true)
}

// ClickWith clicks a place while modifiers are held down.
func (p *Page) ClickWith(at Point, modifiers int64) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		params := input.DispatchMouseEventParams{Type: kind, X: at.X, Y: at.Y, Button: input.MouseButtonLeft, ClickCount: 1, Modifiers: modifiers}
		if _, err := chromedp.Call(ctx, input.DispatchMouseEvent, params); err != nil {
			p.t.Fatalf("the mouse: %v", err)
		}
	}
}

// Modifiers of a click or a key, as the protocol has them.
const (
	Ctrl  = 2
	Shift = 8
)

// Key presses a key that types a character, while modifiers are held down. A page that takes it for
// something else keeps it from being typed.
func (p *Page) Key(key string, modifiers int64) {
	p.t.Helper()
	p.settleHistory() // else the step back of a dialog that has closed takes along what the key opens
	p.must("pressing a key", func(ctx context.Context) error { return p.driver.chord(ctx, key, modifiers) })
}

// DoubleClick clicks twice at the same place. Between runs between the two, which are one
// double click to the page however long it takes.
func (p *Page) DoubleClick(at Point, between func()) {
	p.t.Helper()
	for count := range int64(2) {
		if count == 1 {
			between()
		}
		p.mouse(input.DispatchMouseEventTypeMousePressed, at, count+1)
		p.mouse(input.DispatchMouseEventTypeMouseReleased, at, count+1)
	}
}

func (p *Page) mouse(kind input.DispatchMouseEventType, at Point, clicks int64) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	params := input.DispatchMouseEventParams{Type: kind, X: at.X, Y: at.Y, Button: input.MouseButtonLeft, ClickCount: clicks}
	if _, err := chromedp.Call(ctx, input.DispatchMouseEvent, params); err != nil {
		p.t.Fatalf("the mouse: %v", err)
	}
}

func (p *Page) touch(kind input.DispatchTouchEventType, points ...*input.TouchPoint) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	if points == nil {
		points = []*input.TouchPoint{}
	}
	if _, err := chromedp.Call(ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points}); err != nil {
		p.t.Fatalf("the touch screen: %v", err)
	}
}

// HoldEnter holds the Enter key down for three repeats, after it has pressed what has the
// focus and meanwhile has run.
func (p *Page) HoldEnter(meanwhile func()) {
	p.t.Helper()
	key := func(kind input.DispatchKeyEventType, repeat bool) {
		p.t.Helper()
		ctx, cancel := context.WithTimeout(p.ctx, Timeout)
		defer cancel()
		params := input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, AutoRepeat: &repeat}
		if kind == input.DispatchKeyEventTypeKeyDown {
			params.Text = "\r"
		}
		if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, params); err != nil {
			p.t.Fatalf("the keyboard: %v", err)
		}
	}
	key(input.DispatchKeyEventTypeKeyDown, false)
	meanwhile()
	for range 3 {
		key(input.DispatchKeyEventTypeKeyDown, true)
	}
	key(input.DispatchKeyEventTypeKeyUp, false)
}
