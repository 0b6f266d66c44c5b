package queue

import (
	"bytes"
	"slices"

	"github.com/rollcall/rollcall/api"
)

// Clone returns a copy of the entity that shares nothing with it but what Among told it.
func (e Entity) Clone() Entity {
	if e.Confirmed != nil {
		row := *e.Confirmed
		row.Document = bytes.Clone(row.Document)
		e.Confirmed = &row
	}
	e.Operations = copyEach(e.Operations, Operation.Clone)
	e.Conflicts = copyEach(e.Conflicts, Conflict.Clone)
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

// Clone returns a copy that shares nothing with the operation.
func (o Operation) Clone() Operation {
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

// Clone returns a copy that shares nothing with the conflict.
func (c Conflict) Clone() Conflict {
	c.Base, c.Mine, c.Theirs = bytes.Clone(c.Base), bytes.Clone(c.Mine), bytes.Clone(c.Theirs)
	c.Fields = copyEach(c.Fields, func(f Field) Field {
		f.Base, f.Mine, f.Theirs = bytes.Clone(f.Base), bytes.Clone(f.Mine), bytes.Clone(f.Theirs)
		return f
	})
	return c
}
