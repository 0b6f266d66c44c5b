package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

// CheckDigest reads a store's whole feed in pages of the given size, and fails if the digest of
// the last page is not that of the live users. Nobody may write meanwhile.
func CheckDigest(ctx context.Context, s interface {
	Changes(ctx context.Context, cursor string, limit int) (api.ChangePage, error)
}, limit int) error {
	var want api.Digest
	cursor := ""
	for {
		page, err := s.Changes(ctx, cursor, limit)
		if err != nil {
			return fmt.Errorf("read the feed: %w", err)
		}
		for _, c := range page.Changes {
			if !c.Deleted {
				want.Add(c.EntityID, c.Version, api.ContentHash(c.Document))
			}
		}
		cursor = page.Cursor
		if page.HasMore {
			if len(page.Digests) > 0 {
				return errors.New("a page that is not the last has a digest")
			}
			continue
		}
		got, ok := page.Digests[api.EntityUser]
		if !ok || len(page.Digests) != 1 || got != want {
			return fmt.Errorf("the digest counts %d users, the feed has %d; buckets %v differ", got.Count, want.Count, want.Diff(&got))
		}
		return nil
	}
}

func (b *fixture) checkDigest(when string) {
	b.Helper()
	if err := CheckDigest(b.Context(), b.store, 7); err != nil {
		b.Errorf("%s: %v", when, err)
	}
}

// writeRandomly does random writes in batches; most take effect.
func (b *fixture) writeRandomly(rng *rand.Rand, batches int) {
	b.Helper()
	for range batches {
		var ops []api.Operation
		changes, _ := b.feed("", 1000)
		for range 1 + rng.IntN(6) {
			email := uuid.NewString() + "@example.org"
			o := op(uuid.NewString(), api.Create, 0, person("New", email))
			if len(changes) > 0 && rng.IntN(3) > 0 {
				c := changes[rng.IntN(len(changes))]
				o.EntityID, o.BaseVersion = c.EntityID, c.Version-int64(rng.IntN(8)/7)
				switch {
				case c.Deleted: // restored, or a conflict
				case rng.IntN(3) == 0:
					o.Type, o.Data = api.Delete, nil
				default:
					o.Type, o.Data = api.Update, fmt.Appendf(nil, `{"bio":"%d"}`, rng.IntN(1e6))
				}
			}
			ops = append(ops, o)
			if rng.IntN(5) == 0 {
				ops = append(ops, o) // sent twice
			}
		}
		b.apply(ops...)
	}
}

func testDigest(t *testing.T, b *fixture) {
	b.checkDigest("of an empty store")
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 8 {
		b.writeRandomly(rng, 12)
		b.checkDigest(fmt.Sprint("after writes, ", i))
		b.advance(time.Hour)
		if _, err := b.store.Collect(t.Context(), b.now().Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
		b.checkDigest(fmt.Sprint("after tombstones were collected, ", i))
	}
	page, err := b.store.Changes(t.Context(), b.head(), 10)
	if err != nil || page.Digests[api.EntityUser].Count == 0 {
		t.Errorf("after the end: %+v (%v), want a digest too", page, err)
	}
}

// testDigestConcurrently: a page that is read while others write has the digest of the state at
// its cursor.
func testDigestConcurrently(t *testing.T, b *fixture) {
	done := make(chan []error, 1)
	go func() {
		done <- together(4, func(i int) error {
			for n := range 15 {
				id := uuid.NewString()
				ops := []api.Operation{
					op(id, api.Create, 0, person("P", fmt.Sprintf("p%d-%d@example.org", i, n))),
					op(id, api.Update, 1, `{"bio":"x"}`),
				}
				if n%3 == 0 {
					ops = append(ops, op(id, api.Delete, 2, ""))
				}
				if _, err := try(t.Context(), b.store, ops...); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	rows := map[string]api.Change{}
	cursor, last := "", false
	for {
		page, err := b.store.Changes(t.Context(), cursor, 9)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Changes {
			delete(rows, c.EntityID)
			if !c.Deleted {
				rows[c.EntityID] = c
			}
		}
		cursor = page.Cursor
		if page.HasMore {
			continue
		}
		var want api.Digest
		for id, c := range rows {
			want.Add(id, c.Version, api.ContentHash(c.Document))
		}
		if got := page.Digests[api.EntityUser]; got != want {
			t.Fatalf("at %s the digest counts %d users, a replica has %d", cursor, got.Count, want.Count)
		}
		if last {
			return
		}
		select {
		case errs := <-done:
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			last = true
		default:
		}
	}
}

func testBuckets(t *testing.T, b *fixture) {
	var want [api.Buckets][]string
	for i := range 300 {
		id := uuid.NewString()
		b.one(op(id, api.Create, 0, person("P", fmt.Sprintf("p%d@example.org", i))), api.Applied)
		if i%10 == 0 {
			b.one(op(id, api.Delete, 1, ""), api.Applied)
			continue
		}
		want[api.BucketOf(id)] = append(want[api.BucketOf(id)], id)
	}
	feedOf := map[string]string{}
	changes, _ := b.feed("", 1000)
	for _, c := range changes {
		feedOf[c.EntityID] = fmt.Sprintf("%+v", c)
	}
	for n := range want {
		slices.Sort(want[n])
		for _, limit := range []int{1, 2, 1000} {
			if got := b.bucket(n, limit, feedOf); !slices.Equal(got, want[n]) {
				t.Errorf("bucket %d in pages of %d: %v, want %v", n, limit, got, want[n])
			}
		}
	}
	head, err := feed.ParseCursor(b.head())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		cursor string
		want   error
	}{
		{"abc", feed.ErrBadCursor},
		{feed.Cursor{Epoch: head.Epoch + 1, Change: 1}.String(), feed.ErrResync},
		{feed.Cursor{Epoch: head.Epoch, Change: head.Change + 1}.String(), feed.ErrResync},
	} {
		if _, err := b.store.Bucket(t.Context(), store.BucketQuery{Cursor: test.cursor, Limit: 5}); !errors.Is(err, test.want) {
			t.Errorf("cursor %q: %v, want %v", test.cursor, err, test.want)
		}
	}
}

// bucket reads a bucket page by page and returns its ids.
func (b *fixture) bucket(n, limit int, feedOf map[string]string) (ids []string) {
	b.Helper()
	q := store.BucketQuery{Cursor: b.head(), Bucket: n, Limit: limit}
	for {
		page, err := b.store.Bucket(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		if len(page.Changes) > limit || (page.HasMore && len(page.Changes) < limit) || page.Changes == nil {
			b.Fatalf("a page of at most %d has %d users, more: %v", limit, len(page.Changes), page.HasMore)
		}
		for _, c := range page.Changes {
			if got := fmt.Sprintf("%+v", c); got != feedOf[c.EntityID] {
				b.Fatalf("the bucket has %s, the feed %s", got, feedOf[c.EntityID])
			}
			ids, q.After = append(ids, c.EntityID), c.EntityID
		}
		if !page.HasMore {
			return ids
		}
	}
}
