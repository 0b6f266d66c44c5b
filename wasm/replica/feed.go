package replica

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// ApplyPage implements sync.Store. It skips a change of a type without a schema, so that
// it does not block the others. A part of the log that has become long goes into the base, also
// by a page without changes: a round that has compared and repaired notes that by one.
func (s *Store) ApplyPage(ctx context.Context, page sync.Page) (changed []queue.Ref, err error) {
	at := s.options.Now().UTC()
	fills := s.options.Bounds.fills(page)
	if fills {
		if err := s.learn(ctx, &page.Changes[0]); err != nil {
			return nil, err
		}
	}
	err = s.write(ctx, txn{relaxed: true, fence: page.Fence, base: fills}, func(b *batch) error {
		changed = nil
		seen := map[string][]string{}
		b.setMeta(page.Meta)
		left := page.Changes
		if fills {
			changed, left = b.fill(page, at)
		}
		if len(b.missing) > 0 {
			return nil // or all that is left would be looked for, and most of the ids be read
		}
		b.w.text = slices.Grow(b.w.text, sizeOf(left))
		if len(left) > 0 && !page.Resync {
			b.dropKnown()
		}
		for _, c := range left {
			if _, ok := s.schemas[c.EntityType]; !ok {
				continue
			}
			switch b.apply(c, page, at) {
			case asBefore:
				seen[c.EntityType] = append(seen[c.EntityType], c.EntityID)
			case visible:
				changed = append(changed, queue.Ref{Type: c.EntityType, ID: c.EntityID})
			}
		}
		b.markSeen(seen, page.Generation)
		b.noteGeneration(page.Generation)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if page.Meta[sync.MetaClient] == "" { // the first round of a device notes its id, and has work to send
		s.compactIfDue(ctx)
	}
	return changed, nil
}

// sizeOf is about how long a record of changes is.
func sizeOf(changes []api.Change) int {
	n := 100
	for i := range changes {
		n += len(changes[i].Document) + 220
	}
	return n
}

// What a change of the feed does.
type effect int

const (
	hidden   effect = iota // nothing that a person sees
	visible                // the visible row changes
	asBefore               // nothing; the generation of the row is older
)

// apply writes what a change makes of its entity.
func (b *batch) apply(c api.Change, page sync.Page, at time.Time) effect {
	ref := queue.Ref{Type: c.EntityType, ID: c.EntityID}
	t := b.tables[ref.Type]
	if t.entries[ref.ID] == nil {
		return b.applyToBase(t, c, page, at)
	}
	k := b.find(ref)
	skips := page.Skips(k.Confirmed, c)
	switch {
	case k.pending && (!skips || k.generation != page.Generation):
		e := k.Entity
		before, had := e.View()
		if !skips {
			e.Confirm(confirmedRow(c, at))
		}
		b.putPending(&e, page.Generation)
		if after, has := e.View(); had != has || has && !before.Equal(after) {
			return visible
		}
		return hidden
	case k.pending:
		return hidden
	case skips && k.generation != page.Generation:
		b.putRow(k, k.Confirmed, page.Generation)
		return hidden
	case skips, k.Confirmed == nil && c.Deleted:
		return hidden
	}
	return b.confirm(k, confirmedRow(c, at), page.Generation)
}

// confirm writes the row of an entity that has no operations.
func (b *batch) confirm(k known, row *queue.Row, generation int64) effect {
	if row == nil {
		b.dropRow(k)
		return visible
	}
	b.putRow(k, row, generation)
	if k.Confirmed.Equal(row) {
		return hidden
	}
	return visible
}

// applyToBase is apply for an entity that only the base may have. It needs no leaf, unless
// that was never read: what is known of the row with its id decides.
func (b *batch) applyToBase(t *table, c api.Change, page sync.Page, at time.Time) effect {
	r, found, ok := b.findID(t, c.EntityID)
	if !ok {
		return hidden
	}
	k := known{Entity: queue.Entity{Ref: queue.Ref{Type: c.EntityType, ID: c.EntityID}}, table: t}
	if found {
		k = b.knownByID(t, r)
	}
	row := confirmedRow(c, at)
	if found && skips(r, c, page) {
		intact, ok := b.intact(t, r)
		switch {
		case !ok:
			return hidden
		case intact && k.generation != page.Generation:
			return asBefore
		case intact:
			return hidden
		}
	}
	if !found && row == nil {
		return hidden
	}
	return b.confirm(k, row, page.Generation)
}

// skips is Page.Skips of a row of which the hash is known.
func skips(r idRow, c api.Change, page sync.Page) bool {
	had := &queue.Row{Version: r.version}
	if c.Version == r.version && !c.Deleted && api.ContentHash(c.Document) == r.hash {
		had.Document = c.Document
	}
	return page.Skips(had, c)
}

// intact reports whether a row of the base is as it was saved. A leaf that was read once
// is not read again for that, unless leaves and ids disagree.
func (st *state) intact(t *table, r idRow) (intact, ok bool) {
	if l := &t.list.leaves[t.list.at(r.key())]; l.verified && l.number != 0 && !t.suspect[api.BucketOf(r.id)] {
		return true, true
	}
	row, ok := st.findRow(t, r)
	return row != nil && row.version == r.version && row.hash() == r.hash, ok
}

func (b *batch) markSeen(ids map[string][]string, generation int64) {
	for entityType, ids := range ids {
		b.w.start('s').string(entityType).number(generation)
		for _, id := range ids {
			b.w.string(id)
		}
		b.w.end()
	}
}

func confirmedRow(c api.Change, at time.Time) *queue.Row {
	if c.Deleted {
		return nil
	}
	return &queue.Row{Version: c.Version, Stamp: c.Stamp, Document: c.Document, SyncedAt: at}
}

// Sweep implements sync.Store.
func (s *Store) Sweep(ctx context.Context, fence int64, entityType string, generation int64) (removed []queue.Ref, err error) {
	if _, ok := s.schemas[entityType]; !ok {
		return nil, nil
	}
	for from, more := "", true; more; {
		var part []queue.Ref
		var next string
		err = s.write(ctx, txn{relaxed: true, fence: fence}, func(b *batch) error {
			part = nil
			t := b.tables[entityType]
			ids := api.IDRange{From: from}
			ids.To, more = b.partOf(t, ids)
			next = ids.To
			all := b.inRange(t, ids, generation)
			if len(b.missing) > 0 {
				return nil
			}
			for _, id := range slices.Sorted(maps.Keys(all)) {
				if k := all[id]; b.sweep(k) {
					part = append(part, k.Ref)
				}
			}
			return nil
		})
		if err != nil {
			return removed, err
		}
		if removed = append(removed, part...); more {
			sync.ReportProgress(ctx)
		}
		from = next
	}
	return removed, nil
}

// partOf returns where the part of a range ends that one transaction takes, and whether
// there is more behind it.
func (st *state) partOf(t *table, ids api.IDRange) (to string, more bool) {
	i := t.ids.at(queue.Key{ID: ids.From}) + st.bounds.PartPages
	if i >= len(t.ids.leaves) || ids.To != "" && t.ids.leaves[i].first.ID >= ids.To {
		return ids.To, false
	}
	return t.ids.leaves[i].first.ID, true
}

// sweep removes a confirmed row, and reports whether there was any.
func (b *batch) sweep(k known) bool {
	switch {
	case k.pending && k.Confirmed != nil:
		k.Confirm(nil)
		b.putPending(&k.Entity, k.generation)
		return true
	case k.pending:
		return false
	}
	b.dropRow(k)
	return k.listed
}

// inRange returns all that is known of a range of ids, of the generations before one: of rows
// of the base only what their ids say.
func (st *state) inRange(t *table, ids api.IDRange, before int64) map[string]known {
	found := map[string]known{}
	if !st.readFresh(t) {
		return nil
	}
	for i := t.ids.at(queue.Key{ID: ids.From}); i < len(t.ids.leaves); i++ {
		if ids.To != "" && t.ids.leaves[i].first.ID >= ids.To {
			break
		}
		pages, ok := st.idsPages(t, i)
		if !ok {
			continue
		}
		for _, page := range pages {
			for _, r := range page.rows {
				if ids.Contains(r.id) && t.entries[r.id] == nil && t.generation(r) < before {
					found[r.id] = st.knownByID(t, r)
				}
			}
		}
		for _, r := range t.lacking(&t.ids, i) {
			if ids.Contains(r.id) && t.generation(r.idRow) < before {
				found[r.id] = st.knownByID(t, r.idRow)
			}
		}
	}
	for id, e := range t.entries {
		if ids.Contains(id) && e.confirmedBefore(before) {
			found[id] = st.find(queue.Ref{Type: t.schema.Type, ID: id})
		}
	}
	return found
}

// knownByID is what the ids say of a row of the base.
func (st *state) knownByID(t *table, r idRow) known {
	r.generation = t.generation(r)
	return known{
		Entity: queue.Entity{Ref: queue.Ref{Type: t.schema.Type, ID: r.id}}, table: t,
		base: &r, generation: r.generation, sort: r.sort, listed: true,
	}
}

// generation is the one that the row of an id was last seen in.
func (t *table) generation(r idRow) int64 {
	if m, ok := t.seen[r.id]; ok {
		return m.generation
	}
	return r.generation
}

// Reindex implements sync.Store, in the order of the list: a row that comes to lie behind
// is looked at twice.
func (s *Store) Reindex(ctx context.Context, fence int64, entityType, from string) (next string, err error) {
	schema, err := s.schema(queue.Ref{Type: entityType})
	if err != nil {
		return "", err
	}
	err = s.write(ctx, txn{relaxed: true, fence: fence}, func(b *batch) error {
		t := b.tables[entityType]
		sort, id, _ := strings.Cut(from, "\x00")
		start := t.list.at(queue.Key{Sort: sort, ID: id})
		end := min(start+b.bounds.PartPages, len(t.list.leaves))
		if next = ""; end < len(t.list.leaves) {
			next = t.list.leaves[end].first.Sort + "\x00" + t.list.leaves[end].first.ID
		}
		if from == "" {
			b.reindexEntries(t, schema)
		}
		for i := start; i < end; i++ {
			b.reindexLeaf(t, i, schema)
		}
		return nil
	})
	return next, err
}

// reindexEntries lists those rows anew that lie in the log. Rows with operations need
// nothing: they are listed whenever they are read.
func (b *batch) reindexEntries(t *table, schema queue.Schema) {
	for _, e := range t.entries {
		if e.row == nil || e.pending != nil {
			continue
		}
		if sort, _ := schema.Index(json.RawMessage(e.row.document())); sort != e.row.sort {
			k := b.find(queue.Ref{Type: schema.Type, ID: e.id})
			b.putRow(k, k.Confirmed, k.generation)
		}
	}
}

func (b *batch) reindexLeaf(t *table, i int, schema queue.Schema) {
	leaf, ok := b.leaf(t, i)
	page, ok2 := b.textPage(t, i)
	if !ok || !ok2 {
		return
	}
	texts := page.all()
	for n := range leaf.rows {
		row := &leaf.rows[n]
		if t.entries[row.id] != nil {
			continue
		}
		sort, text := schema.Index(json.RawMessage(row.document()))
		if sort == row.sort && text == texts.of(row.id, n).search {
			continue
		}
		if r, found, ok := b.findID(t, row.id); ok && found && r.sort == row.sort {
			b.putRow(b.knownByID(t, r), row.confirmed(), r.generation)
		}
	}
}
