package main

import (
	"errors"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
)

// TestEachChangeArrivesOnce: a change that arrives twice, or instead of another one, is an
// error; a missing one is waited for.
func TestEachChangeArrivesOnce(t *testing.T) {
	s := newShared()
	s.sending([]api.Operation{{EntityID: "a"}, {EntityID: "b"}}, time.Now())
	s.acknowledged([]api.Operation{{EntityID: "a"}, {EntityID: "b"}})
	for name, test := range map[string]struct {
		ids  []string
		all  bool
		fail bool
	}{
		"all":     {[]string{"b", "a"}, true, false},
		"missing": {[]string{"a"}, false, false},
		"twice":   {[]string{"a", "b", "a"}, false, true},
		"instead": {[]string{"a", "a"}, false, true},
	} {
		var own tally
		for _, id := range test.ids {
			own.pulled(true, time.Millisecond, [][]byte{[]byte(id)})
		}
		want, fingerprints, pending := s.made()
		if all, err := own.has(want, fingerprints); all != test.all || (err != nil) != test.fail || pending != 0 {
			t.Errorf("%s: all %v (%v)", name, all, err)
		}
	}
	if got := s.reached(nil, [][]byte{[]byte("a"), []byte("unknown")}, time.Now().Add(time.Second)); len(got) != 1 || got[0] < time.Second {
		t.Errorf("reached after %v", got)
	}
	s.failed(errors.New("first"))
	s.failed(errors.New("second"))
	if n, first := s.faults(); n != 2 || first.Error() != "first" {
		t.Errorf("%d faults, the first %v", n, first)
	}
}
