package memory

import (
	"maps"

	"github.com/rollcall/rollcall/server/feed"
)

// Copy returns a store with the same content under another epoch: what a backup
// is when it is restored.
func (s *Store) Copy(epoch uint64) *Store {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := New(Options{Now: s.opts.Now, Committed: s.opts.Committed, Epoch: epoch})
	c.state = feed.State{Epoch: epoch, Change: s.state.Change, Horizon: s.state.Horizon}
	c.clock = s.clock
	// Rows are never changed in place, so the copies can share them.
	c.rows, c.emails, c.records = maps.Clone(s.rows), maps.Clone(s.emails), maps.Clone(s.records)
	return c
}
