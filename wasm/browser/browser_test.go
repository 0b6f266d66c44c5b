//go:build js && wasm

package browser_test

import (
	"context"
	"errors"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/sync"
)

// run evaluates a function body of JavaScript with arguments.
func run(body string, args ...any) js.Value {
	return js.Global().Get("Function").New(body).Invoke(args...)
}

// receive waits for a value.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

func TestAwait(t *testing.T) {
	v, err := browser.Await(t.Context(), run(`return Promise.resolve(42)`))
	if err != nil || v.Int() != 42 {
		t.Fatalf("resolved: %v, %v", v, err)
	}
	for reason, want := range map[string]string{
		`new TypeError("no such host")`: "no such host", `"plain"`: "plain", `undefined`: "undefined", `null`: "null",
	} {
		_, err := browser.Await(t.Context(), run(`return Promise.reject(`+reason+`)`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("rejected with %s: %v", reason, err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	if _, err := browser.Await(ctx, run(`return new Promise(() => {})`)); !errors.Is(err, stop) {
		t.Errorf("given up: %v", err)
	}
	if _, err := browser.Await(t.Context(), browser.Promise(func() error { return stop })); err == nil || err.Error() != "stop" {
		t.Errorf("a promise that rejects: %v", err)
	}
	if _, err := browser.Await(t.Context(), browser.Promise(func() error { return nil })); err != nil {
		t.Errorf("a promise that resolves: %v", err)
	}
}

func TestFetch(t *testing.T) {
	resp, err := browser.Fetch{}.Do(t.Context(), sync.Request{Method: "GET", Path: "/wasm_exec.js"})
	if err != nil || resp.Status != 200 || resp.Header["content-type"] != "application/javascript" || !strings.Contains(string(resp.Body), "Go") {
		t.Fatalf("got %d %v, %d bytes, %v", resp.Status, resp.Header, len(resp.Body), err)
	}
	if resp.Header["date"] == "" {
		t.Error("no date: the clock can't be compared")
	}
	_, err = browser.Fetch{MaxBody: len(resp.Body) - 1}.Do(t.Context(), sync.Request{Method: "GET", Path: "/wasm_exec.js"})
	if err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("a byte over the limit: %v", err)
	}
	if _, err = (browser.Fetch{MaxBody: len(resp.Body)}).Do(t.Context(), sync.Request{Method: "GET", Path: "/wasm_exec.js"}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if _, err = (browser.Fetch{}).Do(t.Context(), sync.Request{Method: "GET", Path: "http://127.0.0.1:1/"}); err == nil {
		t.Error("nobody listens there, and it answered")
	}
}

// network replaces fetch by a function body over (path, options), until the test ends.
func network(t *testing.T, body string) {
	t.Helper()
	was := js.Global().Get("fetch")
	js.Global().Set("fetch", js.Global().Get("Function").New("path", "options", body))
	t.Cleanup(func() { js.Global().Set("fetch", was) })
}

func TestFetchSendsTheRequest(t *testing.T) {
	network(t, `globalThis.seen = JSON.stringify([path, options.method, options.headers, options.body, options.credentials, options.cache, options.redirect]);
		return Promise.resolve(new Response(null, { status: 204, headers: { ETag: '"3"', "Retry-After": "7" } }));`)
	resp, err := browser.Fetch{}.Do(t.Context(), sync.Request{
		Method: "POST", Path: "/api/v1/operations", Header: map[string]string{"content-type": "application/json"}, Body: []byte(`{"é":"😀"}`),
	})
	if err != nil || resp.Status != 204 || len(resp.Body) != 0 || resp.Header["etag"] != `"3"` || resp.Header["retry-after"] != "7" {
		t.Fatalf("got %+v, %v", resp, err)
	}
	want := `["/api/v1/operations","POST",{"content-type":"application/json"},"{\"é\":\"😀\"}","same-origin","no-store","manual"]`
	if got := js.Global().Get("seen").String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFetchDistrustsTheNetwork(t *testing.T) {
	t.Run("an answer that stops halfway", func(t *testing.T) {
		network(t, `return Promise.resolve(new Response(new ReadableStream({
			start(c) { c.enqueue(new Uint8Array([123])); c.error(new TypeError("connection reset")); },
		})));`)
		if resp, err := (browser.Fetch{}).Do(t.Context(), sync.Request{Method: "GET", Path: "/x"}); err == nil || resp.Status != 200 {
			t.Fatalf("got %+v, %v; want an error, and that an answer had begun", resp, err)
		}
	})
	t.Run("an answer that never stops", func(t *testing.T) {
		network(t, `options.signal.addEventListener("abort", () => { globalThis.aborted = true; });
			return Promise.resolve(new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1024)); } })));`)
		if _, err := (browser.Fetch{MaxBody: 10000}).Do(t.Context(), sync.Request{Method: "GET", Path: "/x"}); err == nil {
			t.Fatal("got no error")
		}
		if !js.Global().Get("aborted").Truthy() {
			t.Error("it was not aborted")
		}
	})
	t.Run("a redirect", func(t *testing.T) {
		network(t, `return Promise.resolve({ type: "opaqueredirect", status: 0, body: null, headers: new Headers() });`)
		resp, err := browser.Fetch{}.Do(t.Context(), sync.Request{Method: "GET", Path: "/x"})
		if failed := sync.Classify(resp); err != nil || failed == nil || failed.Problem.Code != "sign_in" {
			t.Fatalf("got %v, %v", failed, err)
		}
	})
	t.Run("no answer at all", func(t *testing.T) {
		network(t, `return new Promise((_, reject) => options.signal.addEventListener("abort", () => reject(options.signal.reason)));`)
		resp, err := browser.Fetch{Timeout: 20 * time.Millisecond}.Do(t.Context(), sync.Request{Method: "GET", Path: "/x"})
		if err == nil || !strings.Contains(err.Error(), "20ms") || resp.Status != 0 {
			t.Fatalf("got %+v, %v", resp, err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stop")
		go cancel(stop)
		if _, err := (browser.Fetch{}).Do(ctx, sync.Request{Method: "GET", Path: "/x"}); !errors.Is(err, stop) {
			t.Fatalf("got %v", err)
		}
	})
}

// locksWork checks sync.Locks.
func locksWork(t *testing.T) {
	locks := browser.WebLocks{}
	ctx, name := t.Context(), t.Name()
	no := errors.New("no")
	if err := locks.Hold(ctx, name, sync.Wait, func(context.Context) error { return no }); !errors.Is(err, no) {
		t.Fatalf("the holder's error: %v", err)
	}
	holding, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- locks.Hold(ctx, name, sync.Wait, func(ctx context.Context) error {
			close(holding)
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	receive(t, holding, "the lock")
	nothing := func(context.Context) error { return nil }
	if err := locks.Hold(ctx, name, sync.NoWait, nothing); !errors.Is(err, sync.ErrLocked) {
		t.Fatalf("not waiting: %v", err)
	}
	cancelled, cancel := context.WithCancelCause(ctx)
	go cancel(no)
	if err := locks.Hold(cancelled, name, sync.Wait, nothing); !errors.Is(err, no) {
		t.Fatalf("waiting until the context ends: %v", err)
	}
	if err := locks.Hold(ctx, name+" other", sync.NoWait, nothing); err != nil {
		t.Fatalf("another name: %v", err)
	}
	waited := make(chan error, 1)
	go func() { waited <- locks.Hold(ctx, name, sync.Wait, nothing) }()
	close(release)
	if err := receive(t, ended, "the end of the holder"); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, waited, "the next holder"); err != nil {
		t.Fatal(err)
	}
}

func stealingWorks(t *testing.T) {
	locks := browser.WebLocks{}
	holding, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- locks.Hold(t.Context(), t.Name(), sync.Wait, func(ctx context.Context) error {
			close(holding)
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	receive(t, holding, "the lock")
	if err := locks.Hold(t.Context(), t.Name(), sync.Steal, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, ended, "the holder it was stolen from"); !errors.Is(err, sync.ErrStolen) {
		t.Fatalf("got %v, want ErrStolen", err)
	}
}

func TestLocks(t *testing.T) {
	if !browser.HasLocks() {
		t.Fatal("this browser should have Web Locks")
	}
	t.Run("hold", locksWork)
	t.Run("steal", stealingWorks)
	run(`Object.defineProperty(navigator, "locks", { configurable: true, value: undefined })`)
	defer run(`delete navigator.locks`)
	if browser.HasLocks() {
		t.Fatal("they should be hidden now")
	}
	t.Run("without Web Locks hold", locksWork)
	t.Run("without Web Locks steal", stealingWorks)
}

func TestChannel(t *testing.T) {
	here, there := browser.OpenChannel(t.Name()), browser.OpenChannel(t.Name())
	received := make(chan sync.Message, 4)
	stop := there.Subscribe(func(m sync.Message) { received <- m })
	own := make(chan sync.Message, 4)
	defer here.Subscribe(func(m sync.Message) { own <- m })()
	run(`const c = new BroadcastChannel(arguments[0]); c.postMessage("no json"); c.postMessage({ kind: "rows" }); c.close()`, t.Name())
	want := sync.Message{Kind: sync.SyncRequest, ID: "1", Reason: sync.Manual}
	here.Publish(want)
	if got := receive(t, received, "the message"); got.Kind != want.Kind || got.ID != want.ID || got.Reason != want.Reason {
		t.Fatalf("got %+v", got)
	}
	stop()
	here.Publish(want)
	there.Publish(sync.Message{Kind: sync.Enqueued})
	if got := receive(t, own, "the answer"); got.Kind != sync.Enqueued {
		t.Fatalf("a sender received %+v", got)
	}
	if len(received) != 0 {
		t.Fatal("received after it had stopped")
	}
}

// TestChannelOfACachedPage checks that a page in the back/forward cache receives
// nothing, and reads everything again when it is restored.
func TestChannelOfACachedPage(t *testing.T) {
	other := run(`return new BroadcastChannel(arguments[0])`, t.Name())
	defer other.Call("close")
	c := browser.OpenChannel(t.Name())
	received := make(chan sync.Message, 4)
	defer c.Subscribe(func(m sync.Message) { received <- m })()
	other.Call("postMessage", `{"kind":"beat"}`)
	receive(t, received, "a message to a page that is shown")
	run(`dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }))`)
	other.Call("postMessage", `{"kind":"beat"}`)
	c.Publish(sync.Message{Kind: sync.Enqueued})
	run(`dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))`)
	if got := receive(t, received, "that anything may have changed"); got.Kind != sync.RowsChanged || len(got.Refs) != 0 {
		t.Fatalf("it received %+v first", got)
	}
	other.Call("postMessage", `{"kind":"enqueued"}`)
	if got := receive(t, received, "a message to a page that is shown again"); got.Kind != sync.Enqueued {
		t.Fatalf("it received %+v", got)
	}
}

func TestChannelWhereThereIsNone(t *testing.T) {
	was := js.Global().Get("BroadcastChannel")
	js.Global().Set("BroadcastChannel", js.Undefined())
	defer js.Global().Set("BroadcastChannel", was)
	c := browser.OpenChannel(t.Name())
	defer c.Subscribe(func(sync.Message) {})()
	c.Publish(sync.Message{Kind: sync.Enqueued})
}

func TestEvents(t *testing.T) {
	blob := run(`return URL.createObjectURL(new Blob(["retry: 10\n\nevent: other\ndata: x\n\nevent: change\ndata: 7\n\nevent: ping\ndata: {}\n\n"], { type: "text/event-stream" }))`)
	ctx, cancel := context.WithCancel(t.Context())
	received, over := make(chan sync.StreamSignal, 1000), make(chan struct{})
	go func() {
		browser.EventSource{Path: blob.String()}.Follow(ctx, func(s sync.StreamSignal) { received <- s })
		close(over)
	}()
	for _, want := range []sync.StreamSignal{sync.StreamOpened, sync.StreamChanged, sync.StreamPinged, sync.StreamClosed, sync.StreamOpened} {
		if got := receive(t, received, "the stream"); got != want {
			t.Errorf("received %v, want %v", got, want)
		}
	}
	cancel()
	receive(t, over, "the end")
}

func TestEventsOfNoStream(t *testing.T) {
	received, over := make(chan sync.StreamSignal, 10), make(chan struct{})
	go func() {
		browser.EventSource{Path: "/wasm_exec.js"}.Follow(t.Context(), func(s sync.StreamSignal) { received <- s })
		close(over)
	}()
	if got := receive(t, received, "a refusal"); got != sync.StreamClosed {
		t.Errorf("a script passed for a stream: %v", got)
	}
	receive(t, over, "the end, of itself")
}

func TestOnlineAndVisible(t *testing.T) {
	online, visible := make(chan bool, 4), make(chan struct{}, 4)
	stopOnline := browser.OnOnline(func(up bool) { online <- up })
	stopVisible := browser.OnVisible(func() { visible <- struct{}{} })
	run(`dispatchEvent(new Event("offline")); dispatchEvent(new Event("online"))`)
	if receive(t, online, "offline") || !receive(t, online, "online") {
		t.Error("the wrong way round")
	}
	run(`dispatchEvent(new PageTransitionEvent("pageshow", { persisted: false }))`)
	if len(visible) != 0 {
		t.Error("a first show is no return")
	}
	run(`dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })); document.dispatchEvent(new Event("resume")); document.dispatchEvent(new Event("visibilitychange"))`)
	for _, what := range []string{"pageshow", "resume", "visibilitychange"} {
		receive(t, visible, what)
	}
	stopOnline()
	stopVisible()
	run(`dispatchEvent(new Event("offline")); document.dispatchEvent(new Event("resume"))`)
	if len(online)+len(visible) != 0 {
		t.Error("received after it had stopped")
	}
	if !browser.Online() {
		t.Error("the test's browser is online")
	}
}

func TestDOM(t *testing.T) {
	run(`document.body.insertAdjacentHTML("beforeend", '<dialog id="d"><input id="i"></dialog>')`)
	defer run(`document.getElementById("d").remove()`)
	browser.ShowModal("d")
	browser.ShowModal("d")
	browser.SetValue("i", "é")
	browser.Focus("i")
	browser.SetHeight("d", 123.5)
	if got := run(`return [document.getElementById("d").matches(":modal"), document.activeElement.id, document.activeElement.value, document.getElementById("d").style.height].join()`).String(); got != "true,i,é,123.5px" {
		t.Errorf("got %s", got)
	}
	if !browser.ModalOpen("d") {
		t.Error("it is open and not said to be")
	}
	browser.CloseModal("d")
	browser.CloseModal("d")
	if run(`return document.getElementById("d").open`).Bool() || browser.ModalOpen("d") || browser.ModalOpen("nobody") {
		t.Error("still open")
	}
	for _, f := range []func(string){browser.Focus, browser.ShowModal, browser.CloseModal} {
		f("nobody") // nothing to do, and no harm
	}
}

func TestLateElementIsFocused(t *testing.T) {
	browser.Focus("late")
	run(`document.body.insertAdjacentHTML("beforeend", '<input id="late">')`)
	defer run(`document.getElementById("late").remove()`)
	focused := make(chan struct{})
	var look func()
	look = func() { // the page itself has no focus here, so there is no event
		if run(`return document.activeElement.id`).String() == "late" {
			close(focused)
			return
		}
		browser.OnFrame(look)
	}
	look()
	receive(t, focused, "the focus")
}

func TestStorage(t *testing.T) {
	usage, err := browser.StorageUsage(t.Context())
	if err != nil || usage.Quota <= 0 || usage.Used < 0 || usage.Used > usage.Quota {
		t.Fatalf("got %+v, %v", usage, err)
	}
	if _, err := browser.Persist(t.Context()); err != nil {
		t.Errorf("asked to keep it: %v", err)
	}
	run(`Object.defineProperty(navigator, "storage", { configurable: true, value: undefined })`)
	defer run(`delete navigator.storage`)
	if _, err := browser.StorageUsage(t.Context()); err == nil {
		t.Error("a browser that does not report: no error")
	}
	if _, err := browser.Persist(t.Context()); err == nil {
		t.Error("a browser that can't promise: no error")
	}
}

func TestBackgroundSyncWithoutServiceWorker(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if supported, registered := browser.BackgroundSync(ctx, ""); supported || registered {
		t.Error("there is no service worker here")
	}
	run(`Object.defineProperty(navigator, "serviceWorker", { configurable: true, value: undefined })`)
	defer run(`delete navigator.serviceWorker`)
	if err := browser.RegisterSync(t.Context(), ""); err == nil {
		t.Error("registered without a service worker")
	}
	if err := browser.CancelPeriodicSync(t.Context(), ""); err == nil {
		t.Error("cancelled without a service worker")
	}
}
