package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
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

// Action is what an import does with a line.
type Action string

const (
	Create    Action = "create"
	Change    Action = "change"
	Unchanged Action = "unchanged"
	Refused   Action = "refused"
)

// Result is what an import does with a line. Detail names the changed fields, or says why the
// line is refused. Emptied are the fields that had a text and lose it.
type Result struct {
	Line    int
	Item    int // of a JSON array, whose objects may share a line
	Action  Action
	Who     string // name and email, as far as given
	Detail  string
	Emptied []string

	write store.Write
	moves string // id of the user whose email becomes free
	owner string // id of the user who has the email that the line wants
}

// Import is one run over a file. Without Apply it changes nothing. Report is called for each
// line in order, except that a line that waits for an email is reported once it has it, or
// at the end.
type Import struct {
	To     Directory
	Apply  bool
	Report func(Result) error

	seed    maphash.Seed
	lines   map[uint64]int32    // hash of an id or email key to its line
	moved   map[uint64]struct{} // hashes of the ids whose emails this run makes free
	waiting map[string][]Result // lines that want an email, by its owner's id
	waits   int
	leaving map[string]bool // ids of the users whose lines wait to give their email up
}

// Derived ids (UUID version 5): the same input gives the same id.
var (
	namespace = uuid.MustParse("6f2d9c1e-0b57-4d0a-9d2e-3a5f6c1b7e42")
	clientID  = uuid.NewSHA1(namespace, []byte("client")).String()
)

const (
	// maxRemembered is how many ids and emails an import remembers to find duplicate lines,
	// at some 30 bytes each. Later ones are not compared.
	maxRemembered = 4_000_000
	// maxWaits is how many lines may wait for emails at once. More are refused.
	maxWaits = 10_000
)

// Run imports all lines in batches of a client's size. After an error, what was applied
// stays, and another run continues from there.
func (i *Import) Run(ctx context.Context, lines Lines) error {
	i.seed, i.lines = maphash.MakeSeed(), map[uint64]int32{}
	i.moved, i.waiting, i.waits, i.leaving = map[uint64]struct{}{}, map[string][]Result{}, 0, map[string]bool{}
	for {
		batch, err := readBatch(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if e := i.batch(ctx, batch); e != nil {
			return e
		}
		if err != nil {
			return i.refuseWaiting()
		}
	}
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
	people := peopleOf(lines)
	users, err := i.find(ctx, people)
	if err != nil {
		return err
	}
	var results []Result
	for _, line := range people {
		results = append(results, i.release(i.plan(line, users))...)
	}
	// Lines that have waited come on top of a batch.
	for chunk := range slices.Chunk(results, api.MaxOperations) {
		if err := i.apply(ctx, chunk); err != nil {
			return err
		}
		for _, r := range chunk {
			if err := i.Report(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// release returns a line's result and behind it those that have waited for the email it
// makes free, and so on. It is empty for a line that must wait itself.
func (i *Import) release(r Result) []Result {
	if r.owner != "" && i.waits >= maxWaits {
		return []Result{r.refused(emailTaken)}
	}
	if r.owner != "" {
		i.waiting[r.owner] = append(i.waiting[r.owner], r)
		i.waits++
		if r.moves != "" {
			i.leaving[r.moves] = true
		}
		return nil
	}
	ready := []Result{r}
	for n := 0; n < len(ready); n++ {
		if id := ready[n].moves; id != "" {
			if len(i.moved) < maxRemembered {
				i.moved[maphash.String(i.seed, id)] = struct{}{}
			}
			ready, i.waits = append(ready, i.waiting[id]...), i.waits-len(i.waiting[id])
			delete(i.waiting, id)
			delete(i.leaving, id)
		}
	}
	return ready
}

// refuseWaiting refuses the lines whose emails nobody gave up.
func (i *Import) refuseWaiting() error {
	var left []Result
	for _, results := range i.waiting {
		left = append(left, results...)
	}
	slices.SortFunc(left, func(a, b Result) int { return cmp.Or(a.Line-b.Line, a.Item-b.Item) })
	waits := map[string]bool{}
	for _, r := range left {
		waits[r.write.EntityID] = true
	}
	for _, r := range left {
		detail := emailTaken
		if waits[r.owner] {
			detail = "another user has this email, and waits for another one: give up one of them first"
		}
		if err := i.Report(r.refused(detail)); err != nil {
			return err
		}
	}
	return nil
}

// apply writes what the results plan, and corrects them by what became of it.
func (i *Import) apply(ctx context.Context, results []Result) error {
	var writes []store.Write
	var places []int
	for n, r := range results {
		if r.Action == Create || r.Action == Change {
			writes, places = append(writes, r.write), append(places, n)
		}
	}
	if !i.Apply || len(writes) == 0 {
		return nil
	}
	outcomes, err := i.To.Apply(ctx, writes)
	if err != nil {
		return fmt.Errorf("apply lines %d to %d: %w", results[0].Line, results[len(results)-1].Line, err)
	}
	for n, o := range outcomes {
		results[places[n]].correct(o)
	}
	return nil
}

func (r Result) refused(detail string) Result {
	r.Action, r.Detail, r.Emptied = Refused, detail, nil
	return r
}

// correct replaces the plan with the write's outcome.
func (r *Result) correct(o store.Outcome) {
	switch o.Result.Status {
	case api.Applied:
	case api.Duplicate:
		r.Action, r.Detail, r.Emptied = Unchanged, "", nil
	case api.Conflict:
		*r = r.refused("someone else changed this user at the same time; import the file again")
	default:
		detail := "the directory could not save it"
		if o.Result.Problem != nil {
			detail = o.Result.Problem.Error()
		}
		*r = r.refused(detail)
	}
}

// person is a line with what finds its user. It is made once: a key of letters beyond ASCII
// takes some work.
type person struct {
	roster.Line
	key     string   // of its email
	derived []string // ids of a new user, where the line has none
}

func peopleOf(lines []roster.Line) []person {
	people := make([]person, len(lines))
	for n, l := range lines {
		people[n].Line = l
		if l.Problem != "" || l.Entry.Email == nil {
			continue
		}
		people[n].key = api.EmailKey(*l.Entry.Email)
		if l.Entry.ID == "" {
			people[n].derived = derivedIDs(people[n].key)
		}
	}
	return people
}

// found are the users that a batch of lines is about.
type found struct {
	byID    map[string]store.Row
	byEmail map[string]store.Row
}

func (i *Import) find(ctx context.Context, lines []person) (found, error) {
	var ids, emails []string
	for _, l := range lines {
		if l.Problem != "" {
			continue
		}
		if l.Entry.ID != "" {
			ids = append(ids, l.Entry.ID)
		}
		if l.key != "" {
			emails = append(emails, l.key)
		}
		ids = append(ids, l.derived...)
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
func (i *Import) plan(l person, known found) Result {
	e := l.Entry
	r := Result{Line: l.Number, Item: l.Item, Who: who(e)}
	switch {
	case l.Problem != "":
		return r.refused(l.Problem)
	case e.ID != "" && !api.ValidID(e.ID):
		return r.refused("id must be a lower-case UUID")
	case e.ID == "" && strings.TrimSpace(text(e.Email)) == "":
		return r.refused("email is required")
	}
	row, exists := i.user(l, known)
	if other := i.earlierLine(cmp.Or(e.ID, row.ID), l.key, l.Number); other > 0 {
		return r.refused(fmt.Sprintf("line %d is about the same user", other))
	}
	switch {
	case exists && row.Deleted:
		return r.refused("this user was deleted, and an import never restores one; remove the id to add a new user")
	case exists:
		r = planChange(r, e, row)
	default:
		r = planCreate(r, l, known)
	}
	if r.Action == Create || r.Action == Change {
		r.owner = i.ownerOf(l.key, r.write.EntityID, known)
	}
	return r
}

const emailTaken = "another user has this email"

// user returns the user that an entry is about: the one with its id or else, as the lines
// before leave it or will, with its email.
func (i *Import) user(l person, known found) (store.Row, bool) {
	if l.Entry.ID != "" {
		row, exists := known.byID[l.Entry.ID]
		return row, exists
	}
	row, exists := known.byEmail[l.key]
	if exists && (i.leaving[row.ID] || i.hasMoved(row.ID)) {
		return store.Row{}, false
	}
	return row, exists
}

// ownerOf returns the id of another user who has an email, as the lines before leave it.
func (i *Import) ownerOf(key, id string, known found) string {
	owner, owned := known.byEmail[key]
	if !owned || owner.ID == id || i.hasMoved(owner.ID) {
		return ""
	}
	return owner.ID
}

func (i *Import) hasMoved(id string) bool {
	_, moved := i.moved[maphash.String(i.seed, id)]
	return moved
}

// earlierLine returns an earlier line about the same user or with the same key of an email, or 0.
func (i *Import) earlierLine(id, email string, line int) (other int) {
	for _, key := range []string{"id " + id, "email " + email} {
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

func who(e roster.Entry) string {
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

func planCreate(r Result, l person, known found) Result {
	e, id := l.Entry, l.Entry.ID
	for _, derived := range l.derived {
		if _, used := known.byID[derived]; id == "" && !used {
			id = derived
		}
	}
	if id == "" {
		return r.refused("users with this email were imported and deleted before; give the line a new id")
	}
	r.Action = Create
	return prepare(r, api.Create, store.Row{ID: id}, api.UserPatch{Name: e.Name, Email: e.Email, Bio: e.Bio})
}

// sameText compares texts that may differ in the form of their line ends, which CSV does not
// preserve within a cell, and of their letters.
func sameText(a, b string) bool {
	return a == b || norm.NFC.String(lineEnds.Replace(a)) == norm.NFC.String(lineEnds.Replace(b))
}

var lineEnds = strings.NewReplacer("\r\r\n", "\n", "\r\n", "\n", "\r", "\n")

func planChange(r Result, e roster.Entry, row store.Row) Result {
	had, err := row.User()
	if err != nil {
		return r.refused(err.Error())
	}
	// store.Prepare reports what is invalid about the fields that change.
	update, _ := store.Write{Type: api.Update}.WithPatch(api.UserPatch{Name: e.Name, Email: e.Email, Bio: e.Bio})
	want := update.Patch
	var patch api.UserPatch
	var fields []string
	compare := func(name string, to *string, from string, field **string) {
		if to == nil || sameText(*to, from) {
			return
		}
		*field = to
		if *to == "" {
			r.Emptied = append(r.Emptied, name)
			name += " emptied, was " + roster.Quote(from)
		}
		fields = append(fields, name)
	}
	compare("name", want.Name, had.Name, &patch.Name)
	compare("email", want.Email, had.Email, &patch.Email)
	compare("bio", want.Bio, had.Bio, &patch.Bio)
	if len(fields) == 0 {
		r.Action = Unchanged
		return r
	}
	if patch.Email != nil && api.EmailKey(*patch.Email) != api.EmailKey(had.Email) {
		r.moves = row.ID
	}
	r.Action, r.Detail = Change, strings.Join(fields, ", ")
	return prepare(r, api.Update, row, patch)
}

// prepare makes the operation that a client would send, and refuses what the server would
// reject.
func prepare(r Result, t api.OperationType, row store.Row, patch api.UserPatch) Result {
	data, err := json.Marshal(patch)
	if err != nil {
		return r.refused(err.Error())
	}
	w, problem := store.Prepare(clientID, api.Operation{
		ID: uuid.NewString(), EntityType: api.EntityUser, EntityID: row.ID, Type: t, Data: data, BaseVersion: row.Version,
	})
	if problem != nil {
		r.moves = ""
		return r.refused(detailOf(problem))
	}
	w.Key = "" // a further run plans by what is there, so no record has to tell it
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
