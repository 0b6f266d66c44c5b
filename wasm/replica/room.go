package replica

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// txn says how a transaction commits, and under which conditions.
type txn struct {
	relaxed bool
	base    bool  // it writes more than a record
	fence   int64 // of the round; 0 for none
	claim   claim
	refs    []queue.Ref // whose rows it needs
}

// claim is what may go to make room for a transaction when the disk is full.
type claim int

const (
	noClaim    claim = iota // what it would save comes again: it changes nothing
	toReserve               // a record of no meaning, kept for this
	toOurPages              // rows of the base, too: the server has them, and the next check brings them back
)

// DefaultReserve is larger than what browsers store within their own files, so that deleting it
// gives the room back at once.
const DefaultReserve = 256 << 10

// keyReserve is room that is kept on the disk.
const (
	keyReserve = "reserve"
	// metaReserve is "yes" while there is one.
	metaReserve = "#reserve"
)

// write is transact. When the disk is full it makes room as far as the transaction has a claim
// to it, and tries again.
func (s *Store) write(ctx context.Context, t txn, body func(*batch) error) error {
	err := s.transact(ctx, t, body)
	for gone := (map[string]string{}); errors.Is(err, queue.ErrQuota); {
		keys := s.yield(t, gone)
		if len(keys) == 0 || s.drop(ctx, keys) != nil {
			return err
		}
		err = s.transact(ctx, t, func(b *batch) error {
			err := body(b)
			if !b.empty() {
				b.setMeta(gone)
			}
			return err
		})
	}
	return err
}

// yield names what goes next, and notes the values that say so.
func (s *Store) yield(t txn, gone map[string]string) []string {
	_, reserve := gone[metaReserve]
	switch {
	case t.claim >= toReserve && !reserve:
		gone[metaReserve] = ""
		return []string{keyReserve}
	case t.claim >= toOurPages:
		gone[sync.MetaCheck] = "" // the next round checks
		return s.yieldLeaves(t.refs)
	}
	return nil
}

// yieldLeaves gives up the last leaves of the list, as many as a step of compaction
// replaces, but none with the row of one of the refs. Their ids stay, so that a check finds
// the rows to be missing.
func (s *Store) yieldLeaves(refs []queue.Ref) (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	if st == nil {
		return nil
	}
	spared := map[*leaf]bool{}
	for _, ref := range refs {
		t := st.tables[ref.Type]
		r, found, ok := st.findID(t, ref.ID)
		if st.missing = nil; !ok && t.entries[ref.ID] == nil {
			return nil
		}
		if found {
			spared[&t.list.leaves[t.list.at(r.key())]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(st.tables)) {
		t := st.tables[name]
		for i := len(t.list.leaves) - 1; i >= 0 && len(keys) < 2*st.bounds.StepPages; i-- {
			l := &t.list.leaves[i]
			if l.number == 0 || l.kept != nil || spared[l] {
				continue
			}
			keys = append(keys, t.list.key(l.number), t.textKey(l.number))
			l.kept, t.ahead, t.selection = &leafPage{}, nil, nil
		}
	}
	for _, key := range keys {
		st.cacheOf(key).drop(key)
	}
	return keys
}

// drop deletes texts of the base, in a transaction of its own: a browser counts what one
// adds before what it deletes.
func (s *Store) drop(ctx context.Context, keys []string) error {
	const noLog = 1 << 53
	query := Query{Write: true, Read: Read{After: noLog}}
	err := s.options.Database.Run(ctx, query, func(Found) (Step, error) { return Step{Delete: keys}, nil })
	if err != nil {
		s.Forget() // what it says of the base may be wrong
	}
	return err
}

// restoreReserve keeps room again, if there is any.
func (s *Store) restoreReserve(ctx context.Context) error {
	err := s.write(ctx, txn{relaxed: true, base: true}, func(b *batch) error {
		if b.meta[metaReserve] == "" {
			b.put(keyReserve, reserveText(s.options.Reserve))
			b.setMeta(map[string]string{metaReserve: "yes"})
		}
		return nil
	})
	if errors.Is(err, queue.ErrQuota) {
		return nil
	}
	return err
}

// reserveText can't be compressed: a browser that did would keep less room.
func reserveText(bytes int) string {
	text, x := make([]byte, bytes), uint32(1)
	for i := range text {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		text[i] = 'A' + byte(x>>11)%32
	}
	return string(text)
}
