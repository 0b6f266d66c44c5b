package account

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// State is all accounts with their credentials and grants. Revision grows with each change,
// except of when something was last seen.
type State struct {
	Revision    int64
	Accounts    map[string]Account
	Credentials map[string][]Credential // by account
	Grants      map[Hash]Grant
	Key         []byte // seals what browsers keep for the servers of this database

	names map[string]string // to ids
}

// NewState returns the state of what a store holds.
func NewState(revision int64, c Change) *State {
	empty := &State{Accounts: map[string]Account{}, Credentials: map[string][]Credential{}, Grants: map[Hash]Grant{}, names: map[string]string{}}
	s := empty.With(c)
	s.Revision = revision
	return s
}

// Change is what a decision puts and drops, in this order.
type Change struct {
	Accounts    []Account
	Credentials []Credential // each takes the place of the one with its account, kind and id
	Forget      []Credential
	Grants      []Grant
	Drop        []Hash // grants
	Events      []Event
}

// With is the state after a change.
func (s *State) With(c Change) *State {
	next := s.clone(s.Revision + 1)
	for _, a := range c.Accounts {
		delete(next.names, next.Accounts[a.ID].Name)
		next.Accounts[a.ID], next.names[a.Name] = a, a.ID
	}
	for _, one := range c.Credentials {
		next.Credentials[one.Account] = append(slices.DeleteFunc(slices.Clone(next.Credentials[one.Account]), func(had Credential) bool {
			return had.Kind == one.Kind && had.ID == one.ID
		}), one)
		slices.SortFunc(next.Credentials[one.Account], func(a, b Credential) int { return strings.Compare(a.Kind+" "+a.ID, b.Kind+" "+b.ID) })
	}
	for _, one := range c.Forget {
		next.Credentials[one.Account] = slices.DeleteFunc(slices.Clone(next.Credentials[one.Account]), func(had Credential) bool {
			return had.Kind == one.Kind && had.ID == one.ID
		})
	}
	for _, g := range c.Grants {
		next.Grants[g.Hash] = g
	}
	for _, h := range c.Drop {
		delete(next.Grants, h)
	}
	return next
}

// Touched is the state after grants were last used.
func (s *State) Touched(seen map[Hash]time.Time) *State {
	next := s.clone(s.Revision)
	for h, at := range seen {
		g, ok := next.Grants[h]
		if !ok || !at.After(g.Seen) {
			continue
		}
		g.Seen = at
		next.Grants[h] = g
		if a := next.Accounts[g.Account]; at.After(a.Seen) {
			a.Seen = at
			next.Accounts[a.ID] = a
		}
	}
	return next
}

func (s *State) clone(revision int64) *State {
	return &State{Revision: revision, Accounts: maps.Clone(s.Accounts), Credentials: maps.Clone(s.Credentials), Grants: maps.Clone(s.Grants), names: maps.Clone(s.names), Key: s.Key}
}

// Then is a change with another one behind it.
func (c Change) Then(next Change) Change {
	return Change{
		Accounts: slices.Concat(c.Accounts, next.Accounts), Credentials: slices.Concat(c.Credentials, next.Credentials),
		Forget: slices.Concat(c.Forget, next.Forget),
		Grants: slices.Concat(c.Grants, next.Grants), Drop: slices.Concat(c.Drop, next.Drop), Events: slices.Concat(c.Events, next.Events),
	}
}

// Open reports whether the server is open to all: nobody could sign in.
func (s *State) Open() bool { return len(s.Accounts) == 0 }

// ByName returns the account of a login name.
func (s *State) ByName(name string) (Account, bool) {
	a, ok := s.Accounts[s.names[FoldName(name)]]
	return a, ok
}

// Names lists the accounts by name.
func (s *State) Names() []Account {
	all := make([]Account, 0, len(s.Accounts))
	for _, a := range s.Accounts {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Account) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// GrantsOf lists an account's live grants of some kinds, the newest first.
func (s *State) GrantsOf(id string, now time.Time, kinds ...Kind) []Grant {
	var all []Grant
	for _, g := range s.Grants {
		if g.Account == id && g.Live(now) && slices.Contains(kinds, g.Kind) {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b Grant) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// PasswordOf returns the stored hash of an account's password; "" for none.
func (s *State) PasswordOf(id string) string {
	for _, c := range s.Credentials[id] {
		if c.Kind == Password {
			return c.Data
		}
	}
	return ""
}

// Refusal is why a secret does not let in.
type Refusal int

// The refusals.
const (
	Admitted Refusal = iota
	Unknown          // no such secret, or it has ended
	Disabled         // the account is
	Stranger         // a proxy vouches for a name that has no account
)

// Problem is what a refusal is told as; nil if there is none.
func (r Refusal) Problem() error {
	switch r {
	case Admitted:
		return nil
	case Disabled:
		return DisabledProblem()
	case Stranger:
		return StrangerProblem()
	}
	return SignInProblem()
}

// Identify returns whom a secret of a kind stands for. The path of every request leads here.
func (s *State) Identify(secret string, kind Kind, now time.Time) (Principal, Refusal) {
	if k, ok := kindOf(secret); !ok || k != kind {
		return Principal{}, Unknown
	}
	return s.identify(HashOf(secret), kind, now)
}

// Again looks at a principal again, who may have lost what let them in.
func (s *State) Again(p Principal, now time.Time) (Principal, Refusal) {
	switch {
	case s.Open():
		return Open, Admitted
	case p.Grant.Kind == "":
		return s.principal(p.Account, Grant{})
	}
	return s.identify(p.Grant.Hash, p.Grant.Kind, now)
}

// Still returns why a principal may no longer do what they might before; nil if they may.
func (s *State) Still(p Principal, now time.Time) error {
	who, refusal := s.Again(p, now)
	if refusal == Admitted && !who.Role.Permits(p.Role) {
		return ForbiddenProblem(who, p.Role)
	}
	return refusal.Problem()
}

func (s *State) identify(h Hash, kind Kind, now time.Time) (Principal, Refusal) {
	g, ok := s.Grants[h]
	if !ok || g.Kind != kind || !g.Live(now) {
		return Principal{}, Unknown
	}
	return s.principal(g.Account, g)
}

func (s *State) principal(id string, g Grant) (Principal, Refusal) {
	a, ok := s.Accounts[id]
	switch {
	case !ok:
		return Principal{}, Unknown
	case a.Disabled:
		return Principal{Account: id}, Disabled // it is told, and nobody else
	}
	role := a.Role
	if g.Kind == Token {
		role = role.atMost(g.Role)
	}
	return Principal{Account: a.ID, Name: a.Name, Display: a.Display, Role: role, Grant: g}, Admitted
}

// Vouched returns the account that a trusted proxy says has signed in.
func (s *State) Vouched(name string) (Principal, Refusal) {
	a, ok := s.ByName(name)
	if !ok {
		return Principal{}, Stranger
	}
	return s.principal(a.ID, Grant{})
}

// Problems are what no decision could have made of a state.
func (s *State) Problems() (all []string) {
	bad := func(is bool, format string, args ...any) {
		if is {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	admins := 0
	for id, a := range s.Accounts {
		bad(!a.Role.Valid(), "account %s has the role %q", id, a.Role)
		bad(s.names[a.Name] != id || FoldName(a.Name) != a.Name || a.Name == "", "account %s can't be found by its name %q", id, a.Name)
		if isAdmin(a) {
			admins++
		}
	}
	bad(len(s.Accounts) > 0 && admins == 0, "no account may manage the others; `rollcall account add -admin` makes one that may")
	for id := range s.Credentials {
		bad(s.Accounts[id].ID == "", "a credential is for account %s, which is missing", id)
	}
	for _, g := range s.Grants {
		bad(s.Accounts[g.Account].ID == "", "%s %s is for account %s, which is missing", g.Kind, g.ID, g.Account)
		bad(prefixes[g.Kind] == "", "grant %s is of the kind %q", g.ID, g.Kind)
		bad(g.Kind == Token && !g.Role.Valid(), "token %s has the role %q", g.ID, g.Role)
	}
	bad(len(s.Key) < sha256.Size, "the key that seals what browsers keep is missing")
	slices.Sort(all)
	return all
}
