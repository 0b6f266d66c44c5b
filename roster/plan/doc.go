// Package plan decides what an import does with each line of a file of people: whom it adds,
// what it changes of whom, and what is refused and why. It has no I/O: whoever imports looks
// users up, and writes what is planned.
//
// The lines of a file are one state that the directory is to have, so an address may be
// handed on in it: a line that wants the email of a user who gives it up further down waits
// for that line. Each user and each email has one line at most.
//
//	people := plan.PeopleOf(lines, ids)   // what finds their users
//	known := ...                          // the users with those ids and keys
//	for _, p := range people {
//		results = append(results, planner.Plan(p, known)...)
//	}
//	results = append(results, planner.Rest()...) // at the end of the file
package plan

import (
	"strings"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
)

// Action is what an import does with a line.
type Action string

// The actions.
const (
	Create    Action = "create"
	Change    Action = "change"
	Unchanged Action = "unchanged"
	Refused   Action = "refused"
)

// Result is what an import does with a line. Why says why the line is refused.
type Result struct {
	Line   int
	Item   int // of a JSON array, whose objects may share a line
	Action Action
	Who    string // name and email, as far as given
	Why    []*roster.Message
	Fields []Field // that are changed

	ID    string        // of the user, for a create or a change
	Patch api.UserPatch // in its stored form
	Had   User          // the user who is changed

	moves string // id of the user whose email becomes free
	owner string // id of the user who has the email that the line wants
}

// Field is one that changes. To is empty for one that had a text and loses it.
type Field struct{ Name, From, To string }

// Emptied returns the names of the fields that had a text and lose it.
func (r Result) Emptied() (names []string) {
	for _, f := range r.Fields {
		if f.To == "" {
			names = append(names, f.Name)
		}
	}
	return names
}

// Summary says in English what becomes of the line, in a few words: why it is refused, or the
// changed fields.
func (r Result) Summary() string {
	var all []string
	for _, m := range r.Why {
		all = append(all, m.String())
	}
	if len(all) > 0 {
		return strings.Join(all, "; ")
	}
	for _, f := range r.Fields {
		name := f.Name
		if f.To == "" {
			name += " emptied, was " + roster.Quote(f.From)
		}
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}

// Refused returns the result of the same line, if it is refused.
func (r Result) Refused(why ...*roster.Message) Result {
	r.Action, r.Why, r.Fields = Refused, why, nil
	return r
}

// User is one of the directory, or what is left of one that was deleted.
type User struct {
	api.User
	Deleted bool
}

// Known are the users that lines are about.
type Known struct {
	ByID    map[string]User
	ByEmail map[string]User // live ones, by api.EmailKey
}

// KnownOf returns users to plan with.
func KnownOf(users []User) Known {
	k := Known{ByID: map[string]User{}, ByEmail: map[string]User{}}
	for _, u := range users {
		k.ByID[u.ID] = u
		if !u.Deleted {
			k.ByEmail[api.EmailKey(u.Email)] = u
		}
	}
	return k
}

// Person is a line with what finds its user. It is made once: a key of letters beyond ASCII
// takes some work.
type Person struct {
	roster.Line
	Key string // of its email
	// NewIDs are those that a new user may get, where the line has none.
	NewIDs []string
}

// PeopleOf makes people of lines. newIDs returns the ids that a new user may get, by the key of
// the email.
func PeopleOf(lines []roster.Line, newIDs func(key string) []string) []Person {
	people := make([]Person, len(lines))
	for n, l := range lines {
		people[n].Line = l
		if l.Problem != nil || l.Entry.Email == nil {
			continue
		}
		people[n].Key = api.EmailKey(*l.Entry.Email)
		if l.Entry.ID == "" {
			people[n].NewIDs = newIDs(people[n].Key)
		}
	}
	return people
}

// Sought returns the ids and the keys of emails that find the users of people.
func Sought(people []Person) (ids, emailKeys []string) {
	for _, p := range people {
		if p.Problem != nil {
			continue
		}
		if p.Entry.ID != "" {
			ids = append(ids, p.Entry.ID)
		}
		if p.Key != "" {
			emailKeys = append(emailKeys, p.Key)
		}
		ids = append(ids, p.NewIDs...)
	}
	return ids, emailKeys
}
