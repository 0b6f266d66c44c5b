package memory

import (
	"context"
	"slices"
	"time"

	"github.com/rollcall/rollcall/server/account"
)

// accounts are in their last state, which is replaced and never changed.
type accounts struct {
	state  *account.State
	audit  []account.Event
	events int64 // so far
}

// AccessRevision grows with each change of the accounts.
func (s *Store) AccessRevision(context.Context) (int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.accounts.state.Revision, nil
}

// Access returns all accounts with their credentials and grants.
func (s *Store) Access(context.Context) (*account.State, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.accounts.state, nil
}

// ChangeAccess decides on the present state of the accounts, and makes the change.
func (s *Store) ChangeAccess(_ context.Context, decide func(*account.State) (account.Change, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	change, err := decide(s.accounts.state)
	if err != nil {
		return err
	}
	s.accounts.state = s.accounts.state.With(change)
	for _, e := range change.Events {
		s.accounts.events++
		e.Number = s.accounts.events
		s.accounts.audit = append(s.accounts.audit, e)
	}
	return nil
}

// TouchGrants saves when grants were last used.
func (s *Store) TouchGrants(_ context.Context, seen map[account.Hash]time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts.state = s.accounts.state.Touched(seen)
	return nil
}

// Audit calls f for each entry of the audit log from a time on.
func (s *Store) Audit(_ context.Context, from time.Time, f func(account.Event) error) error {
	s.mu.RLock()
	events := slices.Clone(s.accounts.audit)
	s.mu.RUnlock()
	for _, e := range events {
		if e.At.Before(from) {
			continue
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// AuditBefore returns the entries of the audit log before a number, the newest first.
func (s *Store) AuditBefore(_ context.Context, number int64, limit int) (all []account.Event, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range slices.Backward(s.accounts.audit) {
		if (number == 0 || e.Number < number) && len(all) < limit {
			all = append(all, e)
		}
	}
	return all, nil
}
