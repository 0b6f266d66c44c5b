package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// plural is a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// grouped writes a number with a thin mark between thousands.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// relative says how long ago t was. A time ahead of now, as a clock that was set
// back makes it, is "a few seconds ago".
func relative(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return "a few seconds ago"
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute") + " ago"
	case d < 24*time.Hour:
		return plural(int(d/time.Hour), "hour") + " ago"
	case d < 30*24*time.Hour:
		return plural(int(d/(24*time.Hour)), "day") + " ago"
	}
	return "on " + t.Local().Format("2 January 2006")
}

// until says how long it is to t, for a next try.
func until(t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d <= time.Second:
		return "now"
	case d < time.Minute:
		return "in " + plural(int(d.Round(time.Second)/time.Second), "second")
	}
	return "in " + plural(int(d.Round(time.Minute)/time.Minute), "minute")
}

// bytesText writes a size as people read it.
func bytesText(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d bytes", n)
	}
	v, names := float64(n)/unit, []string{"kB", "MB", "GB", "TB"}
	for len(names) > 1 && v >= unit {
		v, names = v/unit, names[1:]
	}
	if v < 10 {
		return fmt.Sprintf("%.1f %s", v, names[0])
	}
	return fmt.Sprintf("%.0f %s", v, names[0])
}

// explanations are what storage failures mean to a person, and what helps.
var explanations = []struct {
	err  error
	text string
}{
	{queue.ErrQuota, "This device has no room left for Rollcall's data. Free some space, then try again."},
	{queue.ErrBlocked, "Another tab holds an older version of Rollcall open. Close the other tabs of Rollcall, then try again."},
	{queue.ErrOutdated, "A newer version of Rollcall has updated the data on this device. Reload to go on."},
	{queue.ErrUncertain, "The browser's storage did not say whether it saved. Look before you try again."},
	{queue.ErrTimeout, "The browser's storage did not answer in time. Try again, or reload the page."},
	{queue.ErrClosed, "The browser closed the connection to its storage. Try again, or reload the page."},
	{queue.ErrUnavailable, "This browser window does not let Rollcall store anything. Private windows often don't; use a normal one."},
	{queue.ErrMissing, "This user does not exist any more."},
	{queue.ErrGone, "This change has left the queue meanwhile: it was sent or replaced."},
	{queue.ErrFrozen, "This change may have reached the server already, so it can't be taken back here."},
	{repository.ErrNotFound, "This user does not exist any more."},
	{repository.ErrNotReachable, "This user is not on this device, and the server can't be reached."},
	{context.DeadlineExceeded, "It took too long. Try again."},
}

// explain makes a sentence for a person of an error.
func explain(err error) string {
	var p *api.Problem
	if errors.As(err, &p) {
		return problemText(p)
	}
	for _, e := range explanations {
		if errors.Is(err, e.err) {
			return e.text
		}
	}
	return asSentence(err.Error())
}

// notSaved says to a person at a form why it was not saved, and that nothing they
// typed is lost. Of a write that may have been saved it says that, and what to do.
func notSaved(err error) string {
	if errors.Is(err, queue.ErrUncertain) {
		return "The browser did not say whether this was saved. What you typed is kept. Press Save again: nothing is saved twice."
	}
	return "Not saved. " + explain(err) + " What you typed is kept."
}

// notDone says that something did not happen to a user, or may not have.
func notDone(name, what string, err error) string {
	if errors.Is(err, queue.ErrUncertain) {
		return "The browser did not say whether " + name + " was " + what + ". The list shows it; try again if not."
	}
	return name + " was not " + what + ". " + explain(err)
}

// problemText makes a sentence for a person of a problem.
func problemText(p *api.Problem) string {
	switch p.Code {
	case api.CodeEmailTaken:
		return "Another user has this email already."
	case api.CodeSignIn:
		return "Sign in to sync."
	}
	return asSentence(p.Error())
}

func asSentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return "Something went wrong."
	}
	r, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[n:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// label is a field's name as the form has it.
func label(field string) string {
	switch field {
	case "name":
		return "Name"
	case "email":
		return "Email"
	case "bio":
		return "Bio"
	}
	return field
}

// stateText is the contract's word for a row's state, and its icon.
func stateText(s queue.RowState) (text, icon string) {
	switch s {
	case queue.Pending:
		return "Pending", "clock"
	case queue.NeedsAttention:
		return "Needs attention", "alert"
	case queue.InConflict:
		return "Conflict", "branch"
	}
	return "", ""
}

// initials are the one or two letters of an avatar: of the first and the last
// word of a name that begin with a letter or digit.
func initials(name string) string {
	var letters []rune
	for _, word := range strings.Fields(name) {
		for _, r := range word {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				letters = append(letters, unicode.ToUpper(r))
				break
			}
		}
	}
	switch len(letters) {
	case 0:
		return "?"
	case 1:
		return string(letters)
	}
	return string([]rune{letters[0], letters[len(letters)-1]})
}

// hues is the number of avatar colours in the style sheet.
const hues = 8

// hue is the avatar colour of an id: always the same one for the same user.
func hue(id string) int {
	h := uint32(2166136261)
	for i := range len(id) {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return int(h % hues)
}

// people counts persons.
func people(n int64) string {
	if n == 1 {
		return "1 person"
	}
	return grouped(int(n)) + " people"
}

// checkWords says how the device compared with the server.
func checkWords(c sync.Check, now time.Time) string {
	switch {
	case c.At.IsZero():
		return "not yet"
	case c.Mismatched == 0 && c.DeviceRows == c.ServerRows:
		return people(c.ServerRows) + ", as on the server, " + relative(c.At, now)
	}
	text := "The server counts " + people(c.ServerRows) + ", this device " + people(c.DeviceRows)
	if c.Mismatched > 0 {
		text += ", and " + plural(c.Mismatched, "group") + " of them still differ"
		if c.Mismatched == 1 {
			text += "s"
		}
	}
	return text + ", " + relative(c.At, now)
}

// repairWords says what the last repair found.
func repairWords(r *sync.RepairSummary, now time.Time) string {
	if r == nil {
		return "none was needed"
	}
	return people(int64(r.Rows)) + " in " + plural(r.Buckets, "group") + ", " + relative(r.At, now)
}
