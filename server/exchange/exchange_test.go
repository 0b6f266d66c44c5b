package exchange_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/plan"
	"github.com/rollcall/rollcall/roster/rostertest"
	"github.com/rollcall/rollcall/server/exchange"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/memory"
)

// lineEnd is a line's end as %q writes it.
var lineEnd = regexp.MustCompile(`(\\r){0,2}\\n|\\r`)

var lines = flag.Int("lines", 30_000, "of the long file")

// run imports a file and counts what became of its lines.
func run(to exchange.Directory, in io.ReadSeeker) (map[plan.Action]int, error) {
	lines, err := roster.Open(in, roster.Options{})
	if err != nil {
		return nil, err
	}
	count := map[plan.Action]int{}
	i := exchange.Import{To: to, Apply: true, Report: func(s plan.Result) error {
		count[s.Action]++
		return nil
	}}
	return count, i.Run(context.Background(), lines)
}

// TestRoundTrip: whatever users there are, their export makes the same users.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := memory.New(memory.Options{})
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab'=+-@\t\r\n\",; ＝é{}\\")))
		for i := range rapid.IntRange(1, 8).Draw(t, "users") {
			name, bio := "n"+text.Draw(t, "name"), text.Draw(t, "bio")
			if rapid.Bool().Draw(t, "as formula") {
				name = rapid.SampledFrom([]string{"=1", "'=1", "''@x", "'", "'x", "-"}).Draw(t, "formula")
			}
			name = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(name)
			email := fmt.Sprintf("p%d@example.org", i)
			write(t, from, name, email, bio)
		}
		want := users(t, from)
		for _, format := range []roster.Format{roster.CSV, roster.JSONLines} {
			var file bytes.Buffer
			if n, err := exchange.Export(context.Background(), from, &file, exchange.Style{Format: format}); err != nil || n != len(want) {
				t.Fatalf("exported %d of %d: %v", n, len(want), err)
			}
			to := memory.New(memory.Options{})
			count, err := run(to, bytes.NewReader(file.Bytes()))
			made, of := strings.Join(users(t, to), "\n"), strings.Join(want, "\n")
			if format == roster.CSV {
				of = lineEnd.ReplaceAllString(of, `\n`) // CSV does not preserve line ends
			}
			if err != nil || count[plan.Create] != len(want) || made != of {
				t.Fatalf("%s: %v (%v)\n%s\nmade %s\nof   %s", format, count, err, &file, made, of)
			}
			if count, err = run(from, bytes.NewReader(file.Bytes())); err != nil || count[plan.Unchanged] != len(want) {
				t.Fatalf("%s: imported where it comes from: %v (%v)\n%s", format, count, err, &file)
			}
		}
	})
}

func write(t *rapid.T, to *memory.Store, name, email, bio string) {
	patch := api.UserPatch{Name: &name, Email: &email, Bio: &bio}
	id := uuid.NewString()
	write, _ := store.Write{ID: id, EntityID: id, Type: api.Create}.WithPatch(patch)
	_, err := to.Apply(context.Background(), []store.Write{write})
	if err != nil {
		t.Fatal(err)
	}
}

func users(t *rapid.T, from *memory.Store) (all []string) {
	list, err := from.Users(context.Background(), store.ListQuery{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list.Documents {
		var u api.User
		if err := json.Unmarshal(d, &u); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %q %q %q", u.ID, u.Name, u.Email, u.Bio))
	}
	return all
}

// empty is a directory of nobody that takes everything and keeps nothing.
type empty struct {
	writes int
	peak   uint64
}

func (*empty) Find(context.Context, []string, []string) ([]store.Row, error) { return nil, nil }

func (e *empty) Apply(_ context.Context, writes []store.Write) ([]store.Outcome, error) {
	if e.writes += len(writes); e.writes%10_000 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		e.peak = max(e.peak, m.HeapAlloc)
	}
	outcomes := make([]store.Outcome, len(writes))
	for i, w := range writes {
		outcomes[i].Result = api.Result{ID: w.ID, Status: api.Applied}
	}
	return outcomes, nil
}

// TestImportStreams: a long file is imported in little memory, of which most is for
// finding lines about one user. It is 16 MB here; a million lines are
// measured with -lines 1000000.
func TestImportStreams(t *testing.T) {
	to := &empty{}
	count, err := run(to, &rostertest.Long{Lines: *lines})
	if err != nil || count[plan.Create] != *lines || to.writes != *lines {
		t.Fatalf("%v, %d writes (%v)", count, to.writes, err)
	}
	if most := uint64(16<<20 + 64**lines); to.peak > most {
		t.Errorf("%d MB are in use, want at most %d", to.peak>>20, most>>20)
	}
	t.Logf("%d lines: %d MB in use", *lines, to.peak>>20)
}

// failing is a directory whose writes fail after some batches.
type failing struct {
	*memory.Store
	batches int
}

func (f *failing) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	if f.batches--; f.batches < 0 {
		return nil, store.ErrUnavailable
	}
	outcomes, err := f.Store.Apply(ctx, writes)
	if f.batches == 0 { // it took effect, but the answer is lost
		return nil, store.ErrUnavailable
	}
	return outcomes, err
}

// TestImportResumes: an import that is cut off, also after a commit, goes on where it
// was, and does nothing twice.
func TestImportResumes(t *testing.T) {
	const people = 4*api.MaxOperations + 50
	s := memory.New(memory.Options{})
	var done int
	for {
		to := &failing{s, 2}
		count, err := run(to, &rostertest.Long{Lines: people})
		if done++; done > 10 {
			t.Fatal("it never ends")
		}
		if err == nil {
			if count[plan.Unchanged] < 4*api.MaxOperations || count[plan.Refused] > 0 {
				t.Errorf("the last run: %v", count)
			}
			break
		}
		if !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	users := 0
	for cursor, more := "", true; more; {
		page, err := s.Changes(t.Context(), cursor, api.MaxChanges)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Changes {
			if users++; c.Version != 1 {
				t.Errorf("user %s was written %d times", c.EntityID, c.Version)
			}
		}
		cursor, more = page.Cursor, page.HasMore
	}
	if users != people {
		t.Fatalf("%d users, want %d", users, people)
	}
}
