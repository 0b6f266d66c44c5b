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
	p.mouse(input.DispatchMouseEventTypeMousePressed, at, input.MouseButtonLeft)
}

// Up lifts the finger.
func (p *Page) Up(at Point, touch bool) {
	p.t.Helper()
	if touch {
		p.touch(input.DispatchTouchEventTypeTouchEnd)
		return
	}
	p.mouse(input.DispatchMouseEventTypeMouseReleased, at, input.MouseButtonLeft)
}

func (p *Page) mouse(kind input.DispatchMouseEventType, at Point, button input.MouseButton) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	params := input.DispatchMouseEventParams{Type: kind, X: at.X, Y: at.Y, Button: button, ClickCount: 1}
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
