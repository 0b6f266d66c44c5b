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

// emulateNetworkConditions is gone from cdproto because it is deprecated, but it
// is the one command that makes requests fail, navigator.onLine say so, and
// Background Sync wait, all at once.
var emulateNetworkConditions = cdp.Command[networkConditions, cdp.Empty]{Method: "Network.emulateNetworkConditions"}

type networkConditions struct {
	Offline            bool    `json:"offline"`
	Latency            float64 `json:"latency"`
	DownloadThroughput float64 `json:"downloadThroughput"`
	UploadThroughput   float64 `json:"uploadThroughput"`
}

// workers attaches to every service worker and dedicated worker of a browser as
// it appears, so that they go offline with the pages and their complaints are heard.
type workers struct {
	b       *Browser
	console *console

	news chan targetNews // in the order in which the browser tells it

	mu       sync.Mutex
	targets  map[target.ID]*worker
	sessions map[target.SessionID]target.ID // the pages' own sessions of their workers
	offline  map[string]bool                // by origin
}

// targetNews is that a target is there, or gone.
type targetNews struct {
	there *target.Info
	gone  target.ID
}

// worker is one worker's session. Its state is set by one goroutine at a time.
type worker struct {
	ctx    context.Context
	cancel context.CancelFunc
	url    string
	kind   string
	mu     sync.Mutex
	failed error
}

func watchWorkers(b *Browser) *workers {
	// A sync event that leaves work rejects its promise, so that the browser fires
	// another; Chromium reports that as it does an uncaught rejection.
	// A worker that ends with its page while it opens the database is given null
	// for the request, and has nobody left to tell.
	expected := &console{allowed: []string{
		"operations still wait", "The server can't be reached", "another holder took the lock over", "another round has taken over",
		"Cannot read properties of null (reading 'addEventListener')",
	}}
	w := &workers{
		b: b, console: expected, news: make(chan targetNews, 256), targets: map[target.ID]*worker{},
		sessions: map[target.SessionID]target.ID{}, offline: map[string]bool{},
	}
	err := chromedp.ListenBrowser(b.ctx, func(ev any) {
		switch ev := ev.(type) {
		case *target.EventTargetCreated:
			w.news <- targetNews{there: ev.TargetInfo}
		case *target.EventTargetInfoChanged:
			w.news <- targetNews{there: ev.TargetInfo}
		case *target.EventTargetDestroyed:
			w.news <- targetNews{gone: ev.TargetID}
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
			case n := <-w.news:
				if n.there != nil {
					w.attach(n.there)
				} else {
					w.forget(n.gone)
				}
			}
		}
	}()
	return w
}

// hear takes an event of a page: dedicated workers are known to their page alone.
func (w *workers) hear(ev any) {
	switch ev := ev.(type) {
	case *target.EventAttachedToTarget:
		w.mu.Lock()
		w.sessions[ev.SessionID] = ev.TargetInfo.TargetID
		w.mu.Unlock()
		w.news <- targetNews{there: ev.TargetInfo}
	case *target.EventDetachedFromTarget:
		w.mu.Lock()
		id := w.sessions[ev.SessionID]
		w.mu.Unlock()
		w.news <- targetNews{gone: id}
	}
}

// attach opens a session to a worker that is not known yet.
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
		chromedp.WithListener(w.console.hear))
	k := &worker{ctx: ctx, cancel: cancel, url: info.URL, kind: info.Type}
	w.targets[info.TargetID] = k
	w.mu.Unlock()
	go func() {
		k.mu.Lock()
		k.failed = chromedp.Do(ctx)
		failed := k.failed
		k.mu.Unlock()
		if failed != nil {
			// It has ended: browser and page tell of it independently, so the news that
			// it is there can come after the news that it is gone.
			w.mu.Lock()
			if w.targets[info.TargetID] == k {
				delete(w.targets, info.TargetID)
			}
			w.mu.Unlock()
			return
		}
		w.settle(k)
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

// settle gives a worker the network state of its origin.
func (w *workers) settle(k *worker) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed != nil {
		return // it ended while it was attached to
	}
	w.mu.Lock()
	offline := false
	for origin, off := range w.offline {
		offline = offline || off && isOf(origin, k.url)
	}
	w.mu.Unlock()
	// An error means that the worker has ended or is stopped.
	_ = setOffline(k.ctx, offline)
}

// setOffline puts all workers of an origin offline, or online again, and those
// that start later.
func (w *workers) setOffline(origin string, offline bool) {
	w.mu.Lock()
	w.offline[origin] = offline
	var known []*worker
	for _, k := range w.targets {
		known = append(known, k)
	}
	w.mu.Unlock()
	for _, k := range known {
		w.settle(k)
	}
}

// running counts the workers of an origin: "worker" for dedicated ones,
// "service_worker" for the other kind.
func (w *workers) running(origin, kind string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, k := range w.targets {
		if k.kind == kind && isOf(origin, k.url) {
			n++
		}
	}
	return n
}

// answerTime is how long a target may take to answer. One that the browser has
// stopped does not answer at all.
const answerTime = 2 * time.Second

func setOffline(ctx context.Context, offline bool) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conditions := networkConditions{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}
	if _, err := chromedp.Call(ctx, emulateNetworkConditions, conditions); err != nil {
		return fmt.Errorf("emulating the network: %w", err)
	}
	return nil
}

// Offline takes this browser's network to a site away, or gives it back: pages
// and workers are told that there is none, and the proxy, which belongs to this
// browser alone, lets nothing through that a worker sends before it is told.
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

// Workers counts a site's running dedicated workers.
func (b *Browser) Workers(origin string) int { return b.workers.running(origin, "worker") }

// ServiceWorkers counts a site's running service workers.
func (b *Browser) ServiceWorkers(origin string) int {
	return b.workers.running(origin, "service_worker")
}
