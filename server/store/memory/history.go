package memory

import (
	"context"
	"slices"
	"time"

	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/store"
)

// History returns a user with their latest changes up to one, and who made them.
func (s *Store) History(_ context.Context, id string, until int64) (p store.Past, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.rows[id]; r != nil {
		row := *r
		p.Current = &row
	}
	for _, e := range slices.Backward(s.effects) {
		if e.EntityID == id && e.Change <= until && len(p.Effects) < store.MaxPast {
			p.Effects = append(p.Effects, e)
		}
	}
	return p, nil
}

// Effects calls f for each change that has an author, from a time on; of one account if it is not
// nil.
func (s *Store) Effects(_ context.Context, from time.Time, account *string, f func(store.Effect) error) error {
	s.mu.RLock()
	effects := slices.Clone(s.effects)
	s.mu.RUnlock()
	for _, e := range effects {
		if e.At.Before(from) || account != nil && e.Account != *account {
			continue
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// Forget forgets what is old, and returns how many entries.
func (s *Store) Forget(_ context.Context, old store.Old) (n int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := len(s.effects) + len(s.accounts.audit)
	s.effects = slices.DeleteFunc(s.effects, func(e store.Effect) bool { return e.At.Before(old.Changes) })
	s.accounts.audit = slices.DeleteFunc(slices.Clone(s.accounts.audit), func(e account.Event) bool { return e.At.Before(old.Audit) })
	n = int64(had - len(s.effects) - len(s.accounts.audit))
	for i, e := range s.effects {
		if e.At.Before(old.Texts) && len(e.Replaced) > 0 {
			s.effects[i].Replaced = nil
			n++
		}
	}
	return n, nil
}

// Erase forgets what was replaced of a user.
func (s *Store) Erase(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.effects {
		if s.effects[i].EntityID == id {
			s.effects[i].Replaced = nil
		}
	}
	return nil
}
