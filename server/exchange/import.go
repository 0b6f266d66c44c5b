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
	// Find returns the rows with one of the ids, tombstones included, and the live
	// rows with one of the email keys.
	Find(ctx context.Context, ids, emailKeys []string) ([]store.Row, error)
	Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error)
}

// Action is what an import does with a line.
type Action string

const (
	Create    Action = "create"
	Change    Action = "change"
	Unchanged Action = "unchanged"
	Refused   Action = "refused"
)

// Result is what an import does with a line. Detail names the changed fields, or says why the
// line is refused.
type Result struct {
	Line   int
	Action Action
	Who    string // name and email, as far as given
	Detail string
	write  store.Write
}

// Import is one run over a file. Without Apply it changes nothing. Report is called for each
// line, in order.
type Import struct {
	To     Directory
	Apply  bool
	Report func(Result) error

	seed  maphash.Seed
	lines map[uint64]int32 // hash of an id or email key to its line
}

// Derived ids (UUID version 5): the same input gives the same id.
var (
	namespace = uuid.MustParse("6f2d9c1e-0b57-4d0a-9d2e-3a5f6c1b7e42")
	clientID  = uuid.NewSHA1(namespace, []byte("client")).String()
)

// maxRemembered is how many ids and emails an import remembers to find duplicate lines, at
// some 30 bytes each. Later ones are not compared.
const maxRemembered = 4_000_000

// NewReader returns a reader of a file's lines.
func NewReader(in io.Reader, format Format) (Reader, error) {
	s, err := newLineSource(in)
	if err != nil {
		return nil, err
	}
	if format == CSV {
		return newCSV(s)
	}
	return &jsonReader{s}, nil
}

// Run imports all lines in batches of a client's size. After an error, what was applied
// stays, and another run continues from there.
func (i *Import) Run(ctx context.Context, r Reader) error {
	i.seed, i.lines = maphash.MakeSeed(), map[uint64]int32{}
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
	users, err := i.find(ctx, lines)
	if err != nil {
		return err
	}
	results := make([]Result, len(lines))
	var writes []store.Write
	var places []int
	for n, line := range lines {
		results[n] = i.plan(line, users)
		if a := results[n].Action; a == Create || a == Change {
			writes, places = append(writes, results[n].write), append(places, n)
		}
	}
	if i.Apply && len(writes) > 0 {
		outcomes, err := i.To.Apply(ctx, writes)
		if err != nil {
			return fmt.Errorf("apply lines %d to %d: %w", lines[0].Number, lines[len(lines)-1].Number, err)
		}
		for n, o := range outcomes {
			results[places[n]].correct(o)
		}
	}
	for _, r := range results {
		if err := i.Report(r); err != nil {
			return err
		}
	}
	return nil
}

// correct replaces the plan with the write's outcome.
func (r *Result) correct(o store.Outcome) {
	switch o.Result.Status {
	case api.Applied:
	case api.Duplicate:
		r.Action, r.Detail = Unchanged, ""
	case api.Conflict:
		r.Action, r.Detail = Refused, "someone else changed this user at the same time; import the file again"
	default:
		r.Action, r.Detail = Refused, "the directory could not save it"
		if o.Result.Problem != nil {
			r.Detail = o.Result.Problem.Error()
		}
	}
}

// found are the users that a batch of lines is about.
type found struct {
	byID    map[string]store.Row
	byEmail map[string]store.Row
}

func (i *Import) find(ctx context.Context, lines []Line) (found, error) {
	var ids, emails []string
	for _, l := range lines {
		if l.Problem != "" {
			continue
		}
		if l.Entry.ID != "" {
			ids = append(ids, l.Entry.ID)
		}
		if e := l.Entry.Email; e != nil {
			emails = append(emails, api.EmailKey(*e))
			if l.Entry.ID == "" {
				ids = append(ids, derivedIDs(api.EmailKey(*e))...)
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

// derivedIDs are ids for a new user whose line has none. The first one that was never used is
// taken.
func derivedIDs(emailKey string) []string {
	ids := make([]string, 3)
	for n := range ids {
		ids[n] = uuid.NewSHA1(namespace, fmt.Appendf(nil, "user %d %s", n, emailKey)).String()
	}
	return ids
}

// plan decides what to do with a line.
func (i *Import) plan(l Line, known found) Result {
	r := Result{Line: l.Number, Who: who(l.Entry)}
	refuse := func(format string, args ...any) Result {
		r.Action, r.Detail = Refused, fmt.Sprintf(format, args...)
		return r
	}
	e := l.Entry
	if l.Problem != "" {
		return refuse("the line %s", l.Problem)
	}
	if e.ID != "" && !api.ValidID(e.ID) {
		return refuse("id must be a lower-case UUID")
	}
	if e.ID == "" && (e.Email == nil || strings.TrimSpace(*e.Email) == "") {
		return refuse("email is required")
	}
	if other := i.earlierLine(e, l.Number); other > 0 {
		return refuse("line %d is about the same user", other)
	}
	row, exists := known.byID[e.ID]
	if e.ID == "" {
		row, exists = known.byEmail[api.EmailKey(*e.Email)]
	}
	if exists && row.Deleted {
		return refuse("this user was deleted, and an import never restores one; remove the id to add a new user")
	}
	if !exists {
		return planCreate(r, e, known)
	}
	if taken(known, e.Email, row.ID) {
		return refuse("%s", emailTaken)
	}
	return planChange(r, e, row)
}

const emailTaken = "another user has this email"

func taken(known found, email *string, id string) bool {
	owner, owned := known.byEmail[api.EmailKey(text(email))]
	return owned && owner.ID != id
}

// earlierLine returns an earlier line about the same user, or 0.
func (i *Import) earlierLine(e Entry, line int) (other int) {
	for _, key := range []string{"id " + e.ID, "email " + api.EmailKey(text(e.Email))} {
		if strings.HasSuffix(key, " ") {
			continue
		}
		h := maphash.String(i.seed, key)
		if n := i.lines[h]; n > 0 {
			other = int(n)
		} else if len(i.lines) < maxRemembered {
			i.lines[h] = int32(line)
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

func planCreate(r Result, e Entry, known found) Result {
	id := e.ID
	for _, derived := range derivedIDs(api.EmailKey(text(e.Email))) {
		if _, used := known.byID[derived]; id == "" && !used {
			id = derived
		}
	}
	if id == "" {
		r.Action, r.Detail = Refused, "users with this email were imported and deleted before; give the line a new id"
		return r
	}
	patch := api.UserPatch{Name: e.Name, Email: e.Email, Bio: e.Bio}
	if taken(known, e.Email, id) {
		r.Action, r.Detail = Refused, emailTaken
		return r
	}
	r.Action = Create
	return prepare(r, api.Create, store.Row{ID: id}, patch)
}

// withoutReturns makes texts equal that differ only in their line ends, which CSV does not
// preserve within a cell.
func withoutReturns(s string) string { return strings.ReplaceAll(s, "\r", "") }

func planChange(r Result, e Entry, row store.Row) Result {
	had, err := row.User()
	if err != nil {
		r.Action, r.Detail = Refused, err.Error()
		return r
	}
	// store.Prepare reports what is invalid about the fields that change.
	update, _ := store.Write{Type: api.Update}.WithPatch(api.UserPatch{Name: e.Name, Email: e.Email, Bio: e.Bio})
	want := update.Patch
	var patch api.UserPatch
	var fields []string
	compare := func(name string, to *string, from string, field **string) {
		if to != nil && withoutReturns(*to) != withoutReturns(from) {
			*field = to
			fields = append(fields, name)
		}
	}
	compare("name", want.Name, had.Name, &patch.Name)
	compare("email", want.Email, had.Email, &patch.Email)
	compare("bio", want.Bio, had.Bio, &patch.Bio)
	if len(fields) == 0 {
		r.Action = Unchanged
		return r
	}
	r.Action, r.Detail = Change, strings.Join(fields, ", ")
	return prepare(r, api.Update, row, patch)
}

// prepare makes the operation that a client would send, and refuses what the server would
// reject.
func prepare(r Result, t api.OperationType, row store.Row, patch api.UserPatch) Result {
	data, err := json.Marshal(patch)
	if err != nil {
		r.Action, r.Detail = Refused, err.Error()
		return r
	}
	id := uuid.NewSHA1(namespace, fmt.Appendf(nil, "%s %s %d %s", t, row.ID, row.Version, data)).String()
	w, problem := store.Prepare(clientID, api.Operation{
		ID: id, EntityType: api.EntityUser, EntityID: row.ID, Type: t, Data: data, BaseVersion: row.Version,
	})
	if problem != nil {
		r.Action, r.Detail = Refused, detailOf(problem)
		return r
	}
	r.write = w
	return r
}

// detailOf describes a problem without its title, if its fields say enough.
func detailOf(p *api.Problem) string {
	var all []string
	for _, e := range p.Errors {
		all = append(all, e.Field+" "+e.Detail)
	}
	if len(all) == 0 {
		return p.Error()
	}
	return strings.Join(all, "; ")
}
