package harness

import (
	"context"
	"fmt"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"
)

// Registrations tracks the service worker registrations of a browser, including those of
// sites without an open page.
type Registrations struct {
	b  *Browser
	mu sync.Mutex
	id map[string]serviceworker.RegistrationID // by origin
}

// Registrations starts to track the registrations.
func (b *Browser) Registrations() *Registrations {
	b.t.Helper()
	r := &Registrations{b: b, id: map[string]serviceworker.RegistrationID{}}
	err := chromedp.Listen(b.ctx, func(ev any) {
		if ev, ok := ev.(*serviceworker.EventWorkerRegistrationUpdated); ok {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, reg := range ev.Registrations {
				r.id[reg.ScopeURL] = reg.RegistrationID
			}
		}
	})
	if err == nil {
		_, err = chromedp.Call(b.ctx, serviceworker.Enable, cdp.Empty{})
	}
	if err != nil {
		b.t.Fatalf("watching the service workers: %v", err)
	}
	return r
}

func (r *Registrations) of(origin string) serviceworker.RegistrationID {
	r.b.t.Helper()
	var id serviceworker.RegistrationID
	Eventually(r.b.t, "the service worker is registered", func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		id = r.id[origin+"/"]
		if id == "" {
			return fmt.Errorf("the registrations are %v", r.id)
		}
		return nil
	})
	return id
}

// PeriodicSync fires the event that the browser fires periodically.
func (r *Registrations) PeriodicSync(origin, tag string) {
	r.b.t.Helper()
	r.fire(serviceworker.CommandDispatchPeriodicSyncEvent, serviceworker.DispatchPeriodicSyncEventParams{
		Origin: origin, RegistrationID: r.of(origin), Tag: tag,
	})
}

// Sync fires the event that the browser fires when the network is back.
func (r *Registrations) Sync(origin, tag string) {
	r.b.t.Helper()
	r.fire(serviceworker.CommandDispatchSyncEvent, serviceworker.DispatchSyncEventParams{
		Origin: origin, RegistrationID: r.of(origin), Tag: tag, LastChance: false,
	})
}

// StopAll stops every running service worker, as the browser does when they are idle.
func (r *Registrations) StopAll() {
	r.b.t.Helper()
	r.fire(serviceworker.CommandStopAllWorkers, cdp.Empty{})
}

func (r *Registrations) fire(command string, params any) {
	r.b.t.Helper()
	err := chromedp.Do(r.b.ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, command, params, nil)
	}))
	if err != nil {
		r.b.t.Fatalf("%s: %v", command, err)
	}
}
