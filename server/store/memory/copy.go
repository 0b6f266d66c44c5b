package memory

import (
	"maps"
	"slices"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// Copy returns a store with the same content, as a backup.
func (s *Store) Copy() *Store {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := New(Options{Now: s.opts.Now, Committed: s.opts.Committed, Epoch: s.feed.Epoch})
	c.feed = s.feed
	// Rows are immutable, so the copies can share them.
	c.rows, c.emails, c.records = maps.Clone(s.rows), maps.Clone(s.emails), maps.Clone(s.records)
	c.accounts, c.effects = s.accounts, slices.Clone(s.effects)
	return c
}

// Restored returns a copy as a restore makes it of a backup: in another epoch, with its
// versions moved ahead.
func (s *Store) Restored(epoch uint64) (*Store, error) {
	c := s.Copy()
	c.feed.Restore(epoch, s.opts.Now())
	c.feed.Digest = api.Digest{}
	for id, r := range c.rows {
		restored, err := store.RestoreRow(*r, s.opts.Now())
		if err != nil {
			return nil, err
		}
		c.rows[id] = &restored
		if !restored.Deleted {
			c.feed.Digest.Add(id, restored.Version, api.ContentHash(restored.Document))
		}
	}
	return c, nil
}

// Enter begins a new epoch, as a database does that is started.
func (s *Store) Enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed.Enter(s.opts.Now())
}
