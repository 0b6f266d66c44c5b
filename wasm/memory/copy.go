package memory

import (
	"bytes"
	"slices"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

func copyEntity(e queue.Entity) queue.Entity {
	if e.Confirmed != nil {
		row := *e.Confirmed
		row.Document = bytes.Clone(row.Document)
		e.Confirmed = &row
	}
	e.Operations = copyEach(e.Operations, copyOperation)
	e.Conflicts = copyEach(e.Conflicts, copyConflict)
	return e
}

func copyEach[T any](in []T, copyOne func(T) T) []T {
	if len(in) == 0 {
		return nil
	}
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = copyOne(v)
	}
	return out
}

func copyOperation(o queue.Operation) queue.Operation {
	o.Data, o.Base = bytes.Clone(o.Data), bytes.Clone(o.Base)
	o.LastError = copyProblem(o.LastError)
	return o
}

func copyProblem(p *api.Problem) *api.Problem {
	if p == nil {
		return nil
	}
	out := *p
	out.Errors = slices.Clone(p.Errors)
	return &out
}

func copyConflict(c queue.Conflict) queue.Conflict {
	c.Base, c.Mine, c.Theirs = bytes.Clone(c.Base), bytes.Clone(c.Mine), bytes.Clone(c.Theirs)
	c.Fields = copyEach(c.Fields, func(f queue.Field) queue.Field {
		f.Base, f.Mine, f.Theirs = bytes.Clone(f.Base), bytes.Clone(f.Mine), bytes.Clone(f.Theirs)
		return f
	})
	return c
}
