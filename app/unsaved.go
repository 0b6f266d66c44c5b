package app

import "context"

// Unsaved protects work that only this page holds.
type Unsaved interface {
	// GuardLeaving has the browser ask before this page is left, while it is on.
	GuardLeaving(on bool)

	// KeepDraft stores a form's text, for when the tab has been reloaded, crashed or
	// closed, and reports whether the browser stored it. The draft belongs to this tab
	// until ReleaseDraft; DropDraft deletes it.
	KeepDraft(key, text string) (kept bool)
	ReleaseDraft(key string)
	DropDraft(key string)
	// Drafts returns the texts that belong to no open tab, by key.
	Drafts(ctx context.Context) map[string]string

	// ResumeDraft names the draft that this tab is to open after a reload. TakeResumed
	// returns it once, "" for none.
	ResumeDraft(key string)
	TakeResumed() string

	// Hides notifies when the page is hidden or left: it may never run again.
	Hides(ctx context.Context) <-chan struct{}
}

// guardLeaving has the browser ask before a page is left that holds the only copy of
// operations, or of a form's text.
func (s *session) guardLeaving() {
	unsent := s.counts.Waiting+s.counts.Rejected > 0
	s.Unsaved.GuardLeaving(s.storageState.Volatile && unsent || s.form != nil && (s.saveFailed || s.draftLost))
}

// reload switches to the newest version of the page. The text of an open form is kept.
func (s *session) reload() {
	if s.form != nil && s.keepDraft != nil {
		s.Unsaved.ResumeDraft(s.keepDraft())
	}
	s.Unsaved.GuardLeaving(false)
	s.Updates.ApplyUpdate()
}
