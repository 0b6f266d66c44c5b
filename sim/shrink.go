package sim

import (
	"errors"
	"fmt"
	"slices"
)

// errNoViolation means that there is nothing to shrink.
var errNoViolation = errors.New("the script breaks no invariant")

// Shrink shortens and simplifies a script while it breaks the same invariant. An error is
// the simulator's own.
func Shrink(script *Script, invariant int) (*Script, error) {
	s := &shrinking{best: *script, invariant: invariant}
	s.best.Steps, s.best.Browsers = slices.Clone(script.Steps), slices.Clone(script.Browsers)
	if !s.breaks(s.best) {
		return script, firstOf(s.err, errNoViolation)
	}
	for before := -1; before != s.kept && s.err == nil; {
		before = s.kept
		s.dropSteps()
		s.mergeRuns()
		s.simplify()
	}
	return &s.best, s.err
}

type shrinking struct {
	best      Script
	invariant int
	kept      int // tries that were kept
	err       error
}

// breaks reports whether a script breaks the invariant.
func (s *shrinking) breaks(try Script) bool {
	if s.err != nil {
		return false
	}
	r, err := Play(&try, nil)
	if err != nil {
		s.err = fmt.Errorf("shrink: %w", err)
	}
	return err == nil && r.Violation != nil && r.Violation.Invariant == s.invariant
}

// keep makes try the best script if it breaks the invariant.
func (s *shrinking) keep(try Script) bool {
	if !s.breaks(try) {
		return false
	}
	s.best = try
	s.kept++
	return true
}

// dropSteps drops steps, many at a time first (Zeller's ddmin).
func (s *shrinking) dropSteps() {
	for size := max(1, len(s.best.Steps)/2); ; {
		shorter := false
		for from := 0; from < len(s.best.Steps); {
			try := s.best
			try.Steps = slices.Delete(slices.Clone(try.Steps), from, min(from+size, len(try.Steps)))
			if s.keep(try) {
				shorter = true
			} else {
				from += size
			}
		}
		if size == 1 && !shorter {
			return
		}
		size = max(1, size/2)
	}
}

// mergeRuns replaces the steps of an actor by one that runs it to its end.
func (s *shrinking) mergeRuns() {
	for i := 0; i < len(s.best.Steps); i++ {
		st := s.best.Steps[i]
		if st.Verb != Run || st.Fault != NoFault {
			continue
		}
		try := s.best
		try.Steps = slices.Clone(s.best.Steps[:i])
		try.Steps = append(try.Steps, Step{Verb: Finish, Who: st.Who, Ms: st.Ms})
		over := false
		for _, later := range s.best.Steps[i+1:] {
			over = over || (later.Who == st.Who && later.Verb != Run)
			if over || later.Who != st.Who {
				try.Steps = append(try.Steps, later)
			}
		}
		s.keep(try)
	}
}

// simplify resets the parts of steps and browsers that are not needed.
func (s *shrinking) simplify() {
	for i := range s.best.Steps {
		for _, change := range []func(*Step){
			func(st *Step) { st.Fault = NoFault },
			func(st *Step) { st.Ms = 0 },
			func(st *Step) { st.N = 0 },
		} {
			try := s.best
			try.Steps = slices.Clone(try.Steps)
			change(&try.Steps[i])
			if try.Steps[i] != s.best.Steps[i] {
				s.keep(try)
			}
		}
	}
	for i := range s.best.Browsers {
		for _, change := range []func(*Browser){
			func(b *Browser) { b.SkewMs, b.DriftPPM = 0, 0 },
			func(b *Browser) { b.PageSize = 0 },
			func(b *Browser) { b.OldHost = false },
			func(b *Browser) { b.OldTab = false },
			func(b *Browser) { b.Mail = 0 },
			func(b *Browser) { b.Small = false },
			func(b *Browser) { b.Tabs = 1 },
			func(b *Browser) { b.Strategy = string(strategies[0]) },
		} {
			try := s.best
			try.Browsers = slices.Clone(try.Browsers)
			change(&try.Browsers[i])
			if try.Browsers[i] != s.best.Browsers[i] {
				s.keep(try)
			}
		}
	}
	for len(s.best.Browsers) > 1 {
		try := s.best
		try.Browsers = try.Browsers[:len(try.Browsers)-1]
		if !s.keep(try) {
			break
		}
	}
	try := s.best
	try.SQLite, try.BodyLimit, try.Reboot = false, 0, false
	if s.best.SQLite || s.best.BodyLimit != 0 || s.best.Reboot {
		s.keep(try)
	}
}
