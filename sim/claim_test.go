package sim

import "testing"

// TestAnEmailIsTakenWhileNobodysDeleteIsOnItsWay: an account takes nobody's work over, in which somebody
// is deleted, while another tab of it creates a person with their email. The queue has that first: it
// is refused and waits for its person, and nothing is lost.
func TestAnEmailIsTakenWhileNobodysDeleteIsOnItsWay(t *testing.T) {
	r, log := played(t, `history seed=2100135231 sqlite=false body=0 reboot=false digests=false accounts=2 opened=true
browser tabs=1 strategy=merge skew=0 drift=0 page=0 old=false oldtab=false mail=0 events=80 small=false
browser tabs=2 strategy=merge skew=0 drift=0 page=0 old=false oldtab=false mail=0 events=0 small=false
create   c1.t0 e=4 n=1
finish   c1.t0
round    c1.h1
finish   c1.h1
close    c2.t0
delete   c1.t0 e=4
finish   c1.t0
login    c1.t1 n=2
finish   c1.t1
finish   c17.b1
claim    c17.t1
create   c17.t0 e=9 n=1
`)
	for _, event := range []string{"operation taken over", "rejected"} {
		if r.Stats.events[event] != 1 {
			t.Errorf("%s: %d times, want once\n%s", event, r.Stats.events[event], log)
		}
	}
}
