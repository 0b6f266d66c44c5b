package queue_test

import (
	"strings"
	"testing"

	"github.com/rollcall/rollcall/wasm/queue"
)

// FuzzOutcomes: whatever the stored text of outcomes, what is appended is found again,
// and the text stays within its bound.
func FuzzOutcomes(f *testing.F) {
	f.Add("", "a", "b", int64(1))
	f.Add(`{"id":"a","end":"landed","version":3}`, "a", "", int64(-1))
	f.Add("\n\n{\n", "", "x\ny", int64(0))
	f.Add(strings.Repeat("{}\n", queue.MaxOutcomes+5), "\xff", "\u2028", int64(7))
	f.Fuzz(func(t *testing.T, text, id, by string, version int64) {
		queue.FindOutcome(text, id)
		outcome := queue.Outcome{ID: strings.ToValidUTF8(id, ""), Kind: queue.OutcomeSuperseded, By: strings.ToValidUTF8(by, ""), Version: version}
		after := queue.AppendOutcomes(text, []queue.Outcome{outcome})
		if got, ok := queue.FindOutcome(after, outcome.ID); !ok || got != outcome {
			t.Errorf("%+v was appended and is found as %+v, %v", outcome, got, ok)
		}
		if n := strings.Count(after, "\n") + 1; n > queue.MaxOutcomes {
			t.Errorf("%d lines", n)
		}
	})
}
