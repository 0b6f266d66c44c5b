package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Memory is the memory of a page or worker, in bytes: its JavaScript heap in use, and that
// of its WebAssembly programs, which only grows.
type Memory struct{ Heap, Wasm int64 }

func (m Memory) String() string {
	return fmt.Sprintf("%.1f MB of JavaScript, %.1f MB of WebAssembly", float64(m.Heap)/1e6, float64(m.Wasm)/1e6)
}

// heapOf returns the JavaScript heap in use.
func heapOf(ctx context.Context) (int64, error) {
	usage, err := chromedp.Call(ctx, runtime.GetHeapUsage, cdp.Empty{})
	if err != nil {
		return 0, err
	}
	return int64(usage.UsedSize), nil
}

// wasmOf returns the memory of all WebAssembly programs.
func wasmOf(ctx context.Context) (int64, error) {
	prototype, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "WebAssembly.Memory.prototype"})
	if err != nil {
		return 0, err
	}
	found, err := chromedp.Call(ctx, runtime.QueryObjects, runtime.QueryObjectsParams{PrototypeObjectID: prototype.Result.ObjectID})
	if err != nil {
		return 0, err
	}
	yes := true
	sum, err := chromedp.Call(ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: "function () { return this.reduce((n, m) => n + m.buffer.byteLength, 0) }",
		ObjectID:            found.Objects.ObjectID, ReturnByValue: &yes,
	})
	if err != nil {
		return 0, err
	}
	var n int64
	err = json.Unmarshal(sum.Result.Value, &n)
	return n, err
}

// Peaks records the peak memory of a page and of the workers of its origin.
type Peaks struct {
	p    *Page
	stop context.CancelFunc
	done chan struct{}

	mu    sync.Mutex
	peaks map[string]Memory // "page", "worker", "service_worker"
}

// heapEvery is the interval of measurements, long enough not to disturb them.
const heapEvery = 250 * time.Millisecond

// WatchMemory starts to measure.
func (p *Page) WatchMemory() *Peaks {
	ctx, stop := context.WithCancel(p.ctx)
	w := &Peaks{p: p, stop: stop, done: make(chan struct{}), peaks: map[string]Memory{}}
	go func() {
		defer close(w.done)
		ticker := time.NewTicker(heapEvery)
		defer ticker.Stop()
		for {
			w.measure(heapOf, func(m *Memory, n int64) { m.Heap = max(m.Heap, n) })
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return w
}

// measure measures the page and each worker. It skips one that has ended meanwhile.
func (w *Peaks) measure(ask func(context.Context) (int64, error), take func(*Memory, int64)) {
	contexts := map[context.Context]string{w.p.ctx: "page"}
	workers := w.p.b.workers
	workers.mu.Lock()
	for _, k := range workers.targets {
		if isOf(w.p.origin, k.url) {
			contexts[k.ctx] = k.kind
		}
	}
	workers.mu.Unlock()
	for ctx, kind := range contexts {
		ctx, cancel := context.WithTimeout(ctx, Timeout)
		n, err := ask(ctx)
		cancel()
		if err != nil {
			continue
		}
		w.mu.Lock()
		m := w.peaks[kind]
		take(&m, n)
		w.peaks[kind] = m
		w.mu.Unlock()
	}
}

// End returns the peaks by kind of context: "page", "worker" and "service_worker".
func (w *Peaks) End() map[string]Memory {
	w.stop()
	<-w.done
	w.measure(wasmOf, func(m *Memory, n int64) { m.Wasm = max(m.Wasm, n) })
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.peaks
}
