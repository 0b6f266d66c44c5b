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
	ctx  ui.Context // of the root component, from its mount on
	wait func(time.Duration) <-chan time.Time
	goTo func(path string) // a page of the app

	reach       sync.Reach
	status      sync.Status
	pace        pace
	counts      queue.Counts
	syncing     bool // the person asked for a sync, which is running
	updateReady bool

	toasts       []toast
	toastSlots   keyed
	lastToast    int
	undoToast    int    // that offers what is kept to be undone
	offered      int    // that a script has offered something with
	announcement string // what the status region announces besides the status

	form         *formRequest
	keepDraft    func() (key string) // keeps what the open form holds
	leaving      bool                // the page is about to be loaded without the account's data
	toldDisabled bool                // the person was asked what becomes of a disabled account's changes

	saveFailed bool // the open form could not be saved
	draftLost  bool // nothing would bring back what the open form holds
	confirm    *confirmRequest
	requests   int // numbers the requests, so that each opens its dialog once

	places []listPlace // where the person was in each list, by its address

	storageState     StorageState
	older            bool // this version can't read the data, and a reload brings no other
	dismissed        map[noticeKind]bool
	persistRequested bool // in this tab, or found not to be needed
	installOffered   bool // in this tab
	pageName         string
}

func newSession(d Dependencies) *session {
	s := &session{Dependencies: d, dismissed: map[noticeKind]bool{}, wait: time.After}
	s.goTo = func(path string) { s.ctx.Navigate(path) }
	return s
}

// render renders the root again: header, status, toasts and dialogs.
func (s *session) render() {
	if s.ctx != nil {
		s.ctx.Dispatch(func(ui.Context) {})
	}
}

// subscribe runs f on the UI goroutine for each notification, until ctx ends.
// Those that arrive while f waits for its turn count as one.
func (s *session) subscribe(ctx ui.Context, notifications <-chan struct{}, f func(ui.Context)) {
	receive(s, ctx, notifications, func(ctx ui.Context, _ struct{}) { f(ctx) })
}

// watch is subscribe for what seldom changes the page: f runs once the present frame was
// rendered, and has nothing rendered.
func (s *session) watch(ctx ui.Context, notifications <-chan struct{}, f func(ui.Context)) {
	deliver(s, ctx, notifications, ctx.Defer, func(ctx ui.Context, _ struct{}) { f(ctx) })
}

// receive runs f on the UI goroutine for each value, one at a time, until ctx ends.
func receive[T any](s *session, ctx ui.Context, values <-chan T, f func(ui.Context, T)) {
	deliver(s, ctx, values, ctx.Dispatch, f)
}

// deliver is receive by run, which runs a function on the UI goroutine.
func deliver[T any](s *session, ctx ui.Context, values <-chan T, run func(func(ui.Context)), f func(ui.Context, T)) {
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case v, ok := <-values:
				if !ok {
					return
				}
				s.awaitRelease(ctx)
				done := make(chan struct{})
				run(func(ctx ui.Context) {
					defer close(done)
					f(ctx, v)
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
	elapsed := s.wait(d)
	go func() {
		select {
		case <-ctx.Done():
		case <-elapsed:
			s.awaitRelease(ctx)
			ctx.Dispatch(f)
		}
	}()
}

// async runs work away from the UI goroutine, then done on it. The work belongs to
// the tab: leaving the page does not cancel it.
func (s *session) async(work func(context.Context) error, done func(error)) {
	ctx := s.ctx
	ctx.Async(func() {
		err := work(ctx)
		s.awaitRelease(ctx)
		ctx.Dispatch(func(ui.Context) { done(err) })
	})
}

// read runs away from the UI goroutine. What it returns runs on it, and shows the
// result.
type read func(context.Context) (show func(ui.Context))

// refresher runs one read at a time. Any number of requests during a read cause one
// more.
type refresher struct{ busy, again bool }

// run calls prepare on the UI goroutine, for each read anew. The context is the component's own:
// once that of a button is gone, the read never ends.
func (r *refresher) run(s *session, ctx ui.Context, prepare func() read) {
	if r.busy {
		r.again = true
		return
	}
	r.busy = true
	read := prepare()
	ctx.Async(func() {
		show := read(ctx)
		s.awaitRelease(ctx)
		ctx.Dispatch(func(ctx ui.Context) {
			r.busy = false
			show(ctx)
			if r.again {
				r.again = false
				r.run(s, ctx, prepare)
			}
		})
	})
}
