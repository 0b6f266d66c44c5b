package app

import (
	"context"
	"encoding/json"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// Unsaved protects work that only this page holds.
type Unsaved interface {
	// GuardLeaving has the browser ask before this page is left, while it is on.
	GuardLeaving(on bool)
	// KeepDraft keeps a text over a reload of this tab. TakeDraft returns it once,
	// and "" when there is none.
	KeepDraft(text string)
	TakeDraft() string
}

// draft is an open form's text, kept over a reload of the tab.
type draft struct {
	User   string            `json:"user"` // id of the edited user, "" for a new one
	ID     string            `json:"id"`   // id for a new user
	Values map[string]string `json:"values"`
}

// guardLeaving has the browser ask before a page is left that holds the only copy
// of operations, or of a form's text that could not be saved.
func (s *session) guardLeaving() {
	unsent := s.counts.Waiting+s.counts.Rejected > 0
	s.Unsaved.GuardLeaving(s.storageState.Volatile && unsent || s.form != nil && s.saveFailed)
}

// reload switches to the newest version of the page. The text of an open form is kept.
func (s *session) reload() {
	if s.form != nil && s.formDraft != nil {
		if text, err := json.Marshal(s.formDraft()); err == nil {
			s.Unsaved.KeepDraft(string(text))
		}
	}
	s.Unsaved.GuardLeaving(false)
	s.Updates.ApplyUpdate()
}

// takeDraft opens the form with what was typed before the reload.
func (s *session) takeDraft(ctx ui.Context) {
	text := s.Unsaved.TakeDraft()
	var d draft
	if text == "" || json.Unmarshal([]byte(text), &d) != nil || d.Values == nil {
		return
	}
	restored := formRequest{draft: &d, opener: "add-user"}
	if d.User == "" {
		ctx.Defer(func(ui.Context) { s.openForm(restored) })
		return
	}
	s.async(func(ctx context.Context) error {
		user, err := s.Users.Get(ctx, d.User)
		restored.user, restored.opener = &user, "edit-"+d.User
		return err
	}, func(err error) {
		if err != nil {
			restored.user = nil // the text matters more than where it belongs
			s.showFailure("The user you were editing can't be opened. Your text is in the form for a new user. " + errorText(err))
		}
		s.openForm(restored)
	})
}
