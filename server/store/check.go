package store

import (
	"encoding/json"
	"fmt"
	"time"

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
	_, wrong := Write{Type: api.Create}.WithPatch(api.UserPatch{Name: &u.Name, Email: &u.Email, Bio: &u.Bio})
	for _, e := range wrong {
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

// Report is what a check of a whole database found.
type Report struct {
	Users, Tombstones, Records int64
	Change                     int64    // the counter
	Problems                   []string // at most MaxProblems of them
	More                       int      // problems that are not listed
}

// MaxProblems is how many problems a report lists.
const MaxProblems = 100

// Add adds a problem.
func (r *Report) Add(format string, args ...any) {
	if len(r.Problems) >= MaxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Standing is what a database says of its feed, beside what its rows say.
type Standing struct {
	Counter Counter
	Horizon int64
	Digest  []byte // as it is kept

	LatestChange int64 // of the rows, 0 for none
	Latest       time.Time
	Rows         api.Digest
}

// AddFeed holds the feed's state against the rows: the last change was either of a
// row that is there, or of a tombstone that was collected.
func (r *Report) AddFeed(s Standing) {
	r.Change = s.Counter.Change
	if want := max(s.LatestChange, s.Horizon); s.Counter.Change != want {
		r.Add("feed: the counter is %d, and the rows and collected tombstones reach to %d", s.Counter.Change, want)
	}
	if s.Counter.Clock.Before(s.Latest) {
		r.Add("feed: its clock, %v, is before the latest change, %v", s.Counter.Clock, s.Latest)
	}
	var digest api.Digest
	if err := digest.UnmarshalBinary(s.Digest); err != nil {
		r.Add("feed: its digest can't be read: %v", err)
	} else if digest != s.Rows {
		r.Add("feed: its digest is not that of the users, so that clients look for differences where there are none")
	}
}

// AddRow counts a row and says what is wrong with it.
func (r *Report) AddRow(row Row) {
	if row.Deleted {
		r.Tombstones++
	} else {
		r.Users++
	}
	for _, problem := range CheckRow(row) {
		r.Add("user %s: %s", row.ID, problem)
	}
}

// AddRecord counts a record, of which result is as it is stored, and says what is
// wrong with it. there tells whether there is a row of whom it is about. One of a
// write that took effect is about a user or a tombstone, because tombstones are kept
// at least as long.
func (r *Report) AddRecord(key, entityID string, result []byte, there bool) {
	r.Records++
	var decoded api.Result
	if err := json.Unmarshal(result, &decoded); err != nil {
		r.Add("record %s: its result can't be read: %v", key, err)
		return
	}
	if !there && entityID != "" && decoded.Status == api.Applied {
		r.Add("record %s: it is of user %s, of whom there is nothing", key, entityID)
	}
}
