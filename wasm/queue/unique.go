package queue

import (
	"slices"

	"github.com/rollcall/rollcall/api"
)

// Among tells an entity what coalescing must know of the others: the fields that are
// unique among them, and the Seq of the newest operation in the whole queue, 0 if there
// is none. A store does so before it lets an Update decide.
func (e *Entity) Among(unique []string, newest int64) { e.unique, e.newest = unique, newest }

// frees reports whether an operation may free a unique value.
func (e *Entity) frees(o Operation) bool {
	return len(e.unique) > 0 && o.Type == api.Delete || o.Type == api.Update && e.takes(o)
}

// takes reports whether an operation may take a unique value.
func (e *Entity) takes(o Operation) bool {
	data := Decode(o.Data)
	return slices.ContainsFunc(e.unique, func(name string) bool { return data[name] != nil })
}

// apart reports whether two operations can't be one: the first frees a value that another
// entity's operation between them may take, and the second takes one that such an
// operation may free. No single place is right for both. A Rejected operation has lost its
// place, and holds back those after it.
func (e *Entity) apart(first, second Operation) bool {
	return e.newest > first.Seq && first.State != Rejected && e.frees(first) && e.takes(second)
}

// place returns the Seq of what becomes of two operations: the first one's, unless that
// puts a write that takes a unique value before one that may free it.
func (e *Entity) place(first, second Operation) int64 {
	if e.takes(second) || first.State == Rejected && second.Type != api.Delete && e.takes(first) {
		return second.Seq
	}
	return first.Seq
}
