package queue

import (
	"slices"

	"github.com/rollcall/rollcall/api"
)

// Among tells an entity what coalescing must know of the others: the fields that are
// unique among them, and the Seq of the newest operation in the whole queue, 0 if there
// is none. A store does so before it lets an Update decide.
func (e *Entity) Among(unique []string, newest int64) { e.unique, e.newest = unique, newest }

// Frees reports whether the operation may free a value of one of these unique fields.
func (o Operation) Frees(unique []string) bool {
	return len(unique) > 0 && o.Type == api.Delete || o.Type == api.Update && o.takes(unique)
}

// takes reports whether the operation may take a value of one of these unique fields.
func (o Operation) takes(unique []string) bool {
	data := Decode(o.Data)
	return slices.ContainsFunc(unique, func(name string) bool { return data[name] != nil })
}

// apart reports whether two operations can't be one: the first frees a value that another
// entity's operation between them may take, and the second takes one that such an
// operation may free. No single place is right for both. A Rejected operation has lost its
// place, and holds back those after it.
func (e *Entity) apart(first, second Operation) bool {
	return e.newest > first.Seq && first.State != Rejected && first.Frees(e.unique) && e.takesAnew(first, second)
}

// takesAnew reports whether the second operation may take a unique value that the first does
// not.
func (e *Entity) takesAnew(first, second Operation) bool {
	return len(Decode(second.Data).Only(e.unique).ChangedFrom(Decode(first.Data))) > 0
}

// place returns the Seq of what becomes of two operations: the first one's, unless that
// puts a write that takes a unique value before one that may free it.
func (e *Entity) place(first, second Operation) int64 {
	if e.takesAnew(first, second) || first.State == Rejected && second.Type != api.Delete && first.takes(e.unique) {
		return second.Seq
	}
	return first.Seq
}
