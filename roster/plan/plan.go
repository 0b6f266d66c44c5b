package plan

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
)

// Planner plans one file. Its memory is bounded.
type Planner struct {
	seed    maphash.Seed
	lines   map[uint64]int32    // hash of an id or email key to its line
	moved   map[uint64]struct{} // hashes of the ids whose emails this run makes free
	waiting map[string][]Result // lines that want an email, by its owner's id
	waits   int
	leaving map[string]bool // ids of the users whose lines wait to give their email up
}

const (
	// maxRemembered is how many ids and emails a planner remembers to find duplicate lines,
	// at some 30 bytes each. Later ones are not compared.
	maxRemembered = 4_000_000
	// maxWaits is how many lines may wait for emails at once. More are refused.
	maxWaits = 10_000
)

// New returns a planner for a file.
func New() *Planner {
	return &Planner{
		seed: maphash.MakeSeed(), lines: map[uint64]int32{},
		moved: map[uint64]struct{}{}, waiting: map[string][]Result{}, leaving: map[string]bool{},
	}
}

// Plan decides what to do with a line. It returns the line's result and behind it those that have
// waited for the email it makes free, in the order in which they can be done; nothing for a line
// that must wait itself.
func (p *Planner) Plan(l Person, known Known) []Result { return p.release(p.plan(l, known)) }

func (p *Planner) release(r Result) []Result {
	if r.owner != "" && p.waits >= maxWaits {
		return []Result{r.Refused(emailTaken)}
	}
	if r.owner != "" {
		p.waiting[r.owner] = append(p.waiting[r.owner], r)
		p.waits++
		if r.moves != "" {
			p.leaving[r.moves] = true
		}
		return nil
	}
	ready := []Result{r}
	for n := 0; n < len(ready); n++ {
		if id := ready[n].moves; id != "" {
			if len(p.moved) < maxRemembered {
				p.moved[maphash.String(p.seed, id)] = struct{}{}
			}
			ready, p.waits = append(ready, p.waiting[id]...), p.waits-len(p.waiting[id])
			delete(p.waiting, id)
			delete(p.leaving, id)
		}
	}
	return ready
}

// Rest returns the lines whose emails nobody gave up, refused.
func (p *Planner) Rest() []Result {
	var left []Result
	for _, results := range p.waiting {
		left = append(left, results...)
	}
	slices.SortFunc(left, func(a, b Result) int { return cmp.Or(a.Line-b.Line, a.Item-b.Item) })
	waits := map[string]bool{}
	for _, r := range left {
		waits[r.ID] = true
	}
	for i, r := range left {
		why := emailTaken
		if waits[r.owner] {
			why = roster.Say("another user has this email, and waits for another one: give up one of them first")
		}
		left[i] = r.Refused(why)
	}
	return left
}

func (p *Planner) plan(l Person, known Known) Result {
	e := l.Entry
	r := Result{Line: l.Number, Item: l.Item, Who: who(e)}
	switch {
	case l.Problem != nil:
		return r.Refused(l.Problem)
	case e.ID != "" && !api.ValidID(e.ID):
		return r.Refused(roster.Say("id must be a lower-case UUID"))
	case e.ID == "" && strings.TrimSpace(text(e.Email)) == "":
		return r.Refused(roster.Say(api.IsRequired, roster.Field("email")))
	}
	user, exists := p.user(l, known)
	if other := p.earlierLine(cmp.Or(e.ID, user.ID), l.Key, l.Number); other > 0 {
		return r.Refused(roster.Say("line {0} is about the same user", other))
	}
	switch {
	case exists && user.Deleted:
		return r.Refused(roster.Say("this user was deleted, and an import never restores one; remove the id to add a new user"))
	case exists:
		r = planChange(r, e, user)
	default:
		r = planCreate(r, l, known)
	}
	if r.Action == Create || r.Action == Change {
		r.owner = p.ownerOf(l.Key, r.ID, known)
	}
	return r
}

var emailTaken = roster.Say("another user has this email")

// user returns the user that an entry is about: the one with its id or else, as the lines
// before leave it or will, with its email.
func (p *Planner) user(l Person, known Known) (User, bool) {
	if l.Entry.ID != "" {
		u, exists := known.ByID[l.Entry.ID]
		return u, exists
	}
	u, exists := known.ByEmail[l.Key]
	if exists && (p.leaving[u.ID] || p.hasMoved(u.ID)) {
		return User{}, false
	}
	return u, exists
}

// ownerOf returns the id of another user who has an email, as the lines before leave it.
func (p *Planner) ownerOf(key, id string, known Known) string {
	owner, owned := known.ByEmail[key]
	if !owned || owner.ID == id || p.hasMoved(owner.ID) {
		return ""
	}
	return owner.ID
}

func (p *Planner) hasMoved(id string) bool {
	_, moved := p.moved[maphash.String(p.seed, id)]
	return moved
}

// earlierLine returns an earlier line about the same user or with the same key of an email, or 0.
func (p *Planner) earlierLine(id, email string, line int) (other int) {
	for _, key := range []string{"id " + id, "email " + email} {
		if strings.HasSuffix(key, " ") {
			continue
		}
		h := maphash.String(p.seed, key)
		if n := p.lines[h]; n > 0 {
			other = int(n)
		} else if len(p.lines) < maxRemembered {
			p.lines[h] = int32(line)
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

func planCreate(r Result, l Person, known Known) Result {
	e := l.Entry
	r.ID = e.ID
	for _, id := range l.NewIDs {
		if _, used := known.ByID[id]; r.ID == "" && !used {
			r.ID = id
		}
	}
	if r.ID == "" {
		return r.Refused(roster.Say("users with this email were imported and deleted before; give the line a new id"))
	}
	r.Action = Create
	return prepare(r, api.UserPatch{Name: e.Name, Email: e.Email, Bio: e.Bio})
}

// sameText compares texts that may differ in the form of their line ends, which CSV does not
// preserve within a cell, and of their letters.
func sameText(a, b string) bool {
	return a == b || norm.NFC.String(lineEnds.Replace(a)) == norm.NFC.String(lineEnds.Replace(b))
}

var lineEnds = strings.NewReplacer("\r\r\n", "\n", "\r\n", "\n", "\r", "\n")

func planChange(r Result, e roster.Entry, had User) Result {
	// What is wrong with the fields that change, prepare says.
	want, _ := api.UserPatch{Name: e.Name, Email: e.Email, Bio: e.Bio}.Clean(false)
	var patch api.UserPatch
	compare := func(name string, to *string, from string, field **string) {
		if to == nil || sameText(*to, from) {
			return
		}
		*field = to
		r.Fields = append(r.Fields, Field{name, from, *to})
	}
	compare("name", want.Name, had.Name, &patch.Name)
	compare("email", want.Email, had.Email, &patch.Email)
	compare("bio", want.Bio, had.Bio, &patch.Bio)
	r.ID, r.Had = had.ID, had
	if len(r.Fields) == 0 {
		r.Action = Unchanged
		return r
	}
	if patch.Email != nil && api.EmailKey(*patch.Email) != api.EmailKey(had.Email) {
		r.moves = had.ID
	}
	r.Action = Change
	return prepare(r, patch)
}

// prepare refuses what nobody may write.
func prepare(r Result, patch api.UserPatch) Result {
	var wrong []api.FieldError
	r.Patch, wrong = patch.Clean(r.Action == Create)
	if len(wrong) == 0 {
		return r
	}
	r.moves = ""
	var why []*roster.Message
	for _, e := range wrong {
		sentence, found := e.Sentence()
		args := []any{roster.Field(e.Field)}
		for _, text := range found {
			if n, err := strconv.Atoi(text); err == nil {
				args = append(args, n)
			} else {
				args = append(args, text)
			}
		}
		why = append(why, roster.Say(sentence, args...))
	}
	return r.Refused(why...)
}
