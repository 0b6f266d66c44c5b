package replica

import (
	"slices"

	"github.com/rollcall/rollcall/wasm/queue"
)

// spot is a place that the row of an entry has or had in the list; or, at ofID, the entry in
// the order of the ids.
type spot struct {
	entry *entry
	at    int // of entry.past
}

const ofID = -1

func (s spot) key() queue.Key {
	if s.at == ofID {
		return queue.Key{ID: s.entry.id}
	}
	return queue.Key{Sort: s.entry.past[s.at].sort, ID: s.entry.id}
}

// gone reports whether the base has what the log said there.
func (s spot) gone() bool {
	if s.at == ofID {
		return s.entry.forgotten
	}
	return s.at >= len(s.entry.past)
}

// changed is the last number of the log that has something changed there, 0 if none has.
func (s spot) changed() int64 {
	past := s.entry.past
	switch {
	case len(past) == 0:
		return 0
	case s.at == ofID:
		return past[len(past)-1].seq
	}
	return past[min(s.at+1, len(past)-1)].seq
}

// ordered are spots that are put in order when they are read.
type ordered struct {
	sorted, fresh []spot
	pruned        bool // none is gone
}

func (o *ordered) add(s spot) { o.fresh = append(o.fresh, s) }

func (o *ordered) all(compare func(a, b queue.Key) int) []spot {
	if !o.pruned {
		o.sorted, o.fresh, o.pruned = slices.DeleteFunc(o.sorted, spot.gone), slices.DeleteFunc(o.fresh, spot.gone), true
	}
	if len(o.fresh) > 0 {
		before := func(a, b spot) int { return compare(a.key(), b.key()) }
		slices.SortFunc(o.fresh, before) // in place of sortBy, which takes twice as long
		o.sorted, o.fresh = merge(o.sorted, o.fresh, before), nil
	}
	return o.sorted
}
