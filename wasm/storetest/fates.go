package storetest

import (
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/wasm/queue"
)

// fated is the fate that the store remembers of an operation.
func (f *fixture) fated(id string) queue.Outcome {
	f.Helper()
	meta, err := f.Meta(f.ctx, queue.MetaOutcomes)
	f.must(err)
	fate, _ := queue.FindOutcome(meta[queue.MetaOutcomes], id)
	return fate
}

func landed(id string, version int64) queue.Outcome {
	return queue.Outcome{ID: id, Kind: queue.OutcomeAcknowledged, Version: version}
}

var fateCases = map[string]func(*fixture){
	"fates: kept with the entity, and not handed out": func(f *fixture) {
		f.enqueue("a", operation("a", "1"))
		f.update("a", func(e *queue.Entity) {
			e.Operations, e.Outcomes = nil, []queue.Outcome{landed("x", 4), {ID: "y", Kind: queue.OutcomeSuperseded, By: "z"}}
		})
		f.update("b", func(e *queue.Entity) { e.Outcomes = []queue.Outcome{{ID: "b", Kind: queue.OutcomeDiscarded}} })
		f.same("landed", f.fated("x"), landed("x", 4))
		f.same("superseded", f.fated("y"), queue.Outcome{ID: "y", Kind: queue.OutcomeSuperseded, By: "z"})
		f.same("of another entity", f.fated("b"), queue.Outcome{ID: "b", Kind: queue.OutcomeDiscarded})
		f.same("of none", f.fated("a"), queue.Outcome{})
		f.update("a", func(e *queue.Entity) {
			if len(e.Outcomes) > 0 {
				f.Errorf("a transaction is handed %v", e.Outcomes)
			}
		})
		if e := f.entity("a"); len(e.Outcomes) > 0 {
			f.Errorf("a reader is handed %v", e.Outcomes)
		}
	},

	"fates: not kept when the transaction fails": func(f *fixture) {
		no := errors.New("no")
		err := f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{ref("a")}}, func(es []*queue.Entity) error {
			es[0].Outcomes = []queue.Outcome{landed("x", 1)}
			return no
		})
		if !errors.Is(err, no) {
			f.Fatal(err)
		}
		f.same("fate", f.fated("x"), queue.Outcome{})
	},

	"fates: of several entities in one transaction": func(f *fixture) {
		f.must(f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{ref("a"), ref("b")}}, func(es []*queue.Entity) error {
			for i, e := range es {
				e.Outcomes = []queue.Outcome{landed(fmt.Sprint(i), int64(i))}
			}
			return nil
		}))
		f.same("first", f.fated("0"), landed("0", 0))
		f.same("second", f.fated("1"), landed("1", 1))
	},

	"fates: the newest are kept": func(f *fixture) {
		for i := 0; i < queue.MaxOutcomes+100; i += 100 {
			f.update("a", func(e *queue.Entity) {
				for j := range 100 {
					e.Outcomes = append(e.Outcomes, landed(fmt.Sprint(i+j), int64(i+j)))
				}
			})
		}
		f.same("dropped", f.fated("99"), queue.Outcome{})
		f.same("the oldest kept", f.fated("100"), landed("100", 100))
		f.same("the newest", f.fated(fmt.Sprint(queue.MaxOutcomes+99)), landed(fmt.Sprint(queue.MaxOutcomes+99), queue.MaxOutcomes+99))
	},
}
