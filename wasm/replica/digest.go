package replica

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// suspicion is in which buckets leaves and ids were found to disagree.
type suspicion [api.Buckets]bool

// Digest implements sync.Store. It reads all leaves and all ids. A bucket in which they
// disagree is corrupt, and differs from every server's.
func (s *Store) Digest(ctx context.Context, entityType string) (d api.Digest, err error) {
	if _, err := s.schema(queue.Ref{Type: entityType}); err != nil {
		return d, err
	}
	var sum, next summary
	err = s.inParts(ctx, reading{
		begin: func() { sum = summary{} },
		run: func(st *state) (more bool) {
			next = sum
			more = st.digest(st.tables[entityType], next.at, &next)
			next.at += st.bounds.PartPages
			return more
		},
		keep:   func() { sum = next },
		atOnce: 1,
	})
	if err != nil {
		return d, err
	}
	suspect := sum.disagree()
	s.mu.Lock()
	*s.suspect[entityType] = suspect
	s.mu.Unlock()
	for n := range suspect {
		if suspect[n] {
			sum.rows.Add(api.BucketRange(n).From, 0, 0)
		}
	}
	return sum.rows, nil
}

// summary is the digest of all rows, and what leaves and ids say of the rows of the base,
// with where they are listed.
type summary struct {
	rows, leaves, ids api.Digest
	at                int // the part that comes next
}

// disagree returns the buckets in which leaves and ids do.
func (s *summary) disagree() (buckets suspicion) {
	for _, n := range s.leaves.Diff(&s.ids) {
		buckets[n] = true
	}
	return buckets
}

// digest adds a part of the pages, and with the first part the entries.
func (st *state) digest(t *table, from int, sum *summary) (more bool) {
	if !st.readFresh(t) {
		return true
	}
	for id, e := range t.entries {
		switch {
		case from > 0:
		case e.pending != nil && e.pending.Confirmed != nil:
			sum.rows.Add(id, e.pending.Confirmed.Version, api.ContentHash(e.pending.Confirmed.Document))
		case e.pending == nil && e.row != nil:
			sum.rows.Add(id, e.row.version, e.row.hash())
		}
	}
	to := from + st.bounds.PartPages
	for i := from; i < min(to, len(t.list.leaves)); i++ {
		rows, _ := st.unchanged(t, i)
		for _, it := range rows {
			hash := it.row.hash()
			sum.rows.Add(it.row.id, it.row.version, hash)
			sum.leaves.Add(it.row.id, it.row.version, hash^api.ContentHash([]byte(it.row.sort)))
		}
	}
	for i := from; i < min(to, len(t.ids.leaves)); i++ {
		pages, ok := st.idsPages(t, i)
		if !ok {
			continue
		}
		for _, page := range pages {
			for _, r := range page.rows {
				if t.entries[r.id] == nil {
					sum.ids.Add(r.id, r.version, r.hash^api.ContentHash([]byte(r.sort)))
				}
			}
		}
		for _, r := range t.lacking(&t.ids, i) {
			sum.ids.Add(r.id, r.version, r.hash^api.ContentHash([]byte(r.sort)))
		}
	}
	return to < max(len(t.list.leaves), len(t.ids.leaves))
}

// Repair implements sync.Store.
func (s *Store) Repair(ctx context.Context, r sync.Repair) (differed []queue.Ref, err error) {
	if _, ok := s.schemas[r.Type]; !ok {
		return nil, ctx.Err()
	}
	at := s.options.Now().UTC()
	want := map[string]*queue.Row{}
	for _, c := range r.Changes {
		want[c.EntityID] = confirmedRow(c, at)
	}
	strays, err := s.strays(ctx, r)
	if err != nil {
		return nil, err
	}
	ids := r.IDs
	for more := true; more; {
		part, here := []queue.Ref(nil), ids
		err = s.write(ctx, txn{relaxed: true, fence: r.Fence}, func(b *batch) error {
			part = nil
			t := b.tables[r.Type]
			here.To, more = b.partOf(t, ids)
			part = b.repair(t, here, want, strays, r.Generation)
			b.noteGeneration(r.Generation)
			return nil
		})
		if err != nil {
			return differed, err
		}
		differed = append(differed, part...)
		ids.From = here.To
	}
	return differed, nil
}

// repair makes the rows of a range those of the server, and returns the refs of those that
// differed.
func (b *batch) repair(t *table, ids api.IDRange, want map[string]*queue.Row, strays map[string]string, generation int64) (differed []queue.Ref) {
	all := b.inRange(t, ids, math.MaxInt64)
	if len(b.missing) > 0 {
		return nil
	}
	note := func(id string) {
		if _, ok := all[id]; !ok && ids.Contains(id) {
			all[id] = known{Entity: queue.Entity{Ref: queue.Ref{Type: t.schema.Type, ID: id}}, table: t}
		}
	}
	for id := range want {
		note(id)
	}
	for id := range strays {
		note(id)
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		k, row := all[id], want[id]
		sort, stray := strays[id]
		if !stray && b.sameContent(k, row) {
			continue
		}
		differed = append(differed, k.Ref)
		switch {
		case k.pending:
			k.Confirm(row)
			b.putPending(&k.Entity, generation)
			continue
		case stray && k.base != nil, stray && !k.listed:
			k.sort, k.listed = sort, true
		}
		b.confirm(k, row, generation)
	}
	return differed
}

// sameContent reports whether what is held is intact and has the content of a row.
func (b *batch) sameContent(k known, row *queue.Row) bool {
	if k.base == nil {
		return k.Confirmed.SameContent(row)
	}
	if row == nil || row.Version != k.base.version || api.ContentHash(row.Document) != k.base.hash {
		return false
	}
	intact, _ := b.intact(k.table, *k.base)
	return intact
}

// strays looks for rows of a range whose ids don't know them as they are listed, and
// returns where they are. There are none unless Digest has found leaves and ids to
// disagree.
func (s *Store) strays(ctx context.Context, r sync.Repair) (map[string]string, error) {
	found := map[string]string{}
	for from, more := 0, true; more; from += s.options.Bounds.PartPages {
		err := s.read(ctx, func(st *state) error {
			t := st.tables[r.Type]
			if more = t.suspects(r.IDs); !more {
				return nil
			}
			for i := from; i < min(from+st.bounds.PartPages, len(t.list.leaves)); i++ {
				st.straysOf(t, i, r.IDs, found)
			}
			more = from+st.bounds.PartPages < len(t.list.leaves)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// suspects reports whether leaves and ids disagree in a bucket of the range.
func (t *table) suspects(ids api.IDRange) bool {
	for n, suspect := range t.suspect {
		of := api.BucketRange(n)
		if suspect && (ids.To == "" || of.From < ids.To) && (of.To == "" || ids.From < of.To) {
			return true
		}
	}
	return false
}

// straysOf adds those of one leaf.
func (st *state) straysOf(t *table, i int, ids api.IDRange, found map[string]string) {
	leaf, ok := st.leaf(t, i)
	if !ok {
		return
	}
	for n := range leaf.rows {
		l := &leaf.rows[n]
		if !ids.Contains(l.id) || t.entries[l.id] != nil {
			continue
		}
		r, known, ok := st.findID(t, l.id)
		if ok && (!known || r.sort != l.sort || r.version != l.version || r.hash != l.hash()) {
			found[l.id] = l.sort
		}
	}
}
