package harness

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// emulateNetworkConditions is deprecated and gone from cdproto, but no other command makes
// requests fail, navigator.onLine false, and Background Sync wait, all at once.
var emulateNetworkConditions = cdp.Command[networkConditions, cdp.Empty]{Method: "Network.emulateNetworkConditions"}

type networkConditions struct {
	Offline            bool    `json:"offline"`
	Latency            float64 `json:"latency"`
	DownloadThroughput float64 `json:"downloadThroughput"`
	UploadThroughput   float64 `json:"uploadThroughput"`
}

// workers attaches to every service worker and dedicated worker of a browser, so that they
// go offline with the pages and their errors are reported.
type workers struct {
	b       *Browser
	console *console

	events chan targetEvent // in the browser's order

	mu       sync.Mutex
	targets  map[target.ID]*worker
	sessions map[target.SessionID]target.ID // the pages' own sessions of their workers
	offline  map[string]bool                // by origin
}

// targetEvent says that a target exists, or was destroyed.
type targetEvent struct {
	info      *target.Info
	destroyed target.ID
}

// worker is one worker's session. Its state is set by one goroutine at a time.
type worker struct {
	ctx    context.Context
	cancel context.CancelFunc
	url    string
	kind   string
	ready  chan struct{} // closed when it is attached, or err says why not
	err    error
	mu     sync.Mutex // of its network state
}

func watchWorkers(b *Browser) *workers {
	// A sync event that leaves work rejects its promise, so that the browser fires another;
	// Chromium reports that as an uncaught rejection. A worker that ends with its page while
	// it opens the database gets null for the request.
	expected := &console{during: b.t.Context(), allowed: []string{
		"operations still wait", "no storage space left", "The server can't be reached", "Sign in to sync", "between this device and the server", "another holder took the lock over", "another round has taken over",
		"Cannot read properties of null (reading 'addEventListener')",
	}}
	w := &workers{
		b: b, console: expected, events: make(chan targetEvent, 256), targets: map[target.ID]*worker{},
		sessions: map[target.SessionID]target.ID{}, offline: map[string]bool{},
	}
	err := chromedp.ListenBrowser(b.ctx, func(ev any) {
		switch ev := ev.(type) {
		case *target.EventTargetCreated:
			w.events <- targetEvent{info: ev.TargetInfo}
		case *target.EventTargetInfoChanged:
			w.events <- targetEvent{info: ev.TargetInfo}
		case *target.EventTargetDestroyed:
			w.events <- targetEvent{destroyed: ev.TargetID}
		}
	})
	if err == nil {
		_, err = chromedp.CallBrowser(b.ctx, target.SetDiscoverTargets, target.SetDiscoverTargetsParams{Discover: true})
	}
	if err != nil {
		b.t.Fatalf("watching the browser's workers: %v", err)
	}
	go func() {
		for {
			select {
			case <-b.ctx.Done():
				return
			case n := <-w.events:
				if n.info != nil {
					w.attach(n.info)
				} else {
					w.forget(n.destroyed)
				}
			}
		}
	}()
	return w
}

// onEvent handles an event of a page: only the page learns of its dedicated workers.
func (w *workers) onEvent(ev any) {
	switch ev := ev.(type) {
	case *target.EventAttachedToTarget:
		w.mu.Lock()
		w.sessions[ev.SessionID] = ev.TargetInfo.TargetID
		w.mu.Unlock()
		w.events <- targetEvent{info: ev.TargetInfo}
	case *target.EventDetachedFromTarget:
		w.mu.Lock()
		id := w.sessions[ev.SessionID]
		w.mu.Unlock()
		w.events <- targetEvent{destroyed: id}
	}
}

// attach opens a session with a new worker.
func (w *workers) attach(info *target.Info) {
	if info.Type != "service_worker" && info.Type != "worker" {
		return
	}
	w.mu.Lock()
	known := w.targets[info.TargetID]
	if known != nil {
		known.url = info.URL // it is empty while a service worker starts
		w.mu.Unlock()
		return
	}
	ctx, cancel := chromedp.NewContext(w.b.ctx, chromedp.WithTargetID(info.TargetID), chromedp.WithDetachOnCancel(),
		chromedp.WithListener(w.console.onEvent))
	k := &worker{ctx: ctx, cancel: cancel, url: info.URL, kind: info.Type, ready: make(chan struct{})}
	w.targets[info.TargetID] = k
	w.mu.Unlock()
	go func() {
		k.err = chromedp.Do(ctx) // of one that ends meanwhile it may never return
		close(k.ready)
		if k.err != nil {
			// It has ended. Browser and page report it independently, so a creation can
			// arrive after the destruction.
			w.mu.Lock()
			if w.targets[info.TargetID] == k {
				delete(w.targets, info.TargetID)
			}
			w.mu.Unlock()
			return
		}
		w.applyNetwork(k)
	}()
}

func (w *workers) forget(id target.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := w.targets[id]; k != nil {
		delete(w.targets, id)
		go k.cancel() // it waits for the browser, which may be slow to answer for a dead target
	}
}

// applyNetwork applies the network state of a worker's origin. One that is being attached applies it afterwards.
func (w *workers) applyNetwork(k *worker) {
	select {
	case <-k.ready:
	default:
		return
	}
	if k.err != nil {
		return // it ended while being attached
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	w.mu.Lock()
	offline := false
	for origin, off := range w.offline {
		offline = offline || off && isOf(origin, k.url)
	}
	w.mu.Unlock()
	// An error means that the worker has ended or is stopped.
	_ = setOffline(k.ctx, offline)
}

// setOffline puts all workers of an origin, including later ones, offline or online again.
func (w *workers) setOffline(origin string, offline bool) {
	w.mu.Lock()
	w.offline[origin] = offline
	var known []*worker
	for _, k := range w.targets {
		known = append(known, k)
	}
	w.mu.Unlock()
	for _, k := range known {
		w.applyNetwork(k)
	}
}

// answerTimeout bounds the wait for a target, which does not answer while stopped.
const answerTimeout = 2 * time.Second

func setOffline(ctx context.Context, offline bool) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conditions := networkConditions{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}
	if _, err := chromedp.Call(ctx, emulateNetworkConditions, conditions); err != nil {
		return fmt.Errorf("emulating the network: %w", err)
	}
	return nil
}

// Offline disconnects this browser from a site, or reconnects it: pages and workers see
// that they are offline, and the proxy, which serves this browser only, refuses connections.
func (b *Browser) Offline(p *Proxy, offline bool) {
	b.t.Helper()
	if offline {
		p.Refuse()
	} else {
		p.Accept()
	}
	b.workers.setOffline(p.URL(), offline)
	for _, page := range b.pages {
		if page.closed || page.origin != p.URL() {
			continue
		}
		if err := setOffline(page.ctx, offline); err != nil {
			b.t.Fatal(err)
		}
	}
}

// WaitWorkers waits until n dedicated workers of a site are running.
func (b *Browser) WaitWorkers(origin string, n int) {
	b.t.Helper()
	Eventually(b.t, "the dedicated workers", func() error { return Equal("their number", b.Workers(origin), n) })
}

// Workers counts a site's running dedicated workers.
func (b *Browser) Workers(origin string) int {
	w := b.workers
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, k := range w.targets {
		if k.kind == "worker" && isOf(origin, k.url) {
			n++
		}
	}
	return n
}
