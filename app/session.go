package app

import (
	"context"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// session is what the components of one tab share. Only the UI goroutine reads
// and writes it.
type session struct {
	Dependencies
	ctx ui.Context // of the root component, from its mount on

	reach   reach
	status  sync.Status
	counts  queue.Counts
	syncing bool // a manual sync is under way
	update  bool // a new version waits

	toasts    []toast
	lastToast int
	said      string // what the status region announces besides the status

	form    *formRequest
	confirm *confirmRequest
	asked   int // counts requests, so that each opens its dialog once

	list listMemory

	storageState StorageState
	dismissed    map[noticeKind]bool
	persistTried bool         // whether this tab has thought of asking the browser to keep the data
	draft        func() draft // what the open form holds
	unsaved      bool         // the open form could not be saved
}

func newSession(d Dependencies) *session {
	if d.Clock == nil {
		d.Clock = systemClock{}
	}
	return &session{Dependencies: d, dismissed: map[noticeKind]bool{}}
}

// changed renders the root again: header, status, toasts and dialogs.
func (s *session) changed() {
	if s.ctx != nil {
		s.ctx.Dispatch(func(ui.Context) {})
	}
}

// follow runs f on the UI goroutine for each tell, until ctx ends. A burst of
// tells while f waits for its turn is one.
func follow(ctx ui.Context, tells <-chan struct{}, f func(ui.Context)) {
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case _, ok := <-tells:
				if !ok {
					return
				}
				done := make(chan struct{})
				ctx.Dispatch(func(ctx ui.Context) {
					defer close(done)
					f(ctx)
				})
				select {
				case <-done:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
}

// after runs f on the UI goroutine d from now, unless the component is gone.
func (s *session) after(ctx ui.Context, d time.Duration, f func(ui.Context)) {
	elapsed := s.Clock.After(d)
	go func() {
		select {
		case <-ctx.Done():
		case <-elapsed:
			ctx.Dispatch(f)
		}
	}()
}

// write does a person's write away from the UI goroutine and tells it the end.
// It belongs to the tab, not to the page: leaving the page does not stop it.
func (s *session) write(work func(context.Context) error, done func(error)) {
	ctx := s.ctx
	ctx.Async(func() {
		err := work(ctx)
		ctx.Dispatch(func(ui.Context) { done(err) })
	})
}

// refresher keeps one read under way at a time, and does one more when something
// changed meanwhile: a burst of news costs two reads.
type refresher struct{ busy, again bool }

// run calls prepare on the UI goroutine, what that returns on another one, and
// what that returns on the UI goroutine again.
func (r *refresher) run(ctx ui.Context, prepare func() func(context.Context) func(ui.Context)) {
	if r.busy {
		r.again = true
		return
	}
	r.busy = true
	read := prepare()
	ctx.Async(func() {
		apply := read(ctx)
		ctx.Dispatch(func(ctx ui.Context) {
			r.busy = false
			apply(ctx)
			if r.again {
				r.again = false
				r.run(ctx, prepare)
			}
		})
	})
}
