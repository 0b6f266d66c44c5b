package sim

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// Stats counts what happened, so that a history in which nothing happens is not
// taken for a proof.
type Stats struct {
	Histories int
	events    map[string]int
	faults    map[Fault]int
	maxima    map[string]int
	steps     int
	requests  int
}

func newStats() *Stats {
	return &Stats{events: map[string]int{}, faults: map[Fault]int{}, maxima: map[string]int{}}
}

func (s *Stats) hit(event string) { s.events[event]++ }

func (s *Stats) fault(f Fault) { s.faults[f]++ }

func (s *Stats) most(what string, n int) { s.maxima[what] = max(s.maxima[what], n) }

// Event is how often something happened; Injected how often a fault did.
func (s *Stats) Event(name string) int { return s.events[name] }

// Injected is how often a fault befell someone.
func (s *Stats) Injected(f Fault) int { return s.faults[f] }

// Add adds the counts of another.
func (s *Stats) Add(o *Stats) {
	s.Histories += o.Histories
	s.steps += o.steps
	s.requests += o.requests
	for k, n := range o.events {
		s.events[k] += n
	}
	for k, n := range o.faults {
		s.faults[k] += n
	}
	for k, n := range o.maxima {
		s.most(k, n)
	}
}

// WriteTo writes all counts.
func (s *Stats) WriteTo(w io.Writer) (int64, error) {
	out := fmt.Sprintf("histories %d, steps %d, requests %d\n", s.Histories, s.steps, s.requests)
	for _, f := range slices.Sorted(maps.Keys(s.faults)) {
		out += fmt.Sprintf("  fault %-16s %9d\n", f, s.faults[f])
	}
	for _, k := range slices.Sorted(maps.Keys(s.events)) {
		out += fmt.Sprintf("  %-28s %9d\n", k, s.events[k])
	}
	for _, k := range slices.Sorted(maps.Keys(s.maxima)) {
		out += fmt.Sprintf("  most %-23s %9d\n", k, s.maxima[k])
	}
	n, err := io.WriteString(w, out)
	return int64(n), err
}
