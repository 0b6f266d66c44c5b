// Package storetest is the contract of the server's stores as a test suite. A store that passes
// can serve the HTTP interface.
package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/signin"
	"github.com/rollcall/rollcall/server/store"
)

// Store is a store's whole interface.
type Store interface {
	rest.Store
	store.Tidier
	signin.Store
	Audit(ctx context.Context, from time.Time, f func(account.Event) error) error
	Effects(ctx context.Context, from time.Time, account *string, f func(store.Effect) error) error
	History(ctx context.Context, id string, until int64) (store.Past, error)
	Erase(ctx context.Context, id string) error
	Find(ctx context.Context, ids, emailKeys []string) ([]store.Row, error)
	Close() error
}

// Options are what the suite controls in a store.
type Options struct {
	Now       func() time.Time
	Committed func()
}

// Open opens a new, empty store. The suite closes it.
type Open func(t *testing.T, o Options) Store

// Run runs the suite.
func Run(t *testing.T, open Open) {
	tests := []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"operations", testOperations},
		{"order in a batch", testBatchOrder},
		{"strings", testStrings},
		{"versions from outside", testVersionsFromOutside},
		{"operations of older programs", testOlderTexts},
		{"stamps and times", testStampsAndTimes},
		{"exactly once", testExactlyOnce},
		{"exactly once, concurrently", testExactlyOnceConcurrently},
		{"ahead of its entity", testAhead},
		{"prune", testPrune},
		{"erased", testErased},
		{"key used again", testKeyUsedAgain},
		{"scopes", testScopes},
		{"email", testEmail},
		{"emails that move within a batch", testEmailsMove},
		{"email, concurrently", testEmailConcurrently},
		{"one entity, concurrently", testEntityConcurrently},
		{"linearizable", testLinearizable},
		{"list", testList},
		{"folding", testFolding},
		{"find", testFind},
		{"updated after, with a stopped clock", testUpdatedAfter},
		{"feed", testFeed},
		{"listing", testListing},
		{"cursors", testCursors},
		{"collected tombstones", testCollect},
		{"digest", testDigest},
		{"digest, concurrently", testDigestConcurrently},
		{"buckets", testBuckets},
		{"pages by bytes", testPagesByBytes},
		{"no skipped change", testNoSkippedChange},
		{"notifications", testNotifications},
		{"accounts", testAccounts},
		{"accounts, concurrently", testAccountsConcurrently},
		{"when grants were used", testTouch},
		{"audit log", testAudit},
		{"history", testHistory},
		{"history is forgotten", testForget},
		{"closed", testClosed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := &fixture{T: t, clock: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
			b.store = open(t, Options{Now: b.now, Committed: b.committed})
			defer func() {
				if err := b.store.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			test.test(t, b)
		})
	}
}

// fixture is a store under test with its clock.
type fixture struct {
	*testing.T
	store Store

	mu      sync.Mutex
	clock   time.Time
	commits int // that were reported
}

func (b *fixture) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *fixture) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}

func (b *fixture) committed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commits++
}

func (b *fixture) reportedCommits() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.commits
}

const clientID = "5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11"

// op makes an operation with a new id. Data is JSON or empty.
func op(id string, t api.OperationType, base int64, data string) api.Operation {
	return api.Operation{
		ID: uuid.NewString(), EntityType: api.EntityUser, EntityID: id, Type: t, Data: []byte(data), BaseVersion: base,
		CreatedAt: time.Date(2026, 1, 31, 11, 0, 0, 0, time.UTC),
	}
}

func person(name, email string) string { return fmt.Sprintf(`{"name":%q,"email":%q}`, name, email) }

// apply applies valid operations as one batch.
func (b *fixture) apply(ops ...api.Operation) []store.Outcome {
	b.Helper()
	outcomes, err := try(b.Context(), b.store, ops...)
	if err != nil {
		b.Fatal(err)
	}
	return outcomes
}

func try(ctx context.Context, s Store, ops ...api.Operation) ([]store.Outcome, error) {
	var writes []store.Write
	for _, op := range ops {
		w, problem := store.Prepare(clientID, op)
		if problem != nil {
			return nil, problem
		}
		writes = append(writes, w)
	}
	outcomes, err := s.Apply(ctx, writes)
	if err == nil && len(outcomes) != len(ops) {
		return nil, fmt.Errorf("%d outcomes for %d operations", len(outcomes), len(ops))
	}
	return outcomes, err
}

// one applies an operation and fails the test unless it gets the status.
func (b *fixture) one(op api.Operation, want api.Status) store.Outcome {
	b.Helper()
	o := b.apply(op)[0]
	if o.Result.Status != want || o.Result.ID != op.ID {
		b.Fatalf("%s of %s on version %d: %+v, want %s", op.Type, op.EntityID, op.BaseVersion, o.Result, want)
	}
	return o
}

func (b *fixture) create(name, email string) string {
	b.Helper()
	id := uuid.NewString()
	b.one(op(id, api.Create, 0, person(name, email)), api.Applied)
	return id
}

func (b *fixture) head() string {
	b.Helper()
	head, err := b.store.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return head
}

// unchanged fails the test if f changes the feed.
func (b *fixture) unchanged(f func()) {
	b.Helper()
	before := b.head()
	f()
	if b.head() != before {
		b.Error("the feed changed, want it unchanged")
	}
}

// start is the cursor before the first change.
func (b *fixture) start() string {
	head, err := feed.ParseCursor(b.head())
	if err != nil {
		b.Fatal(err)
	}
	return feed.Cursor{Epoch: head.Epoch}.String()
}

// feed reads the feed from a cursor to its end, in pages of the given size.
func (b *fixture) feed(cursor string, limit int) (changes []api.Change, end string) {
	b.Helper()
	for {
		page, err := b.store.Changes(b.Context(), cursor, limit)
		if err != nil {
			b.Fatal(err)
		}
		from, _ := feed.ParseCursor(cursor)
		listing := cursor == "" || from.Listing // what has changed meanwhile is left out
		if len(page.Changes) > limit || (page.HasMore && !listing && len(page.Changes) < limit) || page.Changes == nil {
			b.Fatalf("a page of at most %d has %d changes, more: %v", limit, len(page.Changes), page.HasMore)
		}
		changes, cursor = append(changes, page.Changes...), page.Cursor
		if !page.HasMore {
			return changes, cursor
		}
	}
}

// together calls f n times concurrently and returns the errors.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	group.Wait()
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}
