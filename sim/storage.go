package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// storage is a slot's view of its browser's store: the replica of its process. Each call
// pauses, its transactions may fail as the script says, and each change is checked.
type storage struct {
	*slot
}

var (
	_ sync.Store       = storage{}
	_ repository.Store = storage{}
)

// read pauses and returns the replica.
func (s storage) read() *replica.Store {
	s.me().enter(reading, nil)
	s.b.deliver()
	return s.replica
}

// write pauses, then has the replica do something. It calls saved as soon as the first
// transaction has saved something.
func (s storage) write(do func(*replica.Store) error, saved func()) error {
	me := s.me()
	me.enter(writing, saved)
	s.b.deliver()
	s.w.logf("%s writes", me.who)
	err := do(s.replica)
	me.call.saved = nil
	if errors.Is(err, queue.ErrFenced) {
		s.w.stats.hit("fenced")
	}
	return err
}

// Update implements queue.Store.
func (s storage) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	var before, after []queue.Entity
	var saved []*queue.Entity
	return s.write(func(m *replica.Store) error {
		return m.Update(ctx, txn, func(es []*queue.Entity) error {
			before, after, saved = before[:0], after[:0], es
			for _, e := range es {
				before = append(before, shallow(e))
			}
			if err := decide(es); err != nil {
				return err
			}
			for i, e := range es {
				s.asOldTab(before[i], e)
				after = append(after, shallow(e))
			}
			return nil
		})
	}, func() {
		s.inRound("saved")
		for i, e := range saved {
			after[i].Operations = e.Operations // which have their Seq now
			s.logChange(before[i], after[i])
			s.b.checker.check(s.slot, before[i], after[i])
			s.b.checkVisible(e.Ref)
		}
	})
}

// logChange logs how an entity changed.
func (s storage) logChange(before, after queue.Entity) {
	if s.w.log == nil {
		return
	}
	describe := func(e queue.Entity) string {
		out := "none"
		if e.Confirmed != nil {
			out = fmt.Sprintf("v%d", e.Confirmed.Version)
		}
		for _, o := range e.Operations {
			out += fmt.Sprintf(" %s(%s %s on %d)", o.Type, o.ID[len(o.ID)-3:], o.State, o.BaseVersion)
		}
		return out
	}
	s.w.logf("%s saves entity %s: %s -> %s", s.who, before.Ref.ID[len(before.Ref.ID)-3:], describe(before), describe(after))
}

// shallow copies an entity deep enough to keep what decide may change.
func shallow(e *queue.Entity) queue.Entity {
	c := *e
	c.Operations = append([]queue.Operation(nil), e.Operations...)
	c.Conflicts = append([]queue.Conflict(nil), e.Conflicts...)
	if e.Confirmed != nil {
		row := *e.Confirmed
		c.Confirmed = &row
	}
	return c
}

// Entity implements queue.Store.
func (s storage) Entity(ctx context.Context, ref queue.Ref) (queue.Entity, error) {
	return s.read().Entity(ctx, ref)
}

// Due implements queue.Store.
func (s storage) Due(ctx context.Context, now time.Time, limit int) (queue.Due, error) {
	return s.read().Due(ctx, now, limit)
}

// Operations implements queue.Store.
func (s storage) Operations(ctx context.Context, after int64, limit int) ([]queue.Operation, error) {
	return s.read().Operations(ctx, after, limit)
}

// Rejected implements queue.Store.
func (s storage) Rejected(ctx context.Context, entityType string, limit int) ([]queue.Operation, error) {
	return s.read().Rejected(ctx, entityType, limit)
}

// Conflicts implements queue.Store.
func (s storage) Conflicts(ctx context.Context, limit int) ([]queue.Conflict, error) {
	return s.read().Conflicts(ctx, limit)
}

// Counts implements queue.Store.
func (s storage) Counts(ctx context.Context) (queue.Counts, error) {
	return s.read().Counts(ctx)
}

// Rows implements repository.Store.
func (s storage) Rows(ctx context.Context, w repository.Window) (repository.Rows, error) {
	return s.read().Rows(ctx, w)
}

// Meta implements sync.Store.
func (s storage) Meta(ctx context.Context, names ...string) (map[string]string, error) {
	return s.read().Meta(ctx, names...)
}

// SetMeta implements sync.Store.
func (s storage) SetMeta(ctx context.Context, values map[string]string) error {
	return s.write(func(m *replica.Store) error { return m.SetMeta(ctx, values) }, s.b.checkCursor)
}

// BeginRound implements sync.Store.
func (s storage) BeginRound(ctx context.Context) (fence int64, err error) {
	began := false
	err = s.write(func(m *replica.Store) error {
		fence, err = m.BeginRound(ctx)
		return err
	}, func() { began = true })
	if began {
		if s.b.locks.holder(sync.RoundLock) != s.slot && !s.unaware {
			s.w.fail(10, "%s began a round without holding the round lock", s.who)
		}
		s.fence, s.b.fence = fence, fence
	}
	return fence, err
}

// inRound checks that the round that has just saved something is the only one.
func (s storage) inRound(what string) {
	if s.who.Kind == host && s.fence != s.b.fence {
		s.w.fail(10, "%s %s in a round that another has superseded", s.who, what)
	}
}

// ApplyPage implements sync.Store.
func (s storage) ApplyPage(ctx context.Context, page sync.Page) (changed []queue.Ref, err error) {
	var forget func()
	err = s.write(func(m *replica.Store) error {
		forget = s.b.excuse(page)
		changed, err = m.ApplyPage(ctx, page)
		return err
	}, func() {
		forget()
		s.checkPage(page)
	})
	return changed, err
}

// checkPage checks what a page of changes has made of the storage.
func (s storage) checkPage(page sync.Page) {
	s.b.learnPage(page)
	s.inRound("saved a page")
	if page.Meta[sync.MetaCursor] != "" && s.reads == 0 {
		s.w.stats.hit("event taken as a page")
	}
	s.w.logf("%s saves a page: %d changes, resync %t, %v", s.who, len(page.Changes), page.Resync, page.Meta)
	if _, done := page.Meta[sync.MetaSyncedAt]; done {
		switch _, measured := page.Meta[sync.MetaSkew]; {
		case s.clockMeasured:
			s.b.clockCompared, s.b.clockComparedAt = true, s.w.now
		case measured && s.clockJumped:
			s.b.clockCompared = false
		}
		return
	}
	if page.Meta[sync.MetaCursor] == "" {
		s.w.stats.hit("resync")
	}
	for _, c := range page.Changes {
		if s.b.restored && !page.Resync { // a page has no excuse
			e, err := s.b.stored().Entity(context.Background(), userRef(c.EntityID))
			s.w.must(err)
			s.b.checkKnown(c.EntityID, e.Confirmed, false)
		}
		s.b.checkVisible(queue.Ref{Type: c.EntityType, ID: c.EntityID})
	}
	s.b.checker.checkUntouched("a page of changes")
	s.b.checkCursor()
}

// inParts is write for what takes a transaction for each part of the rows.
func (s storage) inParts(what, queueUntouchedBy string, do func(*replica.Store) ([]queue.Ref, error)) (changed []queue.Ref, err error) {
	var saved func()
	saved = func() {
		s.inRound(what)
		s.b.checker.checkUntouched(queueUntouchedBy)
		s.me().call.saved = saved
	}
	err = s.write(func(m *replica.Store) error {
		changed, err = do(m)
		return err
	}, saved)
	for _, ref := range changed {
		s.b.checkVisible(ref)
	}
	return changed, err
}

// Sweep implements sync.Store.
func (s storage) Sweep(ctx context.Context, fence int64, entityType string, generation int64) ([]queue.Ref, error) {
	removed, err := s.inParts("swept", "a sweep", func(m *replica.Store) ([]queue.Ref, error) {
		return m.Sweep(ctx, fence, entityType, generation)
	})
	if len(removed) > 0 {
		s.w.stats.hit("sweep removed rows")
	}
	if s.b.oldList {
		s.b.forget(s.b.gone())
	}
	return removed, err
}

// Digest implements sync.Store.
func (s storage) Digest(ctx context.Context, entityType string) (api.Digest, error) {
	return s.read().Digest(ctx, entityType)
}

// Tidy implements sync.Store.
func (s storage) Tidy(ctx context.Context) (more bool, err error) {
	err = s.write(func(m *replica.Store) error {
		more, err = m.Tidy(ctx)
		return err
	}, nil)
	return more, err
}

// Reindex implements sync.Store.
func (s storage) Reindex(ctx context.Context, fence int64, entityType, from string) (next string, err error) {
	err = s.write(func(m *replica.Store) error {
		next, err = m.Reindex(ctx, fence, entityType, from)
		return err
	}, nil)
	return next, err
}

// Repair implements sync.Store.
func (s storage) Repair(ctx context.Context, r sync.Repair) ([]queue.Ref, error) {
	differed, err := s.inParts("repaired a bucket", "a repair", func(m *replica.Store) ([]queue.Ref, error) {
		return m.Repair(ctx, r)
	})
	s.w.logf("%s repairs %d rows of a bucket", s.who, len(differed))
	if len(differed) > 0 {
		s.w.stats.hit("rows repaired")
	}
	if err == nil {
		s.b.checkCursor()
	}
	return differed, err
}

// checkVisible checks that the visible row is the confirmed row with the operations
// applied, and that the server once had that confirmed row.
func (b *browser) checkVisible(ref queue.Ref) {
	if b.corrupted[ref.ID] {
		return // checked after all faults ended
	}
	ctx := context.Background()
	e, err := b.stored().Entity(ctx, ref)
	if err != nil {
		b.w.fail(5, "read entity %s: %v", ref.ID, err)
		return
	}
	b.checkKnown(ref.ID, e.Confirmed, b.restored)
	var want fields
	var there bool
	if e.Confirmed != nil {
		want, there = b.w.reader.fieldsOf(e.Confirmed.Document)
		if !b.w.server.model.had(ref.ID, e.Confirmed.Version, want) {
			b.w.fail(5, "entity %s is confirmed as version %d %+v, which the server never had", ref.ID, e.Confirmed.Version, want)
		}
	}
	for _, o := range e.Operations {
		want, there = operated(want, there, o)
	}
	got, visible := b.visible(ref)
	switch {
	case visible != there && len(e.Operations) > 0 && e.Operations[0].State == queue.Rejected:
		// A rejected delete leaves its row visible.
	case visible != there || got != want:
		b.w.fail(5, "entity %s shows %t %+v; confirmed row and operations make %t %+v", ref.ID, visible, got, there, want)
	}
}

// operated applies an operation to an entity.
func operated(f fields, there bool, o queue.Operation) (fields, bool) {
	if o.Type == api.Delete {
		return fields{}, false
	}
	if !there && o.Type == api.Update {
		f, _ = fieldsOf(o.Base)
	}
	data, ok := patchOf(o.Data)
	if !ok {
		return f, there
	}
	return f.with(data), true
}

// visible returns what the list shows of an entity.
func (b *browser) visible(ref queue.Ref) (fields, bool) {
	stored := b.stored()
	if b.list == nil {
		b.list = map[queue.Ref]json.RawMessage{}
		rows, err := stored.Rows(context.Background(), repository.Window{Type: ref.Type, Limit: 1 << 20})
		if err != nil {
			b.w.fail(5, "read the list: %v", err)
		}
		for _, v := range rows.Views {
			b.list[v.Ref] = v.Document
		}
		if len(b.corrupted) == 0 && (len(b.list) != rows.Total || len(rows.Views) != rows.Total) {
			b.w.fail(5, "the list of %d rows has %d of %d entities", rows.Total, len(rows.Views), len(b.list))
		}
	}
	document, ok := b.list[ref]
	if !ok {
		return fields{}, false
	}
	return b.w.reader.fieldsOf(document)
}

// era is the era of the browser's rows; -1 while they may be of several: during a resync, and until
// what the server has lost unnoticed is gone.
func (b *browser) era() int {
	meta, err := b.stored().Meta(context.Background(), sync.MetaCursor, sync.MetaResync, sync.MetaCheck)
	if err != nil || meta[sync.MetaResync] != "" {
		return -1
	}
	cursor, err := feed.ParseCursor(meta[sync.MetaCursor])
	if err != nil || b.w.server.comparisonDue(meta[sync.MetaCheck], cursor) {
		return -1
	}
	return b.w.server.eraOf(cursor)
}

// checkCursor checks that the storage has every change its cursor has passed.
func (b *browser) checkCursor() {
	ctx := context.Background()
	meta, err := b.stored().Meta(ctx, sync.MetaCursor, sync.MetaResync, sync.MetaCheck)
	if err != nil {
		b.w.fail(6, "read the cursor: %v", err)
		return
	}
	text := meta[sync.MetaCursor]
	if text == "" {
		return
	}
	cursor, err := feed.ParseCursor(text)
	if err != nil {
		b.w.fail(6, "the stored cursor: %v", err)
		return
	}
	if b.w.server.eraOf(cursor) != b.w.server.era {
		return // the server will refuse it
	}
	if b.w.server.comparisonDue(meta[sync.MetaCheck], cursor) {
		return // it brings what was lost since the copy
	}
	for _, id := range b.w.server.model.ids() {
		e := b.w.server.model.entities[id]
		sort, _ := api.Index(e.fields.Name, e.fields.Email)
		unlisted := cursor.Listing && (queue.Key{Sort: sort, ID: id}).Compare(queue.Key{Sort: cursor.Sort, ID: cursor.ID}) > 0
		if b.corrupted[id] || e.change > cursor.Change || unlisted || (e.deleted && meta[sync.MetaResync] != "") {
			continue
		}
		row, err := b.stored().Entity(ctx, userRef(id))
		switch {
		case err != nil:
			b.w.fail(6, "read entity %s: %v", id, err)
		case e.deleted && row.Confirmed != nil && row.Confirmed.Version < e.version:
			b.w.fail(6, "the cursor passed change %d, the deletion of %s, but version %d is still stored", e.change, id, row.Confirmed.Version)
		case !e.deleted && (row.Confirmed == nil || row.Confirmed.Version < e.version):
			b.w.fail(6, "the cursor passed change %d, but version %d of %s is not stored", e.change, e.version, id)
		}
	}
}
