package memory

import (
	"context"
	"slices"
	"time"

	"github.com/rollcall/rollcall/server/store"
)

// History returns a user with their latest changes and who made them.
func (s *Store) History(_ context.Context, id string) (p store.Past, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.rows[id]; r != nil {
		row := *r
		p.Current = &row
	}
	for _, e := range slices.Backward(s.effects) {
		if e.EntityID == id && len(p.Effects) < store.MaxPast {
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

// Forget forgets the texts that were replaced before a time, and who made the changes before
// another.
func (s *Store) Forget(_ context.Context, texts, changes time.Time) (n int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := len(s.effects)
	s.effects = slices.DeleteFunc(s.effects, func(e store.Effect) bool { return e.At.Before(changes) })
	n = int64(had - len(s.effects))
	for i, e := range s.effects {
		if e.At.Before(texts) && len(e.Replaced) > 0 {
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
