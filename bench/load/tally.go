package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/api"
)

// sampling is of how many clients one looks when each change was sent.
const sampling = 16

// tally is what a client has counted. It is the client's own until that has ended, but
// for what arrived, at which others look.
type tally struct {
	sampled      bool
	push, pull   []time.Duration // of requests that began while measuring, whenever they were answered
	reach        []time.Duration // from sending a change to its arrival here by such a request
	operations   int             // of the pushes
	mu           sync.Mutex
	arrived      int64 // changes, ever
	fingerprints uint64
}

func (t *tally) pushed(measuring bool, took time.Duration, operations int) {
	if measuring {
		t.push, t.operations = append(t.push, took), t.operations+operations
	}
}

func (t *tally) pulled(measuring bool, took time.Duration, ids [][]byte) {
	if measuring {
		t.pull = append(t.pull, took)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.arrived += int64(len(ids))
	for _, id := range ids {
		t.fingerprints += fingerprint(id)
	}
}

// has reports how what has arrived compares with what was acknowledged: as many changes,
// and the same ones.
func (t *tally) has(want, fingerprints uint64) (all bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch n := uint64(t.arrived); {
	case n < want:
		return false, nil
	case n > want:
		return false, fmt.Errorf("%d changes have arrived of %d that were made", n, want)
	case t.fingerprints != fingerprints:
		return false, fmt.Errorf("as many changes have arrived as were made, %d, and they are others", n)
	}
	return true, nil
}

// shared is what the clients of a step have in common.
type shared struct {
	measuring atomic.Bool
	events    atomic.Int64

	mu           sync.RWMutex
	sent         map[string]time.Time // entity to when it was sent first
	pending      int                  // operations sent and not acknowledged
	acked        uint64               // operations, ever
	fingerprints uint64
	errors       int64
	first        error
}

func newShared() *shared { return &shared{sent: map[string]time.Time{}} }

func (s *shared) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors++
	if s.first == nil {
		s.first = err
	}
}

func (s *shared) sending(operations []api.Operation, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range operations {
		if _, before := s.sent[operations[i].EntityID]; !before {
			s.sent[operations[i].EntityID] = at
			s.pending++
		}
	}
}

func (s *shared) acknowledged(operations []api.Operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range operations {
		s.acked++
		s.pending--
		s.fingerprints += fingerprint([]byte(operations[i].EntityID))
	}
}

// reached appends how long ago each of the entities was sent.
func (s *shared) reached(to []time.Duration, ids [][]byte, now time.Time) []time.Duration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range ids {
		if at, ok := s.sent[string(id)]; ok {
			to = append(to, now.Sub(at))
		}
	}
	return to
}

// made is what was acknowledged so far, and how many operations may be done without
// being acknowledged.
func (s *shared) made() (operations, fingerprints uint64, pending int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.acked, s.fingerprints, s.pending
}

func (s *shared) faults() (n int64, first error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.errors, s.first
}
