// Package memory is a store in the memory of one process, for tests and the simulator. It has
// the contract of the others except durability.
package memory

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

// Options configure a Store. All are optional.
type Options struct {
	Now func() time.Time // time.Now by default
	// Committed is called after each commit that changed the feed. It must not block.
	Committed func()
	Epoch     uint64 // random by default
}

// Store is a store in memory. Its methods may be called by many goroutines.
type Store struct {
	opts Options

	mu      sync.RWMutex
	closed  bool
	feed    store.FeedState
	rows    map[string]*store.Row
	emails  map[string]string // email key to the live user's id
	records map[store.RecordKey]store.Record

	accounts accounts
	effects  []store.Effect
}

// New returns an empty store.
func New(o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Committed == nil {
		o.Committed = func() {}
	}
	if o.Epoch == 0 {
		o.Epoch = rand.Uint64()
	}
	nobody := account.NewState(0, account.Change{})
	nobody.Key = []byte(uuid.NewString() + uuid.NewString())
	return &Store{
		opts: o, feed: store.FeedState{State: feed.State{Epoch: o.Epoch}},
		rows: map[string]*store.Row{}, emails: map[string]string{}, records: map[store.RecordKey]store.Record{},
		accounts: accounts{state: nobody},
	}
}

// Apply does the writes in order, in one transaction.
func (s *Store) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	outcomes, changed, err := s.apply(writes)
	if err != nil {
		return nil, err
	}
	if changed {
		s.opts.Committed()
	}
	return outcomes, nil
}

func (s *Store) apply(writes []store.Write) ([]store.Outcome, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, fmt.Errorf("memory store is closed: %w", store.ErrUnavailable)
	}
	session := store.Session{Tx: tx{s}, Feed: s.feed, Now: s.opts.Now()}
	outcomes := make([]store.Outcome, 0, len(writes))
	for _, w := range writes {
		o, err := session.Do(w)
		if err != nil {
			o = store.Failed(w)
		}
		outcomes = append(outcomes, o)
	}
	changed := session.Feed.Change != s.feed.Change
	s.feed = session.Feed
	return outcomes, changed, nil
}

// tx is the store's Tx under its lock. It can't fail, so nothing needs to be undone.
type tx struct{ s *Store }

func (t tx) Row(id string) (*store.Row, error) { return t.s.rows[id], nil }

func (t tx) EmailOwner(key string) (string, error) { return t.s.emails[key], nil }

func (t tx) PutRow(r *store.Row) error {
	if old := t.s.rows[r.ID]; old != nil && !old.Deleted {
		delete(t.s.emails, old.EmailKey)
	}
	t.s.rows[r.ID] = r
	if !r.Deleted {
		t.s.emails[r.EmailKey] = r.ID
	}
	return nil
}

func (t tx) Record(key store.RecordKey) (*store.Record, error) {
	if r, ok := t.s.records[key]; ok {
		return &r, nil
	}
	return nil, nil
}

func (t tx) PutRecord(r store.Record) error {
	t.s.records[r.RecordKey] = r
	return nil
}

func (t tx) PutEffect(e store.Effect) error {
	t.s.effects = append(t.s.effects, e)
	return nil
}

// User returns a live user's row, or store.ErrNotFound.
func (s *Store) User(_ context.Context, id string) (store.Row, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.rows[id]
	if r == nil || r.Deleted {
		return store.Row{}, fmt.Errorf("user %s: %w", id, store.ErrNotFound)
	}
	return *r, nil
}

// Find returns the rows with one of the ids, tombstones included, and the live rows with one of
// the email keys.
func (s *Store) Find(_ context.Context, ids, emailKeys []string) (rows []store.Row, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	for _, key := range emailKeys {
		wanted[s.emails[key]] = true
	}
	for id := range wanted {
		if r := s.rows[id]; r != nil {
			rows = append(rows, *r)
		}
	}
	return rows, nil
}

// Users returns a page of the list.
func (s *Store) Users(_ context.Context, q store.ListQuery) (store.List, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var rows []store.Row
	for _, r := range s.rows {
		if !r.Deleted && strings.Contains(r.Search, q.Search) && isAfter(r, q) {
			rows = append(rows, *r)
		}
	}
	slices.SortFunc(rows, func(a, b store.Row) int {
		if q.ByUpdate() {
			return a.UpdatedAt.Compare(b.UpdatedAt)
		}
		return compare(a.Sort, a.ID, b.Sort, b.ID)
	})
	return store.CutList(rows[:min(len(rows), q.Limit+1)], q.Limit), nil
}

func isAfter(r *store.Row, q store.ListQuery) bool {
	if q.ByUpdate() {
		return r.UpdatedAt.After(q.UpdatedAfter) && r.UpdatedAt.After(q.After.UpdatedAt)
	}
	return q.After.ID == "" || compare(r.Sort, r.ID, q.After.Sort, q.After.ID) > 0
}

func compare(sortA, idA, sortB, idB string) int {
	if c := strings.Compare(sortA, sortB); c != 0 {
		return c
	}
	return strings.Compare(idA, idB)
}

// Changes returns the page of the feed after a cursor.
func (s *Store) Changes(_ context.Context, cursor string, limit int) (api.ChangePage, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	from, err := s.feed.Resume(cursor)
	if err != nil {
		return api.ChangePage{}, err
	}
	var rows []store.Row
	for _, r := range s.rows {
		listed := from.Listing && !r.Deleted && compare(r.Sort, r.ID, from.Sort, from.ID) > 0
		if listed || !from.Listing && r.Change > from.Change {
			rows = append(rows, *r)
		}
	}
	slices.SortFunc(rows, func(a, b store.Row) int {
		if from.Listing {
			return compare(a.Sort, a.ID, b.Sort, b.ID)
		}
		return int(a.Change - b.Change)
	})
	return s.feed.Page(from, rows, limit), nil
}

// Bucket returns a page of a bucket for a client that has read the feed up to a cursor.
func (s *Store) Bucket(_ context.Context, q store.BucketQuery) (api.BucketPage, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.feed.Covers(q.Cursor); err != nil {
		return api.BucketPage{}, err
	}
	ids := q.IDs()
	var rows []store.Row
	for id, r := range s.rows {
		if !r.Deleted && ids.Contains(id) {
			rows = append(rows, *r)
		}
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return strings.Compare(a.ID, b.ID) })
	return store.CutBucket(rows, q.Limit), nil
}

// Head returns the cursor after the latest change.
func (s *Store) Head(context.Context) (string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.feed.Head().String(), nil
}

// Revision differs whenever any page may differ.
func (s *Store) Revision(context.Context) (string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.feed.Revision(), nil
}

// Prune deletes the records from before a time, and returns how many. Those of a tombstone stay
// as long as it does.
func (s *Store) Prune(_ context.Context, before time.Time) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for key, r := range s.records {
		if row := s.rows[r.EntityID]; r.At.Before(before) && (row == nil || !row.Deleted) {
			delete(s.records, key)
			n++
		}
	}
	return n, nil
}

// Collect deletes the tombstones from before a time with their records, and returns how many
// tombstones. Cursors from before them fail with feed.ErrResync.
func (s *Store) Collect(_ context.Context, before time.Time) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := map[string]bool{}
	for id, r := range s.rows {
		if r.Deleted && r.UpdatedAt.Before(before) {
			s.feed.Horizon = max(s.feed.Horizon, r.Change)
			delete(s.rows, id)
			gone[id] = true
		}
	}
	s.effects = slices.DeleteFunc(s.effects, func(e store.Effect) bool { return gone[e.EntityID] })
	maps.DeleteFunc(s.records, func(_ store.RecordKey, r store.Record) bool {
		return gone[r.EntityID]
	})
	return int64(len(gone)), nil
}

// Close makes further writes fail.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
