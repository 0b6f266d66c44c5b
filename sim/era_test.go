package sim

import (
	"strings"
	"testing"
)

// played plays a script that breaks nothing, and returns what was logged.
func played(t *testing.T, text string) (Result, string) {
	t.Helper()
	script, err := ReadScript(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	log := &strings.Builder{}
	r, err := Play(script, log)
	if err != nil || r.Violation != nil {
		t.Fatalf("%v, %v\n%s", r.Violation, err, log)
	}
	return r, log.String()
}

// TestWhatIsSeenOfLostRows: the server's data go back, and to the very version that a write is based
// on, so it takes effect. What its author saw besides was lost, and is nothing that it replaces.
func TestWhatIsSeenOfLostRows(t *testing.T) {
	const ownChangeIsLost = `
create   c1.t0 e=1
finish   c1.t0
round    c1.h0
finish   c1.h0
round    c0.h0
finish   c0.h0
backup   c1.t0
update   c0.t0 e=1 n=1
finish   c0.t0
open     c0.t0 e=1
finish   c0.t0
round    c0.h0
finish   c0.h0
round    c1.h0
finish   c1.h0
update   c1.t0 e=1 n=1
finish   c1.t0
round    c1.h0
finish   c1.h0
round    c0.h0
finish   c0.h0
rollback c1.t0
`
	for _, test := range []struct {
		name, first, steps string
		updates            int
	}{
		{"by a tab of an earlier version, before the rows were compared", "old=true oldtab=true", `
create   c1.t0 e=1
finish   c1.t0
round    c1.h0
finish   c1.h0
round    c0.h1
finish   c0.h1
backup   c1.t0
update   c1.t0 e=1 n=1
finish   c1.t0
update   c0.t0 e=1 n=1
round    c1.h0
finish   c1.h0
run      c0.t0
round    c0.h1
finish   c0.h1
rollback c1.t0
round    c0.h1
finish   c0.h1
`, 2},
		{"in a form, before they were compared", "old=true oldtab=false", ownChangeIsLost + `
round    c0.h1
finish   c0.h1
update   c0.t0 e=1 n=1
finish   c0.t0
round    c0.h1
finish   c0.h1
`, 3},
		{"in a form, and merged with what was written after that", "old=false oldtab=false", ownChangeIsLost + `
round    c0.h0
run      c0.h0
run      c0.h0
run      c0.h0
run      c0.h0
update   c0.t0 e=1 n=1
finish   c0.t0
finish   c0.h0
update   c0.t0 e=1 n=2
finish   c0.t0
round    c0.h0
finish   c0.h0
`, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, log := played(t, `history seed=3100185410 sqlite=false body=0 reboot=false digests=false
browser tabs=1 strategy=merge skew=0 drift=0 page=0 `+test.first+` mail=0 events=0 small=false
browser tabs=1 strategy=merge skew=0 drift=0 page=0 old=false oldtab=false mail=0 events=0 small=false
`+strings.ReplaceAll(test.steps, "\n\n", "\n"))
			if n := r.Stats.events["applied update"]; n != test.updates || r.Stats.events["server conflict"] > 0 {
				t.Errorf("%d updates took effect, want %d, and none in conflict\n%s", n, test.updates, log)
			}
		})
	}
}

// TestWhatAgreesIsSeen: a form saves as email what another tab has made it meanwhile, unseen. That replaces nothing, and what the other
// tab's person writes over it they have seen.
func TestWhatAgreesIsSeen(t *testing.T) {
	r, log := played(t, `history seed=4401002897 sqlite=false body=0 reboot=false digests=false
browser tabs=1 strategy=merge skew=0 drift=0 page=0 old=false oldtab=false mail=0 events=0 small=false
browser tabs=2 strategy=merge skew=0 drift=0 page=0 old=false oldtab=false mail=0 events=0 small=false
create   c1.t1 e=4
finish   c1.t1
open     c1.t1 e=4
finish   c1.t1
update   c1.t0 e=4 n=30
finish   c1.t0
round    c1.h0
finish   c1.h0
update   c1.t0 e=4 n=29
finish   c1.t0
update   c1.t1 e=4 n=28
finish   c1.t1
update   c1.t0 e=4 n=5574086
finish   c1.t0
round    c1.h0
finish   c1.h0
`)
	if n := r.Stats.events["applied update"]; n != 1 || !strings.Contains(log, `"email":"p696760@example.org"`) {
		t.Errorf("%d updates took effect\n%s", n, log)
	}
}
