// Package account decides who may do what: accounts, their roles, and the sessions, tokens
// and links that stand for them.
//
// State is all of it. A change is a pure function of the state and the time, which returns a
// Change or an *api.Problem; a store makes the change durable and counts it. Nothing here does
// I/O. A state is not changed once it was made, so it may be read by many goroutines. See
// docs/decisions/040.
package account

import (
	"time"
)

// Role is what an account may do. Each role may do what those before it may.
type Role string

// The roles. Anyone is no role of an account: what needs it needs no sign-in.
const (
	Anyone Role = "anyone"
	Viewer Role = "viewer" // reads
	Editor Role = "editor" // writes
	Admin  Role = "admin"  // manages accounts
)

var ranks = map[Role]int{Anyone: 1, Viewer: 2, Editor: 3, Admin: 4}

// Valid reports whether an account may have the role.
func (r Role) Valid() bool { return ranks[r] > ranks[Anyone] }

// Permits reports whether a role may do what needs another. What names no role is for nobody.
func (r Role) Permits(needed Role) bool { return ranks[needed] > 0 && ranks[r] >= ranks[needed] }

// atMost is the lower one of two roles.
func (r Role) atMost(other Role) Role {
	if ranks[other] < ranks[r] {
		return other
	}
	return r
}

// Account is somebody, or a program, that may sign in.
type Account struct {
	ID      string
	Name    string // to sign in with; unique
	Display string // for people to read
	Role    Role
	// Disabled accounts keep their grants, so that a device can be told why it is refused.
	Disabled bool
	Created  time.Time
	Seen     time.Time // zero if never
}

// Credential is one way of an account to sign in.
type Credential struct {
	Account string
	Kind    string // such as Password
	ID      string // of the credential among those of its kind: empty for a password
	Data    string // a hash, or a public key
	Created time.Time
}

// Password is the kind of credential whose data is what Hash made of a password.
const Password = "password"

// Kind is what a grant is for.
type Kind string

// The kinds of grants.
const (
	Session Kind = "session"
	Token   Kind = "token"
	Link    Kind = "link" // sets a password, once
)

// Grant is what a secret stands for. Only the secret's hash is known here.
type Grant struct {
	Hash    Hash
	ID      string // to be listed and ended by
	Kind    Kind
	Account string
	Role    Role   // of a token: at most this; empty for the others
	Name    string // the device of a session, the purpose of a token
	Created time.Time
	Seen    time.Time // when it was last used, to the hour
	Ends    time.Time // of a session: zero, since it goes by Seen
}

// How long grants last.
const (
	SessionIdle  = 90 * 24 * time.Hour
	DefaultLink  = 7 * 24 * time.Hour
	MaxLink      = 30 * 24 * time.Hour
	DefaultToken = 365 * 24 * time.Hour
	MaxToken     = 10 * 365 * 24 * time.Hour

	// seenPrecision is how old Seen gets before it is saved anew.
	seenPrecision = time.Hour
)

// End is when a grant ends by itself.
func (g Grant) End() time.Time {
	if g.Kind == Session {
		return g.Seen.Add(SessionIdle)
	}
	return g.Ends
}

// Live reports whether a grant has not ended yet.
func (g Grant) Live(now time.Time) bool { return now.Before(g.End()) }

// Stale reports whether it is time to save that the grant is used.
func (g Grant) Stale(now time.Time) bool { return now.Sub(g.Seen) >= seenPrecision }

// Principal is who sent a request.
type Principal struct {
	Account string // empty on an open server
	Name    string
	Display string
	Role    Role
	Grant   Grant // zero if a proxy vouches for the account
}

// Open is everybody, on a server without accounts. It manages none: the first admin would be
// whoever comes first.
var Open = Principal{Role: Editor}

// Event is an entry of the audit log. Account is whom it is about, By who did it, both ids;
// By is empty for the operator's command.
type Event struct {
	Number  int64 // of what was read: later entries have greater ones
	At      time.Time
	Action  string
	Account string
	By      string
	Detail  string
}
