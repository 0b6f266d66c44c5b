package queue_test

import (
	"strings"
	"testing"

	"github.com/rollcall/rollcall/wasm/queue"
)

// FuzzFates: whatever stands in the storage as fates, what is added to it is
// found again, and it does not grow beyond its bound.
func FuzzFates(f *testing.F) {
	f.Add("", "a", "b", int64(1))
	f.Add(`{"id":"a","end":"landed","version":3}`, "a", "", int64(-1))
	f.Add("\n\n{\n", "", "x\ny", int64(0))
	f.Add(strings.Repeat("{}\n", queue.MaxOutcomes+5), "\xff", "\u2028", int64(7))
	f.Fuzz(func(t *testing.T, text, id, by string, version int64) {
		queue.FindOutcome(text, id)
		fate := queue.Outcome{ID: strings.ToValidUTF8(id, ""), Kind: queue.OutcomeSuperseded, By: strings.ToValidUTF8(by, ""), Version: version}
		after := queue.AppendOutcomes(text, []queue.Outcome{fate})
		if got, ok := queue.FindOutcome(after, fate.ID); !ok || got != fate {
			t.Errorf("%+v was added and is found as %+v, %v", fate, got, ok)
		}
		if n := strings.Count(after, "\n") + 1; n > queue.MaxOutcomes {
			t.Errorf("%d lines", n)
		}
	})
}
