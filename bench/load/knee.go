package main

import "fmt"

// search looks for the knee: the largest number of clients that a server holds. It
// doubles the number until one is too many, and then halves the gap until that is at
// most a tenth of what is held.
type search struct {
	first, most int // where to begin, and what is never exceeded
	held        int // the largest number that held; 0 for none yet
	broke       int // the smallest number that did not; 0 for none yet
}

// precision is the part of the knee that is not worth another step.
const precision = 0.1

// next is the number to try now; done tells that there is none and held is the knee.
func (s *search) next() (n int, done bool) {
	switch {
	case s.held == 0 && s.broke == 0:
		return min(s.first, s.most), false
	case s.broke == 0:
		return min(2*s.held, s.most), s.held >= s.most
	}
	gap := s.broke - s.held
	return s.held + (gap+1)/2, gap <= 1 || float64(gap) <= precision*float64(s.held)
}

// note takes what a try has shown. That fewer broke than held before is noise of the
// machine: the larger number was held.
func (s *search) note(n int, held bool) {
	switch {
	case held && n > s.held:
		s.held = n
	case !held && n > s.held && (s.broke == 0 || n < s.broke):
		s.broke = n
	}
}

// String says where the knee is, as far as it was looked for.
func (s *search) String() string {
	switch {
	case s.held == 0 && s.broke == 0:
		return "not looked for"
	case s.held == 0:
		return fmt.Sprintf("fewer than %d clients", s.broke)
	case s.broke == 0:
		return fmt.Sprintf("at least %d clients", s.held)
	}
	return fmt.Sprintf("%d clients, fewer than %d", s.held, s.broke)
}
