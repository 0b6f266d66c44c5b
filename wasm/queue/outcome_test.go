package queue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// outcomes are an entity's in one line, such as "a superseded by b; b landed 4".
func outcomes(e *queue.Entity) string {
	var parts []string
	for _, o := range e.Outcomes {
		s := o.ID + " " + string(o.Kind)
		if o.By != "" {
			s += " by " + o.By
		}
		if o.Version != 0 {
			s += fmt.Sprintf(" %d", o.Version)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

func TestEveryOperationThatLeavesTheQueueLeavesAnOutcome(t *testing.T) {
	const ann = `{"name":"Ann"}`
	edit := func(id, name string) func(*testing.T, *queue.Entity) {
		return enqueue(write(id, api.Update, `{"name":"`+name+`"}`))
	}
	tests := []struct {
		name      string
		confirmed *queue.Row
		do        func(*testing.T, *queue.Entity)
		want      string
	}{
		{"nothing has left", row(3, ann), sequence(edit("a", "Bo"), send("a"), edit("b", "Cy")), ""},
		{"a write that changes nothing", row(3, ann), edit("a", "Ann"), ""},
		{"coalesced", row(3, ann), sequence(edit("a", "Bo"), edit("b", "Cy"), edit("c", "Di")), "a superseded by b; b superseded by c"},
		{"create and delete", nil, enqueue(write("a", api.Create, ann), write("b", api.Delete, "")), "a cancelled; b cancelled"},
		{"a delete undone", row(3, ann), enqueue(write("a", api.Delete, ""), write("b", api.Create, ann)), "a cancelled; b cancelled"},
		{"acknowledged", row(3, ann), sequence(edit("a", "Bo"), send("a"), func(_ *testing.T, e *queue.Entity) {
			e.Acknowledge("a", row(4, `{"name":"Bo"}`), 4)
		}), "a landed 4"},
		{"acknowledged as a duplicate, changed since", row(3, ann), sequence(edit("a", "Bo"), send("a"), edit("b", "Cy"), func(_ *testing.T, e *queue.Entity) {
			e.AcknowledgeDuplicate("a", row(5, `{"name":"Other"}`), 5, []string{"name"})
		}), "a landed 5"},
		{"acknowledged as a duplicate", row(3, ann), sequence(edit("a", "Bo"), send("a"), func(_ *testing.T, e *queue.Entity) {
			e.AcknowledgeDuplicate("a", row(4, `{"name":"Bo"}`), 4, []string{"name"})
		}), "a landed 4"},
		{"rejected: it stays in the queue", row(3, ann), sequence(edit("a", "Bo"), send("a"), reject("a")), ""},
		{"rejected, coalesced with the next", row(3, ann), sequence(edit("a", "Bo"), send("a"), edit("b", "Cy"), reject("a")), "a superseded by b"},
		{"a rejected delete that was undone", row(3, ann), sequence(
			enqueue(write("a", api.Delete, "")), send("a"), enqueue(write("b", api.Create, ann)), reject("a")), "a cancelled; b cancelled"},
		{"discarded", row(3, ann), sequence(edit("a", "Bo"), send("a"), reject("a"), func(t *testing.T, e *queue.Entity) {
			if err := e.Discard("a"); err != nil {
				t.Fatal(err)
			}
		}), "a discarded"},
		{"a conflict is resolved by sending another", row(3, ann), sequence(edit("a", "Bo"), send("a"), edit("b", "Cy"), resolveConflict("a", "c")), "a superseded by b; b superseded by c"},
		{"a conflict is resolved by sending nothing", row(3, ann), sequence(edit("a", "Bo"), send("a"), resolveConflict("a", "")), "a overruled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: tt.confirmed}
			tt.do(t, e)
			if got := outcomes(e); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// resolveConflict resolves an operation's conflict by sending another, or nothing for "".
func resolveConflict(id, next string) func(*testing.T, *queue.Entity) {
	return func(_ *testing.T, e *queue.Entity) {
		e.ResolveConflict(id, row(9, `{"name":"Theirs"}`), 9, func(mine *queue.Operation) *queue.Operation {
			if next == "" {
				return nil
			}
			o := *mine
			o.ID = next
			return &o
		})
	}
}

func TestTheNewestOutcomesAreKept(t *testing.T) {
	text := ""
	for i := range queue.MaxOutcomes + 7 {
		text = queue.AppendOutcomes(text, []queue.Outcome{{ID: fmt.Sprint(i), Kind: queue.OutcomeAcknowledged, Version: int64(i)}})
	}
	for i, want := range map[int]bool{0: false, 6: false, 7: true, queue.MaxOutcomes + 6: true} {
		f, ok := queue.FindOutcome(text, fmt.Sprint(i))
		if ok != want || (ok && f.Version != int64(i)) {
			t.Errorf("outcome %d: %+v, %v", i, f, ok)
		}
	}
	if n := strings.Count(text, "\n") + 1; n != queue.MaxOutcomes {
		t.Errorf("%d outcomes are kept", n)
	}
	again := queue.AppendOutcomes(text, []queue.Outcome{{ID: "99", Kind: queue.OutcomeDiscarded}})
	if f, _ := queue.FindOutcome(again, "99"); f.Kind != queue.OutcomeDiscarded {
		t.Errorf("the older outcome counts: %+v", f)
	}
	if _, ok := queue.FindOutcome("broken\n{\"id\":1}\n", "1"); ok {
		t.Error("a malformed line yields an outcome")
	}
}
