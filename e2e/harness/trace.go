package harness

import (
	"encoding/json"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// Traced counts the events, by name, that the browser's processes note of a category while
// run runs.
func (b *Browser) Traced(category string, run func()) map[string]int {
	b.t.Helper()
	counts, complete := map[string]int{}, make(chan struct{})
	err := chromedp.ListenBrowser(b.ctx, func(ev any) {
		switch ev := ev.(type) {
		case *tracing.EventDataCollected:
			for _, value := range ev.Value {
				var event struct{ Name string }
				_ = json.Unmarshal(value, &event) // others count as ""
				counts[event.Name]++
			}
		case *tracing.EventTracingComplete:
			close(complete)
		}
	})
	if err == nil {
		_, err = chromedp.CallBrowser(b.ctx, tracing.Start, tracing.StartParams{TraceConfig: &tracing.TraceConfig{IncludedCategories: []string{category}}})
	}
	if err != nil {
		b.t.Fatalf("tracing the browser: %v", err)
	}
	run()
	if _, err := chromedp.CallBrowser(b.ctx, tracing.End, cdp.Empty{}); err != nil {
		b.t.Fatalf("ending the trace: %v", err)
	}
	select {
	case <-complete:
	case <-b.t.Context().Done():
	}
	return counts
}
