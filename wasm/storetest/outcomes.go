package storetest

import (
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/wasm/queue"
)

// outcome returns an operation's outcome as stored, zero if there is none.
func (f *fixture) outcome(id string) queue.Outcome {
	f.Helper()
	meta, err := f.Meta(f.ctx, queue.MetaOutcomes)
	f.must(err)
	outcome, _ := queue.FindOutcome(meta[queue.MetaOutcomes], id)
	return outcome
}

// last returns what was read of the last outcome, without the others.
func (f *fixture) last() string {
	f.Helper()
	meta, err := f.Meta(f.ctx, queue.MetaLastOutcome)
	f.must(err)
	return meta[queue.MetaLastOutcome]
}

func acknowledged(id string, version int64) queue.Outcome {
	return queue.Outcome{ID: id, Kind: queue.OutcomeAcknowledged, Version: version}
}

var outcomeCases = map[string]func(*fixture){
	"outcomes: the last is known by itself": func(f *fixture) {
		f.same("before any", f.last(), "")
		for i := range queue.MaxOutcomes + 2 {
			o := acknowledged(fmt.Sprint(i), int64(i))
			f.update("a", func(e *queue.Entity) { e.Outcomes = append(e.Outcomes, o) })
			if i < 2 || i >= queue.MaxOutcomes {
				f.same("the last", f.last(), queue.OutcomeLines([]queue.Outcome{o})[0])
			}
		}
	},

	"outcomes: saved with the entity, and never returned": func(f *fixture) {
		f.enqueue("a", operation("a", "1"))
		f.update("a", func(e *queue.Entity) {
			e.Operations, e.Outcomes = nil, []queue.Outcome{acknowledged("x", 4), {ID: "y", Kind: queue.OutcomeSuperseded, By: "z"}}
		})
		f.update("b", func(e *queue.Entity) { e.Outcomes = []queue.Outcome{{ID: "b", Kind: queue.OutcomeDiscarded}} })
		f.same("acknowledged", f.outcome("x"), acknowledged("x", 4))
		f.same("superseded", f.outcome("y"), queue.Outcome{ID: "y", Kind: queue.OutcomeSuperseded, By: "z"})
		f.same("of another entity", f.outcome("b"), queue.Outcome{ID: "b", Kind: queue.OutcomeDiscarded})
		f.same("of none", f.outcome("a"), queue.Outcome{})
		f.update("a", func(e *queue.Entity) {
			if len(e.Outcomes) > 0 {
				f.Errorf("a transaction receives %v", e.Outcomes)
			}
		})
		if e := f.entity("a"); len(e.Outcomes) > 0 {
			f.Errorf("a reader receives %v", e.Outcomes)
		}
	},

	"outcomes: not saved if the transaction fails": func(f *fixture) {
		no := errors.New("no")
		err := f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{ref("a")}}, func(es []*queue.Entity) error {
			es[0].Outcomes = []queue.Outcome{acknowledged("x", 1)}
			return no
		})
		if !errors.Is(err, no) {
			f.Fatal(err)
		}
		f.same("outcome", f.outcome("x"), queue.Outcome{})
	},

	"outcomes: of several entities in one transaction": func(f *fixture) {
		f.must(f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{ref("a"), ref("b")}}, func(es []*queue.Entity) error {
			for i, e := range es {
				e.Outcomes = []queue.Outcome{acknowledged(fmt.Sprint(i), int64(i))}
			}
			return nil
		}))
		f.same("first", f.outcome("0"), acknowledged("0", 0))
		f.same("second", f.outcome("1"), acknowledged("1", 1))
	},

	"outcomes: the newest are kept": func(f *fixture) {
		for i := 0; i < queue.MaxOutcomes+100; i += 100 {
			f.update("a", func(e *queue.Entity) {
				for j := range 100 {
					e.Outcomes = append(e.Outcomes, acknowledged(fmt.Sprint(i+j), int64(i+j)))
				}
			})
		}
		f.same("dropped", f.outcome("99"), queue.Outcome{})
		f.same("the oldest kept", f.outcome("100"), acknowledged("100", 100))
		f.same("the newest", f.outcome(fmt.Sprint(queue.MaxOutcomes+99)), acknowledged(fmt.Sprint(queue.MaxOutcomes+99), queue.MaxOutcomes+99))
	},
}
