package sim

import (
	"context"

	"github.com/rollcall/rollcall/wasm/queue"
)

// checkOutcomes checks that the browser knows the outcome of every operation its storage
// ever held, following the ones that superseded it.
func (w *world) checkOutcomes(ctx context.Context, b *browser) {
	meta, err := b.stored().Meta(ctx, queue.MetaOutcomes)
	if err != nil {
		w.fail(2, "read the outcomes: %v", err)
		return
	}
	text := meta[queue.MetaOutcomes]
	for id, from := range w.origins {
		if from.storage == b.storage {
			w.checkOutcome(b, text, id)
		}
	}
}

func (w *world) checkOutcome(b *browser, text, id string) {
	at := id
	for n := 0; ; n++ {
		f, known := queue.FindOutcome(text, at)
		waits := b.checker.ops[at]
		switch {
		case n == queue.MaxOutcomes:
			w.fail(2, "the outcomes of operation %s form a cycle", id)
			return
		case waits == known:
			w.fail(2, "operation %s, which supersedes %s, is queued (%t) and has an outcome (%t)", at, id, waits, known)
			return
		case waits || f.Kind != queue.OutcomeSuperseded:
			return
		}
		at = f.By
	}
}
