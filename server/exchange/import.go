package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/plan"
	"github.com/rollcall/rollcall/server/store"
)

// Directory is what an import needs of a store.
type Directory interface {
	// Find returns the rows with one of the ids, tombstones included, and the live
	// rows with one of the email keys.
	Find(ctx context.Context, ids, emailKeys []string) ([]store.Row, error)
	Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error)
}

// Lines is a file of people; its error is io.EOF at the end, or about the whole file.
type Lines interface {
	Next() (roster.Line, error)
}

// Import is one run over a file. Without Apply it changes nothing. Report is called for each
// line in order, except that a line that waits for an email is reported once it has it, or
// at the end.
type Import struct {
	To     Directory
	Apply  bool
	Report func(plan.Result) error

	planner *plan.Planner
}

// Derived ids (UUID version 5): the same input gives the same id.
var (
	namespace = uuid.MustParse("6f2d9c1e-0b57-4d0a-9d2e-3a5f6c1b7e42")
	clientID  = uuid.NewSHA1(namespace, []byte("client")).String()
)

// Run imports all lines in batches of a client's size. After an error, what was applied
// stays, and another run continues from there.
func (i *Import) Run(ctx context.Context, lines Lines) error {
	i.planner = plan.New()
	for {
		batch, err := readBatch(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if e := i.batch(ctx, batch); e != nil {
			return e
		}
		if err != nil {
			return i.report(i.planner.Rest())
		}
	}
}

func (i *Import) report(results []plan.Result) error {
	for _, r := range results {
		if err := i.Report(r); err != nil {
			return err
		}
	}
	return nil
}

func readBatch(lines Lines) (batch []roster.Line, err error) {
	for len(batch) < api.MaxOperations {
		line, err := lines.Next()
		if err != nil {
			return batch, err
		}
		batch = append(batch, line)
	}
	return batch, nil
}

func (i *Import) batch(ctx context.Context, lines []roster.Line) error {
	if len(lines) == 0 {
		return nil
	}
	people := plan.PeopleOf(lines, derivedIDs)
	users, err := i.find(ctx, people)
	if err != nil {
		return err
	}
	var results []plan.Result
	for _, person := range people {
		results = append(results, i.planner.Plan(person, users)...)
	}
	// Lines that have waited come on top of a batch.
	for chunk := range slices.Chunk(results, api.MaxOperations) {
		if err := i.apply(ctx, chunk); err != nil {
			return err
		}
		if err := i.report(chunk); err != nil {
			return err
		}
	}
	return nil
}

// apply writes what the results plan, and corrects them by what became of it.
func (i *Import) apply(ctx context.Context, results []plan.Result) error {
	if !i.Apply {
		return nil
	}
	var writes []store.Write
	var places []int
	for n, r := range results {
		if r.Action != plan.Create && r.Action != plan.Change {
			continue
		}
		w, problem := writeOf(r)
		if problem != nil {
			results[n] = r.Refused(roster.Say(problem.Error()))
			continue
		}
		writes, places = append(writes, w), append(places, n)
	}
	if len(writes) == 0 {
		return nil
	}
	outcomes, err := i.To.Apply(ctx, writes)
	if err != nil {
		return fmt.Errorf("apply lines %d to %d: %w", results[0].Line, results[len(results)-1].Line, err)
	}
	for n, o := range outcomes {
		results[places[n]] = corrected(results[places[n]], o)
	}
	return nil
}

// writeOf makes the operation that a client would send.
func writeOf(r plan.Result) (store.Write, *api.Problem) {
	data, err := json.Marshal(r.Patch)
	if err != nil {
		return store.Write{}, store.Invalid(err.Error())
	}
	kind := api.Update
	if r.Action == plan.Create {
		kind = api.Create
	}
	w, problem := store.Prepare(clientID, api.Operation{
		ID: uuid.NewString(), EntityType: api.EntityUser, EntityID: r.ID, Type: kind, Data: data, BaseVersion: r.Had.Version,
	})
	w.Key = "" // a further run plans by what is there, so no record has to tell it
	return w, problem
}

// corrected is what was planned, or what became of it instead.
func corrected(r plan.Result, o store.Outcome) plan.Result {
	switch o.Result.Status {
	case api.Applied:
	case api.Duplicate:
		r.Action, r.Fields = plan.Unchanged, nil
	case api.Conflict:
		return r.Refused(roster.Say("someone else changed this user at the same time; import the file again"))
	default:
		detail := "the directory could not save it"
		if o.Result.Problem != nil {
			detail = o.Result.Problem.Error()
		}
		return r.Refused(roster.Say(detail))
	}
	return r
}

func (i *Import) find(ctx context.Context, people []plan.Person) (plan.Known, error) {
	ids, emailKeys := plan.Sought(people)
	rows, err := i.To.Find(ctx, ids, emailKeys)
	if err != nil {
		return plan.Known{}, fmt.Errorf("look up the users of lines %d to %d: %w", people[0].Number, people[len(people)-1].Number, err)
	}
	users := make([]plan.User, len(rows))
	for n, r := range rows {
		u, err := r.User()
		if err != nil {
			return plan.Known{}, err
		}
		u.ID, u.Version = r.ID, r.Version // a tombstone has only these
		users[n] = plan.User{User: u, Deleted: r.Deleted}
	}
	return plan.KnownOf(users), nil
}

// derivedIDs are ids for a new user whose line has none. The first one that was never used is
// taken.
func derivedIDs(emailKey string) []string {
	ids := make([]string, 3)
	for n := range ids {
		ids[n] = uuid.NewSHA1(namespace, fmt.Appendf(nil, "user %d %s", n, emailKey)).String()
	}
	return ids
}
