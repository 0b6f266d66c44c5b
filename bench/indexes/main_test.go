package main

import "testing"

// TestLayouts: each layout takes people, and the record where it has one.
func TestLayouts(t *testing.T) {
	for _, l := range layouts() {
		if each, err := measure(t.Context(), l, 8, 16); err != nil || each <= 0 {
			t.Errorf("%s: %v a person, %v", l.name, each, err)
		}
	}
}
