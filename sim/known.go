package sim

import (
	"context"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// learn notes that the browser has saved that an entity has a version, be it a deletion.
func (b *browser) learn(id string, version int64) {
	if !b.corrupted[id] {
		b.known[id] = max(b.known[id], version)
	}
}

// learnPage notes what a page of the feed says. A feed that is read anew is right about everything.
func (b *browser) learnPage(page sync.Page) {
	for _, c := range page.Changes {
		if page.Resync {
			b.known[c.EntityID] = c.Version
		}
		b.learn(c.EntityID, c.Version)
	}
}

// noteCopy notes whether the page of the feed that leads to a cursor was a cache's copy.
func (b *browser) noteCopy(resp sync.Response, copied bool) {
	if !copied && len(b.copied) == 0 {
		return
	}
	if page, err := api.ParseLines(resp.Body); err == nil {
		b.copied[page.Cursor] = copied
	}
}

// excuse returns what undoes the knowledge of those whom a copied page, or an event behind it, may
// bring back. A device keeps nothing of the deleted: nobody but the server, when it is asked next,
// tells that a page of a cache which keeps even what has an address of its own is older than an
// answer.
func (b *browser) excuse(page sync.Page) (forget func()) {
	cursor, moves := page.Meta[sync.MetaCursor]
	if moves && cursor == "" {
		b.oldList = false // a resync begins
	}
	if !b.copied[cursor] {
		return func() {}
	}
	gone := b.gone()
	return func() {
		b.oldList = b.oldList || page.Resync
		b.forget(gone)
	}
}

// gone are the entities that the browser has known, and has no row of.
func (b *browser) gone() (ids []string) {
	for id := range b.known {
		if e, err := b.stored().Entity(context.Background(), userRef(id)); err == nil && e.Confirmed == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

func (b *browser) forget(ids []string) {
	for _, id := range ids {
		delete(b.known, id)
	}
}

// learnAnswer notes what an answer says about the entity, once it has settled an operation.
func (b *browser) learnAnswer(s *slot, id string, settled []queue.Operation) {
	for _, o := range settled {
		if r, ok := s.answer.results[o.ID]; ok && s.who.Kind == host {
			b.learn(id, r.Version)
		}
	}
}

// checkKnown checks that a row is not older than what the browser has known of the entity. What
// is lost on the server may be gone here, too.
func (b *browser) checkKnown(id string, row *queue.Row, restored bool) {
	known, now := b.known[id], b.w.server.model.entities[id]
	switch {
	case row == nil || row.Version >= known || b.corrupted[id] || now.life > 0:
	case restored || now.version < known: // the server's data went back
		b.known[id] = row.Version
	default:
		b.w.fail(6, "entity %s is back as version %d, though this browser has known version %d", id, row.Version, known)
	}
}
