package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// Directory is what an import needs of a store.
type Directory interface {
	// Find returns the rows that have one of the ids, tombstones too, and the live
	// ones that have one of the email keys.
	Find(ctx context.Context, ids, emailKeys []string) ([]store.Row, error)
	Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error)
}

// Action is what a line does.
type Action string

const (
	Create    Action = "create"
	Change    Action = "change"
	Unchanged Action = "unchanged"
	Refused   Action = "refused"
)

// Step is what a line does, and for a change or a refusal, of what or why.
type Step struct {
	Line   int
	Action Action
	Who    string // name and email, as far as the line says
	Detail string
	write  store.Write
}

// Import is one run over a file. Apply false only plans. Report is called for each
// line, in order.
type Import struct {
	To     Directory
	Apply  bool
	Report func(Step) error

	seed   maphash.Seed
	emails map[uint64]int32 // hash of an email key, or id, to its line
}

// Names of ids that are made from something, so that they are the same each time.
var (
	namespace = uuid.MustParse("6f2d9c1e-0b57-4d0a-9d2e-3a5f6c1b7e42")
	clientID  = uuid.NewSHA1(namespace, []byte("client")).String()
)

// maxSeen is of how many lines an import remembers the email, to find another
// line with it: some 30 bytes each. What comes later is not compared.
const maxSeen = 4_000_000

// Open makes the reader of a file.
func Open(in io.Reader, format Format) (Reader, error) {
	s, err := newSource(in)
	if err != nil {
		return nil, err
	}
	if format == CSV {
		return newCSV(s)
	}
	return &jsonReader{s}, nil
}

// Run imports all lines, in batches as a client sends them. An error ends it; what
// was applied until then stays, and running it again goes on from there.
func (i *Import) Run(ctx context.Context, r Reader) error {
	i.seed, i.emails = maphash.MakeSeed(), map[uint64]int32{}
	for {
		batch, err := readBatch(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if e := i.batch(ctx, batch); e != nil {
			return e
		}
		if err != nil {
			return nil
		}
	}
}

func readBatch(r Reader) (batch []Line, err error) {
	for len(batch) < api.MaxOperations {
		line, err := r.Next()
		if err != nil {
			return batch, err
		}
		batch = append(batch, line)
	}
	return batch, nil
}

func (i *Import) batch(ctx context.Context, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	known, err := i.find(ctx, lines)
	if err != nil {
		return err
	}
	steps := make([]Step, len(lines))
	var writes []store.Write
	var places []int
	for n, line := range lines {
		steps[n] = i.plan(line, known)
		if a := steps[n].Action; a == Create || a == Change {
			writes, places = append(writes, steps[n].write), append(places, n)
		}
	}
	if i.Apply && len(writes) > 0 {
		outcomes, err := i.To.Apply(ctx, writes)
		if err != nil {
			return fmt.Errorf("apply lines %d to %d: %w", lines[0].Number, lines[len(lines)-1].Number, err)
		}
		for n, o := range outcomes {
			steps[places[n]].settle(o)
		}
	}
	for _, s := range steps {
		if err := i.Report(s); err != nil {
			return err
		}
	}
	return nil
}

// settle corrects a plan by what became of it.
func (s *Step) settle(o store.Outcome) {
	switch o.Result.Status {
	case api.Applied:
	case api.Duplicate:
		s.Action, s.Detail = Unchanged, ""
	case api.Conflict:
		s.Action, s.Detail = Refused, "someone else changed this user meanwhile; import the file again"
	default:
		s.Action, s.Detail = Refused, "the server could not take it"
		if o.Result.Problem != nil {
			s.Detail = o.Result.Problem.Error()
		}
	}
}

// found is what of the directory a batch is about.
type found struct {
	byID    map[string]store.Row
	byEmail map[string]store.Row
}

func (i *Import) find(ctx context.Context, lines []Line) (found, error) {
	var ids, emails []string
	for _, l := range lines {
		switch e := l.Entry; {
		case l.Problem != "":
		case e.ID != "":
			ids = append(ids, e.ID)
		}
		if e := l.Entry.Email; e != nil && l.Problem == "" {
			emails = append(emails, api.EmailKey(*e))
			if l.Entry.ID == "" {
				ids = append(ids, madeIDs(api.EmailKey(*e))...)
			}
		}
	}
	rows, err := i.To.Find(ctx, ids, emails)
	if err != nil {
		return found{}, fmt.Errorf("look up the users of lines %d to %d: %w", lines[0].Number, lines[len(lines)-1].Number, err)
	}
	f := found{map[string]store.Row{}, map[string]store.Row{}}
	for _, r := range rows {
		f.byID[r.ID] = r
		if !r.Deleted {
			u, err := r.User()
			if err != nil {
				return found{}, err
			}
			f.byEmail[api.EmailKey(u.Email)] = r
		}
	}
	return f, nil
}

// madeIDs are the ids for a user of whom a line says none: the first one that
// never was anybody's is taken.
func madeIDs(emailKey string) []string {
	ids := make([]string, 3)
	for n := range ids {
		ids[n] = uuid.NewSHA1(namespace, fmt.Appendf(nil, "user %d %s", n, emailKey)).String()
	}
	return ids
}

// plan says what a line does to the directory as it is.
func (i *Import) plan(l Line, known found) Step {
	s := Step{Line: l.Number, Who: who(l.Entry)}
	refuse := func(format string, args ...any) Step {
		s.Action, s.Detail = Refused, fmt.Sprintf(format, args...)
		return s
	}
	e := l.Entry
	if l.Problem != "" {
		return refuse("the line %s", l.Problem)
	}
	if e.ID != "" && !api.ValidID(e.ID) {
		return refuse("id is not a UUID in its lower-case form")
	}
	if e.ID == "" && (e.Email == nil || strings.TrimSpace(*e.Email) == "") {
		return refuse("email is required")
	}
	if other := i.seenBefore(e, l.Number); other > 0 {
		return refuse("line %d is about the same user", other)
	}
	row, there := known.byID[e.ID]
	if e.ID == "" {
		row, there = known.byEmail[api.EmailKey(*e.Email)]
	}
	if there && row.Deleted {
		return refuse("this user was deleted, and an import brings nobody back; a line without the id adds a new one")
	}
	if !there {
		return planCreate(s, e, known)
	}
	if taken(known, e.Email, row.ID) {
		return refuse("%s", emailTaken)
	}
	return planChange(s, e, row)
}

const emailTaken = "another user has this email"

func taken(known found, email *string, id string) bool {
	owner, owned := known.byEmail[api.EmailKey(text(email))]
	return owned && owner.ID != id
}

// seenBefore returns the line that was about the same user, or 0.
func (i *Import) seenBefore(e Entry, line int) (other int) {
	for _, key := range []string{"id " + e.ID, "email " + api.EmailKey(text(e.Email))} {
		if strings.HasSuffix(key, " ") {
			continue
		}
		h := maphash.String(i.seed, key)
		if n := i.emails[h]; n > 0 {
			other = int(n)
		} else if len(i.emails) < maxSeen {
			i.emails[h] = int32(line)
		}
	}
	return other
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func who(e Entry) string {
	name, email := strings.TrimSpace(text(e.Name)), strings.TrimSpace(text(e.Email))
	switch {
	case email == "" && name == "":
		return e.ID
	case email == "":
		return name
	case name == "":
		return email
	}
	return name + " <" + email + ">"
}

func planCreate(s Step, e Entry, known found) Step {
	id := e.ID
	for _, made := range madeIDs(api.EmailKey(text(e.Email))) {
		if _, used := known.byID[made]; id == "" && !used {
			id = made
		}
	}
	if id == "" {
		s.Action, s.Detail = Refused, "users with this email were imported and deleted before; give the line an id of its own"
		return s
	}
	patch := api.UserPatch{Name: e.Name, Email: e.Email, Bio: e.Bio}
	if taken(known, e.Email, id) {
		s.Action, s.Detail = Refused, emailTaken
		return s
	}
	s.Action = Create
	return prepare(s, api.Create, store.Row{ID: id}, patch)
}

// withoutReturns makes texts equal that differ in their line ends: CSV, and most
// programs that write it, keep no difference between those within a cell.
func withoutReturns(s string) string { return strings.ReplaceAll(s, "\r", "") }

func planChange(s Step, e Entry, row store.Row) Step {
	had, err := row.User()
	if err != nil {
		s.Action, s.Detail = Refused, err.Error()
		return s
	}
	// What is wrong with the fields that change is found by store.Prepare.
	update, _ := store.Write{Type: api.Update}.WithPatch(api.UserPatch{Name: e.Name, Email: e.Email, Bio: e.Bio})
	want := update.Patch
	var patch api.UserPatch
	var fields []string
	differs := func(name string, to *string, from string, field **string) {
		if to != nil && withoutReturns(*to) != withoutReturns(from) {
			*field = to
			fields = append(fields, name)
		}
	}
	differs("name", want.Name, had.Name, &patch.Name)
	differs("email", want.Email, had.Email, &patch.Email)
	differs("bio", want.Bio, had.Bio, &patch.Bio)
	if len(fields) == 0 {
		s.Action = Unchanged
		return s
	}
	s.Action, s.Detail = Change, strings.Join(fields, ", ")
	return prepare(s, api.Update, row, patch)
}

// prepare makes the operation a client would send, and refuses what the server would.
func prepare(s Step, t api.OperationType, row store.Row, patch api.UserPatch) Step {
	data, err := json.Marshal(patch)
	if err != nil {
		s.Action, s.Detail = Refused, err.Error()
		return s
	}
	id := uuid.NewSHA1(namespace, fmt.Appendf(nil, "%s %s %d %s", t, row.ID, row.Version, data)).String()
	w, problem := store.Prepare(clientID, api.Operation{
		ID: id, EntityType: api.EntityUser, EntityID: row.ID, Type: t, Data: data, BaseVersion: row.Version,
	})
	if problem != nil {
		s.Action, s.Detail = Refused, fieldsOf(problem)
		return s
	}
	s.write = w
	return s
}

// fieldsOf is a problem as it reads behind a line's number.
func fieldsOf(p *api.Problem) string {
	var all []string
	for _, e := range p.Errors {
		all = append(all, e.Field+" "+e.Detail)
	}
	if len(all) == 0 {
		return p.Error()
	}
	return strings.Join(all, "; ")
}
