package main

import "fmt"

// search searches for the knee, the largest number of clients that a server can carry. It
// doubles the number until that is too many, then halves the gap until it is at most a tenth
// of the number held.
type search struct {
	first, most int // the first number to try, and the largest
	held        int // the largest number that held; 0 for none yet
	broke       int // the smallest number that did not hold; 0 for none yet
}

// precision is the relative gap at which the search ends.
const precision = 0.1

// next returns the number to try next. When done, held is the knee.
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

// note notes the result of a try. A number that does not hold below one that did is noise.
func (s *search) note(n int, held bool) {
	switch {
	case held && n > s.held:
		s.held = n
	case !held && n > s.held && (s.broke == 0 || n < s.broke):
		s.broke = n
	}
}

// String describes the knee as far as it is known.
func (s *search) String() string {
	switch {
	case s.held == 0 && s.broke == 0:
		return "not measured"
	case s.held == 0:
		return fmt.Sprintf("fewer than %d clients", s.broke)
	case s.broke == 0:
		return fmt.Sprintf("at least %d clients", s.held)
	}
	return fmt.Sprintf("%d clients, fewer than %d", s.held, s.broke)
}
