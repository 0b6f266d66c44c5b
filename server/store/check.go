package store

import (
	"fmt"

	"github.com/rollcall/rollcall/api"
)

// CheckRow says what of a stored row can't be as it is: its document is the
// user's, and all that is derived from that is derived from it.
func CheckRow(r Row) []string {
	var problems []string
	bad := func(is bool, format string, args ...any) {
		if is {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	bad(!api.ValidID(r.ID), "its id is no UUID")
	bad(r.Version < 1 || r.Change < 1, "its version is %d, its change %d", r.Version, r.Change)
	bad(r.Stamp == "" || !r.Stamp.Valid(), "its stamp %q is none", r.Stamp)
	if r.Deleted {
		bad(len(r.Document) > 0 || r.EmailKey != "" || r.Sort != "" || r.Search != "", "deleted, and yet something of the person is kept")
		return problems
	}
	u, err := r.User()
	if err != nil {
		return append(problems, err.Error())
	}
	bad(u.ID != r.ID, "its document is of %q", u.ID)
	bad(u.Version != r.Version, "its document has version %d, the row %d", u.Version, r.Version)
	bad(!u.CreatedAt.Equal(r.CreatedAt) || !u.UpdatedAt.Equal(r.UpdatedAt), "its document has other times than the row")
	for _, e := range (api.UserPatch{Name: &u.Name, Email: &u.Email, Bio: &u.Bio}).Validate(true) {
		bad(true, "%s %s", e.Field, e.Detail)
	}
	want, err := liveRow(u, r.Stamp, r.Change)
	if err != nil {
		return append(problems, err.Error())
	}
	bad(r.EmailKey != want.EmailKey, "its email is kept as %q", r.EmailKey)
	bad(r.Sort != want.Sort || r.Search != want.Search, "it is listed or searched by other text than its own")
	return problems
}
