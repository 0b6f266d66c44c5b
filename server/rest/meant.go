package rest

import (
	"net/http"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
)

// meant fails if a device meant a request for another account than the one that it comes from. A
// browser has one cookie and may have the data of several people: a tab that was open before
// somebody else signed in would send its person's work as theirs. So would one from before there
// were accounts, which does not say whose data it has: only a token's program needs not.
func meant(r *http.Request, needed account.Role, from string) error {
	said := r.Header.Get(api.HeaderAccount)
	if said == "" && r.URL.Path == api.PathEvents {
		said = r.URL.Query().Get(api.ParamAccount)
	}
	who := scopeOf(r.Context()).who
	if said == "" && syncs(r) && who.Account != "" && who.Grant.Kind != account.Token {
		return tooOldProblem()
	}
	if said == "" || needed == account.Anyone || said == api.ForAccount(from) {
		return nil
	}
	return api.NewProblem(api.CodeSignIn, "Sign in to sync", "somebody else has signed in here; what is not sent yet waits for who made it")
}
