package account

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
)

// Act is who decides something, and when. By is an account's id, empty for the operator's
// command.
type Act struct {
	By  string
	Now time.Time
}

func (a Act) event(action, of, detail string) Event {
	return Event{At: a.Now, Action: action, Account: of, By: a.By, Detail: detail}
}

// New is an account to be.
type New struct {
	Name, Display string
	Role          Role
}

// Limits of texts, in code points. A login name may be an email address.
const (
	MaxName    = 254
	MaxDisplay = 200
	MaxGrant   = 100 // of the name of a device or token

	// MaxGrants is how many live grants an account has; of sessions, the oldest go.
	MaxGrants = 100
)

// FoldName returns a login name in the form that is compared. Only letters of ASCII are folded: the
// small form of others is one of them, and a provider may have verified another email (K, U+212A).
func FoldName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.TrimSpace(name))
}

const nameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789._@+-"

// Add adds an account, which nobody can sign in to yet.
func (s *State) Add(act Act, n New) (Change, Account, error) {
	a := Account{ID: uuid.NewString(), Name: FoldName(n.Name), Display: strings.TrimSpace(n.Display), Role: n.Role, Created: act.Now}
	if a.Display == "" {
		a.Display = a.Name
	}
	var errs []api.FieldError
	if a.Name == "" || len(a.Name) > MaxName || strings.Trim(a.Name, nameCharacters) != "" {
		errs = append(errs, api.Wrong("name", api.IsNoLoginName))
	}
	errs = append(errs, checkText("displayName", a.Display, MaxDisplay)...)
	errs = append(errs, checkRole(a.Role)...)
	if len(errs) > 0 {
		return Change{}, a, invalid("Invalid account", errs...)
	}
	if _, taken := s.ByName(a.Name); taken {
		return Change{}, a, api.NewProblem(api.CodeConflict, "Name taken", "another account has the name "+a.Name)
	}
	return Change{Accounts: []Account{a}, Events: []Event{act.event("account_added", a.ID, a.Name+", "+string(a.Role))}}, a, nil
}

func checkText(field, text string, most int) []api.FieldError {
	if utf8.RuneCountInString(text) > most || !oneLine(text) {
		return []api.FieldError{{Field: field, Detail: fmt.Sprintf("must be text of at most %d characters, on one line", most)}}
	}
	return nil
}

// oneLine reports whether a text may stand in a list, a log and a terminal.
func oneLine(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r == '\u2028' || r == '\u2029' || unicode.In(r, unicode.Cc, unicode.Bidi_Control)
	})
}

func checkRole(r Role) []api.FieldError {
	if !r.Valid() {
		return []api.FieldError{{Field: "role", Detail: "must be viewer, editor or admin"}}
	}
	return nil
}

func invalid(title string, errs ...api.FieldError) error {
	return api.NewProblem(api.CodeInvalid, title, "", errs...)
}

// Find returns an account by its id.
func (s *State) Find(id string) (Account, error) {
	a, ok := s.Accounts[id]
	if !ok {
		return a, api.NewProblem(api.CodeNotFound, "Account not found", "there is no account with this id")
	}
	return a, nil
}

// Edit is what to change of an account; nil keeps it.
type Edit struct {
	Display  *string
	Role     *Role
	Disabled *bool
}

// Edit changes an account. One that is enabled again has to sign in anew.
func (s *State) Edit(act Act, id string, e Edit) (Change, error) {
	had, err := s.Find(id)
	if err != nil {
		return Change{}, err
	}
	a, c := had, Change{}
	if e.Display != nil {
		if a.Display = strings.TrimSpace(*e.Display); a.Display == "" {
			a.Display = a.Name
		}
		if errs := checkText("displayName", a.Display, MaxDisplay); errs != nil {
			return c, invalid("Invalid account", errs...)
		}
	}
	if e.Role != nil {
		if a.Role = *e.Role; !a.Role.Valid() {
			return c, invalid("Invalid account", checkRole(a.Role)...)
		}
	}
	if e.Disabled != nil {
		a.Disabled = *e.Disabled
	}
	if had == a {
		return c, nil
	}
	if isAdmin(had) && !isAdmin(a) && !s.otherAdmin(id) {
		return c, api.NewProblem(api.CodeConflict, "The last admin", "nobody else could manage accounts; make another account admin first")
	}
	if had.Role != a.Role {
		c.Events = append(c.Events, act.event("role_changed", id, string(had.Role)+" to "+string(a.Role)))
	}
	if had.Disabled != a.Disabled {
		action := "account_enabled"
		if a.Disabled {
			action = "account_disabled"
		} else {
			c.Drop = s.hashes(id, Hash{}, Session, Link)
		}
		c.Events = append(c.Events, act.event(action, id, ""))
	}
	if had.Display != a.Display {
		c.Events = append(c.Events, act.event("account_renamed", id, ""))
	}
	c.Accounts = []Account{a}
	return c, nil
}

func isAdmin(a Account) bool { return a.Role == Admin && !a.Disabled }

func (s *State) otherAdmin(than string) bool {
	for id, a := range s.Accounts {
		if id != than && isAdmin(a) {
			return true
		}
	}
	return false
}

// hashes are those of an account's grants of some kinds, except one.
func (s *State) hashes(id string, but Hash, kinds ...Kind) (all []Hash) {
	for h, g := range s.Grants {
		for _, k := range kinds {
			if g.Account == id && g.Kind == k && h != but {
				all = append(all, h)
			}
		}
	}
	return all
}

// NewLink makes the link of an account, with which a password is set, once. It takes the place of an
// earlier one: an invitation, or one for a forgotten password.
func (s *State) NewLink(act Act, id string, lasts time.Duration) (Change, string, error) {
	if lasts <= 0 || lasts > MaxLink {
		return Change{}, "", invalid("Invalid link", api.FieldError{Field: "ends", Detail: "must be in at most 30 days"})
	}
	a, err := s.Find(id)
	if err != nil {
		return Change{}, "", err
	}
	if a.Disabled {
		return Change{}, "", api.NewProblem(api.CodeConflict, "Account disabled", "enable the account before making a link for it")
	}
	secret, hash := NewSecret(Link)
	g := Grant{Hash: hash, ID: uuid.NewString(), Kind: Link, Account: id, Created: act.Now, Seen: act.Now, Ends: act.Now.Add(lasts)}
	return Change{Grants: []Grant{g}, Drop: s.hashes(id, Hash{}, Link), Events: []Event{act.event("link_made", id, "until "+g.Ends.UTC().Format(time.RFC3339))}}, secret, nil
}

// Linked returns the account of a link.
func (s *State) Linked(link string, now time.Time) (Account, error) {
	p, refusal := s.Identify(link, Link, now)
	if refusal != Admitted {
		return Account{}, api.NewProblem(api.CodeNotFound, "This link is no longer good", "it was used, or has ended; ask an admin for another one")
	}
	return s.Accounts[p.Account], nil
}

// SetPassword sets the hash of an account's password, and ends all its links, and its sessions but one.
func (s *State) SetPassword(act Act, id, hash string, keep Hash) (Change, error) {
	if _, err := s.Find(id); err != nil {
		return Change{}, err
	}
	return Change{
		Credentials: []Credential{{Account: id, Kind: Password, Data: hash, Created: act.Now}},
		Drop:        s.hashes(id, keep, Session, Link), Events: []Event{act.event("password_set", id, "")},
	}, nil
}

// NewSession signs an account in on a device. Beyond MaxGrants, its oldest sessions end.
func (s *State) NewSession(act Act, id, device string) (Change, string, error) {
	a, err := s.Find(id)
	if err != nil {
		return Change{}, "", err
	}
	if a.Disabled {
		return Change{}, "", DisabledProblem()
	}
	device = cutText(device)
	secret, hash := NewSecret(Session)
	g := Grant{Hash: hash, ID: uuid.NewString(), Kind: Session, Account: id, Name: device, Created: act.Now, Seen: act.Now}
	a.Seen = act.Now
	c := Change{Accounts: []Account{a}, Grants: []Grant{g}, Events: []Event{{At: act.Now, Action: "signed_in", Account: id, By: id, Detail: device}}}
	if had := s.GrantsOf(id, act.Now, Session); len(had) >= MaxGrants {
		for _, old := range had[MaxGrants-1:] {
			c.Drop = append(c.Drop, old.Hash)
		}
	}
	return c, secret, nil
}

// cutText is the name that a device gives itself, as it is kept.
func cutText(name string) string {
	name = strings.TrimSpace(name)
	if !oneLine(name) {
		return ""
	}
	if runes := []rune(name); len(runes) > MaxGrant {
		return string(runes[:MaxGrant])
	}
	return name
}

// NewTokenOf is a token to be.
type NewTokenOf struct {
	Account, Name string
	Role          Role
	Lasts         time.Duration
}

// NewToken makes a token for a program. It may do what its account may, and no more than its role.
func (s *State) NewToken(act Act, n NewTokenOf) (Change, Grant, string, error) {
	a, err := s.Find(n.Account)
	if err != nil {
		return Change{}, Grant{}, "", err
	}
	errs := append(checkRole(n.Role), checkText("name", n.Name, MaxGrant)...)
	if strings.TrimSpace(n.Name) == "" {
		errs = append(errs, api.FieldError{Field: "name", Detail: "is required: it says what the token is for"})
	}
	if n.Lasts <= 0 || n.Lasts > MaxToken {
		errs = append(errs, api.FieldError{Field: "ends", Detail: "must be in at most ten years"})
	}
	switch {
	case len(errs) > 0:
		return Change{}, Grant{}, "", invalid("Invalid token", errs...)
	case !a.Role.Permits(n.Role):
		return Change{}, Grant{}, "", api.NewProblem(api.CodeForbidden, "Role too high", "a token can't do more than its account, which is "+string(a.Role))
	case len(s.GrantsOf(a.ID, act.Now, Token)) >= MaxGrants:
		return Change{}, Grant{}, "", api.NewProblem(api.CodeConflict, "Too many tokens", fmt.Sprintf("an account has at most %d; end one first", MaxGrants))
	}
	secret, hash := NewSecret(Token)
	g := Grant{Hash: hash, ID: uuid.NewString(), Kind: Token, Account: a.ID, Role: n.Role, Name: strings.TrimSpace(n.Name),
		Created: act.Now, Seen: act.Now, Ends: act.Now.Add(n.Lasts)}
	return Change{Grants: []Grant{g}, Events: []Event{act.event("token_made", a.ID, g.Name+", "+string(g.Role))}}, g, secret, nil
}

// EndGrant ends one grant of an account, by the grant's id.
func (s *State) EndGrant(act Act, id, grant string) (Change, error) {
	for h, g := range s.Grants {
		if g.Account == id && g.ID == grant {
			return Change{Drop: []Hash{h}, Events: []Event{act.event(string(g.Kind)+"_ended", id, g.Name)}}, nil
		}
	}
	return Change{}, api.NewProblem(api.CodeNotFound, "Not found", "the account has no such session or token, or it has ended")
}

// SignOut ends all sessions of an account.
func (s *State) SignOut(act Act, id string) (Change, error) {
	if _, err := s.Find(id); err != nil {
		return Change{}, err
	}
	return Change{Drop: s.hashes(id, Hash{}, Session), Events: []Event{act.event("signed_out_everywhere", id, "")}}, nil
}

// DropEnded drops the grants that have ended by themselves.
func (s *State) DropEnded(now time.Time) (c Change) {
	for h, g := range s.Grants {
		if !g.Live(now) {
			c.Drop = append(c.Drop, h)
		}
	}
	return c
}

// SignInProblem asks for a sign-in.
func SignInProblem() *api.Problem {
	return api.NewProblem(api.CodeSignIn, "Sign in to sync", "this needs an account: sign in, or send a token in Authorization: Bearer TOKEN")
}

// DisabledProblem says that an account may no longer sign in.
func DisabledProblem() *api.Problem {
	return api.NewProblem(api.CodeAccountDisabled, "This account is disabled", "an admin has disabled it; what was not sent yet stays on this device")
}

// StrangerProblem says that a proxy's sign-in is no account here.
func StrangerProblem() *api.Problem {
	return api.NewProblem(api.CodeForbidden, "No account here", "the sign-in in front of this server knows you, but you have no account here; ask an admin for one with the same name")
}

// ForbiddenProblem says that a role does not suffice.
func ForbiddenProblem(p Principal, needed Role) *api.Problem {
	may := map[Role]string{Viewer: "read", Editor: "read and write"}[p.Role]
	return api.NewProblem(api.CodeForbidden, "Not allowed", fmt.Sprintf("as %s you may %s; this needs the role %s, which an admin can give", p.Role, may, needed))
}
