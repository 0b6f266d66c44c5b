package store

import (
	"strings"

	"github.com/rollcall/rollcall/api"
)

// An email key is stored with this mark and the id behind it where another user has the same
// email already, which only rules from before EmailKey's could allow. No key has a line break.
const sharedMark = "\n"

// SharedKey is the stored email key of a user whose email another has, too.
func SharedKey(key, id string) string { return key + sharedMark + id }

// plainKey is the email key of a stored one.
func plainKey(stored string) string {
	key, _, _ := strings.Cut(stored, sharedMark)
	return key
}

// keepsEmail reports whether a row has the email of the row that it replaces.
func keepsEmail(current, next *Row) bool {
	return current != nil && !current.Deleted && plainKey(current.EmailKey) == plainKey(next.EmailKey)
}

// InNormalForm returns a live row as this program saves it, with its texts in the form of
// UserPatch.Clean, and what is derived from them. If the document changes, that is the next
// change of the feed, so that devices get it. The stamp stays: nobody has edited the user.
func (r Row) InNormalForm(next Counter) (row Row, changed bool, err error) {
	had, err := r.User()
	if err != nil {
		return r, false, err
	}
	clean, _ := api.UserPatch{Name: &had.Name, Email: &had.Email, Bio: &had.Bio}.Clean(false)
	want := clean.Apply(had)
	if want.Name == "" { // it shows nothing; `rollcall check` reports it
		want.Name = had.Name
	}
	if !sameFields(had, want) {
		want.Version, want.UpdatedAt = r.Version+1, next.Clock
		normal, err := liveRow(want, r.Stamp, next.Change)
		if err != nil {
			return r, false, err
		}
		return *normal, true, nil
	}
	r.EmailKey = api.EmailKey(had.Email)
	r.Sort, r.Search = api.UserIndex(r.Document)
	return r, false, nil
}
