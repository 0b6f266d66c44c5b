package app

import (
	"context"
	"strings"

	"github.com/rollcall/rollcall/api/jsoncodec"
)

// undoing is what an Undo would do: bring users back who were deleted, or give a field back to those of
// whom it was set. It is kept while it is offered, so that a reload does not take it away.
type undoing struct {
	field, value string   // "" of a deletion
	were         []record // before; of a deletion as RestoreAll takes them
}

// mostKept is of how many users an Undo is offered again after a reload.
const mostKept = 2000

// text says what was done.
func (u undoing) text() string {
	if u.field == "" {
		return trn(len(u.were), "Deleted {n} user", "Deleted {n} users")
	}
	return trn(len(u.were), "Changed {n} user", "Changed {n} users")
}

// offerUndo shows what was done, with "Undo".
func (s *session) offerUndo(text, name string, undo func(), u undoing) {
	s.showToast(toast{text: text, name: name, action: tr("Undo"), onAction: undo})
	s.undoToast = s.lastToast
	if len(u.were) <= mostKept {
		s.Layout.KeepUndo(u.lines())
	}
}

func (s *session) offer(u undoing) { s.offerUndo(u.text(), "", func() { s.undo(u) }, u) }

// offerKeptUndo offers what was offered when the page was left.
func (s *session) offerKeptUndo() {
	if u := parseUndoing(s.Layout.KeptUndo()); len(u.were) > 0 {
		s.offer(u)
	}
}

func (s *session) undo(u undoing) {
	if u.field == "" {
		s.inParts(u.were, trLater("Restoring {0} of {1}…"), s.Users.RestoreAll, func(done []record) {
			s.showToast(toast{text: trn(len(done), "Restored {n} user", "Restored {n} users")})
		})
		return
	}
	s.inParts(u.were, trLater("Changing {0} of {1}…"), func(ctx context.Context, part []record) ([]record, error) {
		return s.Users.RevertAll(ctx, part, patchOf(u.field, u.value))
	}, func(done []record) {
		text := trn(len(done), "{n} user is as before", "{n} users are as before")
		if left := len(u.were) - len(done); left > 0 {
			text = trn(left, "{0}, {n} left as it is", "{0}, {n} left as they are", text)
		}
		s.showToast(toast{text: text})
	})
}

// lines are what is kept: of each user a draft, which nobody is to see.
func (u undoing) lines() string {
	text := ""
	for _, r := range u.were {
		text += string(jsoncodec.Write(draft{User: u.field, ID: u.value, Seen: &r}.writeJSON)) + "\n"
	}
	return text
}

func parseUndoing(lines string) (u undoing) {
	for _, line := range strings.Split(lines, "\n") {
		if d, err := jsoncodec.Parse([]byte(line), readDraft); err == nil && d.Seen != nil {
			u.field, u.value, u.were = d.User, d.ID, append(u.were, *d.Seen)
		}
	}
	return u
}
