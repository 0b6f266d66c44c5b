package app

import (
	"context"
	"encoding/json"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// draft is an open form's text, kept over a reload of the tab.
type draft struct {
	User   string            `json:"user"` // id of the user that is edited, "" for a new one
	ID     string            `json:"id"`   // id that a new user gets
	Values map[string]string `json:"values"`
}

// reload loads the newest version of the page. The text of an open form comes back.
func (s *session) reload() {
	if s.form != nil && s.draft != nil {
		if text, err := json.Marshal(s.draft()); err == nil {
			s.Device.KeepDraft(string(text))
		}
	}
	s.Device.GuardLeaving(false)
	s.Device.ApplyUpdate()
}

// takeDraft opens the form with what was typed before the reload.
func (s *session) takeDraft(ctx ui.Context) {
	text := s.Device.TakeDraft()
	var d draft
	if text == "" || json.Unmarshal([]byte(text), &d) != nil || d.Values == nil {
		return
	}
	again := formRequest{draft: &d, opener: "add-user"}
	if d.User == "" {
		ctx.Defer(func(ui.Context) { s.edit(again) })
		return
	}
	s.write(func(ctx context.Context) error {
		user, err := s.Users.Get(ctx, d.User)
		again.user, again.opener = &user, "edit-"+d.User
		return err
	}, func(err error) {
		if err != nil {
			// The text matters more than where it belongs.
			again.user = nil
			s.toast(toast{text: "The user you were editing can't be read. " + explain(err), bad: true})
		}
		s.edit(again)
	})
}
