package exchange_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/plan"
	"github.com/rollcall/rollcall/server/exchange"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/memory"
)

type tester interface {
	Helper()
	Fatal(args ...any)
}

func personID(n int) string { return fmt.Sprintf("7c000000-0000-4000-8000-%012d", n) }

func address(n int) string { return fmt.Sprintf("p%d@x.org", n) }

// roll is a directory of people with the addresses of their numbers.
func roll(t tester, people int) *memory.Store {
	t.Helper()
	s := memory.New(memory.Options{})
	for n := range people {
		name, email := fmt.Sprint("P", n), address(n)
		w, errs := store.Write{ID: personID(n), EntityID: personID(n), Type: api.Create}.WithPatch(api.UserPatch{Name: &name, Email: &email})
		if _, err := s.Apply(context.Background(), []store.Write{w}); err != nil || len(errs) > 0 {
			t.Fatal(err, errs)
		}
	}
	return s
}

// results runs a file and returns what became of its lines, by their numbers.
func results(t tester, to exchange.Directory, file string, apply bool) (lines []string, count map[plan.Action]int) {
	t.Helper()
	f, err := roster.Open(strings.NewReader(file), roster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all []plan.Result
	i := exchange.Import{To: to, Apply: apply, Report: func(r plan.Result) error {
		all = append(all, r)
		return nil
	}}
	if err := i.Run(context.Background(), f); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b plan.Result) int { return a.Line - b.Line })
	count = map[plan.Action]int{}
	for _, r := range all {
		count[r.Action]++
		lines = append(lines, fmt.Sprintf("%d %s %s", r.Line, r.Action, r.Summary()))
	}
	return lines, count
}

// TestAddressesHandedOn: whoever takes an address that another line gives up gets it in one
// run, whatever the order of the lines and however many are between them.
func TestAddressesHandedOn(t *testing.T) {
	const people = 250 // more than two batches
	row := func(n, email int) string { return fmt.Sprintf("%s,P%d,%s\n", personID(n), n, address(email)) }
	var down, up string
	for n := range people {
		down = row(n, n+1) + down
		up += row(n, n+1)
	}
	for name, file := range map[string]string{"freed first": down, "taken first": up} {
		s := roll(t, people)
		file = "id,name,email\n" + file
		if lines, count := results(t, s, file, false); count[plan.Change] != people {
			t.Errorf("%s: planned %v: %s", name, count, lines[:3])
		}
		if lines, count := results(t, s, file, true); count[plan.Change] != people {
			t.Errorf("%s: did %v: %s", name, count, lines[:3])
		}
		if _, count := results(t, s, file, false); count[plan.Unchanged] != people {
			t.Errorf("%s: a second run would do %v", name, count)
		}
	}
	tests := map[string]struct {
		file string
		want []string
	}{
		"given to someone new":    {row(0, 9) + ",New," + address(0) + "\n" + row(7, 1) + row(1, 8), []string{"2 change email", "3 create ", "4 create ", "5 change email"}},
		"exchanged":               {row(0, 1) + row(1, 0), []string{"2 refused another user has this email, and waits for another one", "3 refused another user has this email, and waits"}},
		"kept by its owner":       {row(0, 1) + row(1, 1), []string{"2 refused another user has this email", "3 refused line 2 is about the same user"}},
		"of someone not in it":    {row(0, 1), []string{"2 refused another user has this email"}},
		"owner refused":           {row(0, 1) + personID(1) + ",,z@x.org\n", []string{"2 refused another user has this email", "3 refused name is required"}},
		"one person, found twice": {",P0," + address(0) + "\n" + row(0, 5), []string{"2 unchanged ", "3 refused line 2 is about the same user"}},
		"to someone new, later":   {row(0, 1) + ",New," + address(0) + "\n" + row(1, 8), []string{"2 change email", "3 create ", "4 change email"}},
		"in another case":         {fmt.Sprintf("%s,P0,P0@X.org\n%s", personID(0), row(1, 0)), []string{"2 change email", "3 refused line 2 is about the same user"}},
	}
	for name, test := range tests {
		for _, apply := range []bool{false, true} {
			lines, _ := results(t, roll(t, 3), "id,name,email\n"+test.file, apply)
			for n, line := range lines {
				if n >= len(test.want) || !strings.HasPrefix(line, test.want[n]) {
					t.Errorf("%s: line %q, want %q", name, line, test.want[min(n, len(test.want)-1)])
				}
			}
			if len(lines) != len(test.want) {
				t.Errorf("%s: %d lines, want %d", name, len(lines), len(test.want))
			}
		}
	}
}

// TestPlanIsWhatHappens: whoever gets which address of whom, applying does what the plan
// said, line by line, and a second run does nothing.
func TestPlanIsWhatHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.IntRange(1, 6).Draw(t, "people")
		numbers := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7}).Draw(t, "order")
		file, line := "id,name,email\n", 1
		filler := 0
		for _, n := range numbers[:rapid.IntRange(1, 8).Draw(t, "lines")] {
			id := personID(n)
			if rapid.IntRange(0, 4).Draw(t, "without id") == 0 {
				id = ""
			}
			file += fmt.Sprintf("%s,P%d,%s\n", id, n, address(rapid.IntRange(0, 9).Draw(t, "email")))
			line++
			if rapid.IntRange(0, 8).Draw(t, "far apart") == 0 {
				for range api.MaxOperations {
					filler++
					file += fmt.Sprintf(",F,f%d@x.org\n", filler)
				}
			}
		}
		s := roll(t, people)
		planned, _ := results(t, s, file, false)
		done, _ := results(t, s, file, true)
		if !slices.Equal(planned, done) {
			t.Fatalf("of\n%s\nplanned %q\ndone    %q", file, planned, done)
		}
		if again, count := results(t, s, file, true); count[plan.Create]+count[plan.Change] > 0 {
			t.Fatalf("of\n%s\nfirst %q\nagain %q", file, done, again)
		}
	})
}
