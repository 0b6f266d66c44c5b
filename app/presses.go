package app

import (
	"context"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// Presses is the person's finger, on the screen or on a mouse.
type Presses interface {
	// Pressed reports whether it is down. It is false after a few seconds in any case:
	// nothing may be held up for ever.
	Pressed() bool
}

// pressPoll is how often a press is looked at until it ends.
const pressPoll = 20 * time.Millisecond

// dispatch runs f on the UI goroutine, once nothing is pressed: nothing that moves the
// page comes between the finger's going down and its press. It does not block.
func (s *session) dispatch(ctx ui.Context, f func(ui.Context)) {
	if !s.Presses.Pressed() {
		ctx.Dispatch(f)
		return
	}
	go func() {
		s.awaitRelease(ctx)
		ctx.Dispatch(f)
	}()
}

func (s *session) awaitRelease(ctx context.Context) {
	for s.Presses.Pressed() && ctx.Err() == nil {
		time.Sleep(pressPoll)
	}
}
