package account

import (
	"fmt"
	"strings"

	"github.com/rollcall/rollcall/api"
)

// Passkey is the kind of credential that a device, or a person's password manager, signs with. Its
// data is a name and the public key.
const Passkey = "passkey"

// MaxPasskeys is how many an account has.
const MaxPasskeys = 20

// CredentialsOf returns an account's credentials of a kind.
func (s *State) CredentialsOf(id, kind string) (all []Credential) {
	for _, c := range s.Credentials[id] {
		if c.Kind == kind {
			all = append(all, c)
		}
	}
	return all
}

// CheckCredentialName returns the name of a passkey as it is kept.
func CheckCredentialName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if errs := checkText("name", name, MaxGrant); name == "" || errs != nil {
		return "", invalid("Invalid passkey", api.FieldError{Field: "name", Detail: fmt.Sprintf("must be text of 1 to %d characters, on one line", MaxGrant)})
	}
	return name, nil
}

// AddPasskey adds a passkey to an account.
func (s *State) AddPasskey(act Act, c Credential) (Change, error) {
	if _, err := s.Find(c.Account); err != nil {
		return Change{}, err
	}
	for id, all := range s.Credentials {
		for _, had := range all {
			if had.Kind == Passkey && had.ID == c.ID {
				return Change{}, api.NewProblem(api.CodeConflict, "Passkey known", map[bool]string{true: "the account has it already", false: "another account has it"}[id == c.Account])
			}
		}
	}
	if len(s.CredentialsOf(c.Account, Passkey)) >= MaxPasskeys {
		return Change{}, api.NewProblem(api.CodeConflict, "Too many passkeys", fmt.Sprintf("an account has at most %d; remove one first", MaxPasskeys))
	}
	c.Kind, c.Created = Passkey, act.Now
	return Change{Credentials: []Credential{c}, Events: []Event{act.event("passkey_added", c.Account, "")}}, nil
}

// AcceptPasskey makes a passkey the way in to a link's account, in the place of a password, which may have
// been forgotten because others know it. It ends the account's links and sessions, as a new password does.
func (s *State) AcceptPasskey(act Act, link string, c Credential) (Change, error) {
	who, err := s.Linked(link, act.Now)
	if err != nil {
		return Change{}, err
	}
	c.Account = who.ID
	change, err := s.AddPasskey(act, c)
	change.Forget, change.Drop = s.CredentialsOf(who.ID, Password), s.hashes(who.ID, Hash{}, Session, Link)
	return change, err
}

// DropPasskey removes a passkey, unless it is the last way in.
func (s *State) DropPasskey(act Act, id, passkey string) (Change, error) {
	for _, c := range s.Credentials[id] {
		if c.Kind != Passkey || c.ID != passkey {
			continue
		}
		if len(s.Credentials[id]) == 1 {
			return Change{}, api.NewProblem(api.CodeConflict, "The only way in", "nobody could sign in to the account; set a password or add another passkey first")
		}
		return Change{Forget: []Credential{c}, Events: []Event{act.event("passkey_removed", id, "")}}, nil
	}
	return Change{}, api.NewProblem(api.CodeNotFound, "Not found", "the account has no such passkey")
}
