package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/api"
)

// sampling is how many clients share one that measures the delay of changes.
const sampling = 16

// tally is what a client has counted. Only its client uses it until that has ended, except
// for the fields below mu.
type tally struct {
	sampled      bool
	push, pull   []time.Duration // of requests that began while measuring
	reach        []time.Duration // from sending a change to its arrival by such a request
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

// has reports whether all acknowledged changes have arrived. It fails if others have, too.
func (t *tally) has(want, fingerprints uint64) (all bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch n := uint64(t.arrived); {
	case n < want:
		return false, nil
	case n > want:
		return false, fmt.Errorf("%d changes have arrived, but only %d were made", n, want)
	case t.fingerprints != fingerprints:
		return false, fmt.Errorf("%d changes have arrived, as many as were made, but others", n)
	}
	return true, nil
}

// shared is what the clients of a step have in common.
type shared struct {
	measuring atomic.Bool
	events    atomic.Int64

	mu           sync.RWMutex
	sent         map[string]time.Time // when first sent, by entity
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

// reached appends the times since the entities were sent.
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

// made returns what was acknowledged so far, and how many operations are unacknowledged.
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
