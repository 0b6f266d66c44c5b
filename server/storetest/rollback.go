package storetest

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

// Rollback is a database that somebody puts an older copy of in place of, without telling it:
// from a snapshot of the disk, say, or because a standby took over that lacked the last commits.
type Rollback struct {
	Open    func() Store
	Save    func() // copies the database while it is closed
	PutBack func() // puts the copy in its place while it is closed
}

// RunRollback checks that clients notice, and that what is lost is not taken for what comes
// instead.
func RunRollback(t *testing.T, r Rollback) {
	b := &fixture{T: t, store: r.Open()}
	ann, bo := b.create("Ann", "ann@example.org"), b.create("Bo", "bo@example.org")
	kept := b.last("")
	b.reopen(r, r.Save)

	again := b.last(kept.Cursor)
	if len(again.Changes) > 0 || again.Epoch == kept.Epoch || again.Digests[api.EntityUser] != kept.Digests[api.EntityUser] {
		t.Errorf("after a restart that lost nothing: %+v, want another epoch than %q with the same digest, and no changes", again, kept.Epoch)
	}
	b.one(op(bo, api.Delete, 1, ""), api.Applied)
	lost := b.one(op(ann, api.Update, 1, `{"bio":"lost"}`), api.Applied).Result
	b.create("Cy", "cy@example.org")
	cursor := b.head()
	b.reopen(r, r.PutBack)

	if _, err := b.store.Changes(t.Context(), cursor, 10); !errors.Is(err, feed.ErrResync) {
		t.Errorf("a client that has read what is lost gets %v, want a resync", err)
	}
	after := b.last(kept.Cursor)
	if len(after.Changes) > 0 || after.Epoch == kept.Epoch || after.Epoch == again.Epoch {
		t.Errorf("a client from before it: %+v, want no changes and an epoch other than %q and %q", after, kept.Epoch, again.Epoch)
	}
	for _, bad := range []string{kept.Cursor, cursor} {
		if _, err := b.store.Bucket(t.Context(), store.BucketQuery{Cursor: bad, Limit: 5}); !errors.Is(err, feed.ErrResync) {
			t.Errorf("a bucket for a cursor of another epoch: %v, want a resync", err)
		}
	}
	// Nothing that was based on the lost version takes effect, nor has any other its number.
	b.one(op(ann, api.Update, lost.Version, `{"bio":"on what is lost"}`), api.Conflict)
	b.one(op(ann, api.Delete, lost.Version, ""), api.Conflict)
	now := b.one(op(ann, api.Update, 1, `{"bio":"instead"}`), api.Applied).Result
	if now.Version <= lost.Version {
		t.Errorf("it goes on with version %d, though clients have seen %d", now.Version, lost.Version)
	}
	b.one(op(ann, api.Update, lost.Version, `{"bio":"still on what is lost"}`), api.Conflict)
	if page := b.last(after.Cursor); len(page.Changes) != 1 || page.Changes[0].Version != now.Version {
		t.Errorf("then the feed goes on with %+v", page.Changes)
	}
	b.checkDigest("at last")
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
}

// RunHotRollback checks the same for a copy that was made while the database was open: clients
// know an epoch, and changes in it that are lost. Open opens the copy when it is called again.
func RunHotRollback(t *testing.T, open func() Store, copied func()) {
	b := &fixture{T: t, store: open()}
	ann := b.create("Ann", "ann@example.org")
	kept := b.head()
	copied()
	b.one(op(ann, api.Update, 1, `{"bio":"lost"}`), api.Applied)
	cursor := b.head()
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	b.store = open()
	b.one(op(ann, api.Update, 1, `{"bio":"instead"}`), api.Applied)
	for _, from := range []string{kept, cursor} {
		page := b.last(from)
		var u api.User
		if len(page.Changes) != 1 || json.Unmarshal(page.Changes[0].Document, &u) != nil || u.Bio != "instead" {
			t.Errorf("from %q: %+v, want the change that came instead of the lost one", from, page.Changes)
		}
	}
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
}

// last returns the feed's page after a cursor, which is the last.
func (b *fixture) last(cursor string) api.ChangePage {
	b.Helper()
	page, err := b.store.Changes(b.Context(), cursor, 10)
	if err != nil || page.HasMore || page.Epoch == "" {
		b.Fatalf("the feed after %q: %+v (%v), want its last page", cursor, page, err)
	}
	return page
}

func (b *fixture) reopen(r Rollback, meanwhile func()) {
	b.Helper()
	if err := b.store.Close(); err != nil {
		b.Fatal(err)
	}
	meanwhile()
	b.store = r.Open()
}
