package account

import "github.com/rollcall/rollcall/api"

// OpenID is the kind of credential that stands for somebody at an OpenID Connect provider.
const OpenID = "openid"

// Claim is what a provider says of who has signed in there. Email is empty unless the provider has
// verified it.
type Claim struct{ Issuer, Subject, Email string }

// id is the claim's id among the credentials of its kind. An issuer is a URL, without spaces.
func (c Claim) id() string { return c.Issuer + " " + c.Subject }

// Claimed returns whose account a claim is for. The first time, that is the account of the link that
// it comes with, or the one whose login name is the verified email; from then on, the subject counts
// alone, whatever its email is by then.
func (s *State) Claimed(act Act, c Claim, link string) (who Account, change Change, err error) {
	for id, all := range s.Credentials {
		for _, one := range all {
			if one.Kind == OpenID && one.ID == c.id() {
				return s.Accounts[id], Change{}, nil
			}
		}
	}
	if link != "" {
		if who, err = s.Linked(link, act.Now); err != nil {
			return who, change, err
		}
		change.Drop = s.hashes(who.ID, Hash{}, Link)
	} else {
		var ok bool
		if who, ok = s.ByName(c.Email); !ok || c.Email == "" || len(s.CredentialsOf(who.ID, OpenID)) > 0 {
			return who, change, api.NewProblem(api.CodeForbidden, "No account here",
				"you have signed in, but have no account here yet; ask an admin for an invitation, and open its link first")
		}
	}
	act.By = who.ID
	change.Credentials = []Credential{{Account: who.ID, Kind: OpenID, ID: c.id(), Created: act.Now}}
	change.Events = []Event{act.event("provider_linked", who.ID, c.Issuer)}
	return who, change, nil
}
