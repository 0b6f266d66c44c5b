package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// draft is what an open form holds, kept for when its tab is gone. Each form has one of
// its own, so that two tabs may edit the same user.
type draft struct {
	Key    string                       `json:"key"`
	User   string                       `json:"user"` // id of the edited user, "" for a new one
	ID     string                       `json:"id"`   // id for a new user
	Values map[string]string            `json:"values"`
	Seen   *repository.Record[api.User] `json:"seen,omitempty"` // the edited user as the form showed it
	At     time.Time                    `json:"at"`
}

const (
	// draftDelay is how long typing goes on before it is kept.
	draftDelay = 300 * time.Millisecond
	maxDrafts  = 20
	// maxDraftAge is how long a draft is offered unasked. Its form offers it however old
	// it is: a clock that was set forward by a year makes everything old.
	maxDraftAge = 30 * 24 * time.Hour
	// maxDraft bounds a draft's size in bytes: a bio of the longest kind, escaped.
	maxDraft = 256 << 10
)

// name is the user's as the draft has it.
func (d draft) name() string {
	switch name := d.Values["name"]; {
	case name != "":
		return name
	case d.Seen != nil:
		return d.Seen.Value.Name
	}
	return "a new user"
}

func (d draft) text() string {
	if d.User == "" {
		return "You were adding " + isolate(d.name()) + "."
	}
	return "You were editing " + isolate(d.name()) + "."
}

// sortDrafts reads drafts, newest first, and returns the keys of those to drop: too many,
// or of a form that nobody understands any more.
func sortDrafts(texts map[string]string) (drafts []draft, drop []string) {
	for key, text := range texts {
		var d draft
		if json.Unmarshal([]byte(text), &d) != nil || d.Values == nil {
			drop = append(drop, key)
			continue
		}
		d.Key = key
		drafts = append(drafts, d)
	}
	queue.SortBy(drafts, func(a, b draft) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Key, b.Key)) })
	for len(drafts) > maxDrafts {
		drop = append(drop, drafts[len(drafts)-1].Key)
		drafts = drafts[:len(drafts)-1]
	}
	return drafts, drop
}

// readDrafts reads the drafts that no open form holds.
func (s *session) readDrafts(show func([]draft)) {
	var texts map[string]string
	s.async(func(ctx context.Context) error {
		texts = s.Unsaved.Drafts(ctx)
		return nil
	}, func(error) {
		drafts, drop := sortDrafts(texts)
		for _, key := range drop {
			s.Unsaved.DropDraft(key)
		}
		show(drafts)
		s.render()
	})
}

// offerDrafts reopens the form that was open when this tab was reloaded for a new
// version, and offers what was typed in tabs that are gone.
func (s *session) offerDrafts() {
	resumed := s.Unsaved.TakeResumed()
	s.readDrafts(func(drafts []draft) {
		for _, d := range slices.Backward(drafts[:min(len(drafts), maxToasts)]) {
			switch {
			case d.Key == resumed:
				s.continueDraft(d)
			case time.Since(d.At) <= maxDraftAge:
				s.offerDraft(d)
			}
		}
	})
}

func (s *session) offerDraft(d draft) {
	s.showToast(toast{text: d.text() + " What you typed is kept.", name: isolate(d.name()), stays: true, draft: d.Key,
		action: "Continue", onAction: func() { s.continueDraft(d) }})
}

// forgetDraft takes back the offer of a draft.
func (s *session) forgetDraft(key string) {
	for _, t := range s.toasts {
		if key != "" && t.draft == key {
			s.dismiss(t.id)
			return
		}
	}
}

// continueDraft opens the form with what was typed.
func (s *session) continueDraft(d draft) {
	request := formRequest{draft: &d, opener: "add-user"}
	if d.User == "" {
		s.ctx.Defer(func(ui.Context) { s.openForm(request) })
		return
	}
	s.async(func(ctx context.Context) error {
		user, err := s.Users.Get(ctx, d.User)
		request.user, request.opener = &user, "edit-"+d.User
		return err
	}, func(err error) {
		switch {
		case errors.Is(err, repository.ErrNotFound):
			request.user, request.draft.Seen = nil, nil // the text matters more than where it belongs
			s.showFailure("The user you were editing has been deleted. Your text is in the form for a new user.")
		case err != nil: // a form for a new user would make them twice
			s.offerDraft(d)
			s.showFailure("The user you were editing can't be opened now. " + errorText(err))
			return
		}
		s.openForm(request)
	})
}
