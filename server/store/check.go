package store

import (
	"fmt"
	"io"
	"time"

	"github.com/rollcall/rollcall/api"
)

// maxProblems is how many problems a report lists.
const maxProblems = 100

// Report is the result of checking a whole database.
type Report struct {
	Users, Tombstones, Records int64
	Change                     int64    // the feed's counter
	Problems                   []string // at most maxProblems
	More                       int      // problems beyond those
	shared                     int      // problems that are only shared emails
}

// Serious returns how many problems there are besides emails that two users share, with which
// everything works.
func (r *Report) Serious() int { return len(r.Problems) + r.More - r.shared }

// Add adds a problem.
func (r *Report) Add(format string, args ...any) {
	if len(r.Problems) >= maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Print prints the report on the database of the given name.
func (r *Report) Print(w io.Writer, name string) error {
	for _, p := range r.Problems {
		if err := Print(w, "problem: %s\n", p); err != nil {
			return err
		}
	}
	if r.More > 0 {
		if err := Print(w, "and %d more\n", r.More); err != nil {
			return err
		}
	}
	result := "no problems found"
	if n := len(r.Problems) + r.More; n > 0 {
		result = fmt.Sprintf("%d problems found", n)
	}
	return Print(w, "%s: %d users, %d tombstones, %d records, change %d; %s\n",
		name, r.Users, r.Tombstones, r.Records, r.Change, result)
}

// FeedCheck is what a database says about its feed, and what its users' rows say.
type FeedCheck struct {
	Rows    int // of the feed's table
	Counter Counter
	Horizon int64
	Floor   int64  // of versions
	Digest  []byte // as stored

	LatestChange  int64 // 0 without users
	LatestVersion int64 // 0 without users
	LatestUpdate  time.Time
	Users         api.Digest
}

// CheckFeed compares the feed's state with the users' rows. The latest change belongs to a
// row, or to a tombstone that was collected.
func (r *Report) CheckFeed(f FeedCheck) {
	r.Change = f.Counter.Change
	if f.Rows != 1 {
		r.Add("feed: it has %d rows", f.Rows)
	}
	if want := max(f.LatestChange, f.Horizon); f.Counter.Change != want {
		r.Add("feed: the counter is %d, but the rows and collected tombstones reach %d", f.Counter.Change, want)
	}
	if f.Counter.Clock.Before(f.LatestUpdate) {
		r.Add("feed: its clock, %v, is before the latest change, %v", f.Counter.Clock, f.LatestUpdate)
	}
	if bound := f.Floor + f.Counter.Change; f.LatestVersion > bound {
		r.Add("feed: a user has version %d, but none above %d was given out", f.LatestVersion, bound)
	}
	var digest api.Digest
	if err := digest.UnmarshalBinary(f.Digest); err != nil {
		r.Add("feed: its digest can't be read: %v", err)
	} else if digest != f.Users {
		r.Add("feed: its digest does not match the users, so clients look for differences that don't exist")
	}
}

// CheckRow counts a row and checks that everything derived from its document matches it.
func (r *Report) CheckRow(row Row) {
	if row.Deleted {
		r.Tombstones++
	} else {
		r.Users++
	}
	bad := func(is bool, format string, args ...any) {
		if is {
			r.Add("user %s: %s", row.ID, fmt.Sprintf(format, args...))
		}
	}
	bad(!api.ValidID(row.ID), "its id is not a UUID")
	bad(row.Version < 1 || row.Change < 1, "its version is %d, its change %d", row.Version, row.Change)
	bad(row.Stamp == "" || !row.Stamp.Valid(), "its stamp %q is invalid", row.Stamp)
	if row.Deleted {
		bad(len(row.Document) > 0 || row.EmailKey != "" || row.Sort != "" || row.Search != "", "it was deleted, but personal data is left")
		return
	}
	u, err := row.User()
	if err != nil {
		bad(true, "%v", err)
		return
	}
	bad(u.ID != row.ID, "its document belongs to %q", u.ID)
	bad(u.Version != row.Version, "its document has version %d, the row %d", u.Version, row.Version)
	bad(!u.CreatedAt.Equal(row.CreatedAt) || !u.UpdatedAt.Equal(row.UpdatedAt), "its document and the row have different times")
	_, invalid := Write{Type: api.Create}.WithPatch(api.UserPatch{Name: &u.Name, Email: &u.Email, Bio: &u.Bio})
	for _, e := range invalid {
		bad(true, "%s %s", e.Field, e.Detail)
	}
	want, err := liveRow(u, row.Stamp, row.Change)
	if err != nil {
		bad(true, "%v", err)
		return
	}
	bad(plainKey(row.EmailKey) != want.EmailKey, "its email is indexed as %q", row.EmailKey)
	bad(row.Sort != want.Sort || row.Search != want.Search, "its name or email is indexed as another text")
}

// CheckShared reports that a user has the email of another.
func (r *Report) CheckShared(row Row, other string) {
	email := "its email"
	if u, err := row.User(); err == nil {
		email = "its email " + u.Email
	}
	r.shared++
	r.Add("user %s: %s is also that of user %s; both work, but give one of them another email", row.ID, email, other)
}

// CheckRecord counts a record. That of an applied write needs its user or tombstone, since it
// goes before them.
func (r *Report) CheckRecord(record Record, entityExists bool) {
	r.Records++
	switch {
	case record.Status != api.Applied && record.Status != api.Duplicate && record.Status != api.Conflict:
		r.Add("record %s: its status is %q", record.Key, record.Status)
	case !entityExists && record.Status == api.Applied:
		r.Add("record %s: its user %s is missing", record.Key, record.EntityID)
	}
}
