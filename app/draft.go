package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
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
	// Conflict is the id of the one that the form was to decide, "" for none.
	Conflict string `json:"conflict,omitempty"`
}

func readDraft(r *jsoncodec.Reader) (d draft) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "key":
			d.Key = r.String()
		case "user":
			d.User = r.String()
		case "id":
			d.ID = r.String()
		case "values":
			d.Values = jsoncodec.Map(r, (*jsoncodec.Reader).String)
		case "seen":
			d.Seen = jsoncodec.Pointer(r, readSeen)
		case "at":
			d.At = r.Time()
		case "conflict":
			d.Conflict = r.String()
		default:
			r.Skip()
		}
	}
	return d
}

func readSeen(r *jsoncodec.Reader) (seen repository.Record[api.User]) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "ID":
			seen.ID = r.String()
		case "Value":
			seen.Value = api.ReadUser(r)
		case "Version":
			seen.Version = r.Int()
		case "State":
			seen.State = queue.RowState(r.String())
		case "SyncedAt":
			seen.SyncedAt = r.Time()
		default:
			r.Skip()
		}
	}
	return seen
}

func (d draft) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("key").String(d.Key)
	w.Name("user").String(d.User)
	w.Name("id").String(d.ID)
	jsoncodec.WriteMap(w.Name("values"), d.Values, (*jsoncodec.Writer).String)
	if d.Seen != nil {
		w.Name("seen").Open('{')
		w.Name("ID").String(d.Seen.ID)
		d.Seen.Value.WriteJSON(w.Name("Value"))
		w.Name("Version").Int(d.Seen.Version)
		w.Name("State").String(string(d.Seen.State))
		w.Name("SyncedAt").Time(d.Seen.SyncedAt)
		w.Close('}')
	}
	w.Name("at").Time(d.At)
	if d.Conflict != "" {
		w.Name("conflict").String(d.Conflict)
	}
	w.Close('}')
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
	return tr("a new user")
}

func (d draft) text() string {
	if d.User == "" {
		return tr("You were adding {0}. What you typed is kept.", isolate(d.name()))
	}
	return tr("You were editing {0}. What you typed is kept.", isolate(d.name()))
}

// sortDrafts reads drafts, newest first, and returns the keys of those to drop: too many,
// or of a form that nobody understands any more.
func sortDrafts(texts map[string]string) (drafts []draft, drop []string) {
	for key, text := range texts {
		d, err := jsoncodec.Parse([]byte(text), readDraft)
		if err != nil || d.Values == nil {
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
	s.showToast(toast{text: d.text(), name: isolate(d.name()), stays: true, draft: d.Key,
		action: tr("Continue"), onAction: func() { s.continueDraft(d) }})
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
		if err == nil && d.Conflict != "" {
			err = request.between(ctx, s.Outbox, d.Conflict)
		}
		return err
	}, func(err error) {
		switch {
		case errors.Is(err, repository.ErrNotFound):
			request.user, request.draft.Seen = nil, nil // the text matters more than where it belongs
			s.showFailure(tr("The user you were editing has been deleted. Your text is in the form for a new user."))
		case err != nil: // a form for a new user would make them twice
			s.offerDraft(d)
			s.showFailure(tr("The user you were editing can't be opened now. {0}", errorText(err)))
			return
		case s.ctx.Page().URL().Path == "/users/"+d.User:
			request.opener = "edit-user"
		}
		s.openForm(request)
	})
}

// between has the form show the sides of a conflict, if the device still has it.
func (f *formRequest) between(ctx context.Context, outbox Outbox, conflict string) error {
	e, err := outbox.Of(ctx, f.user.ID)
	for i, c := range e.Conflicts {
		if c.ID == conflict {
			f.conflict, f.opener = &e.Conflicts[i], "choose-"+conflict
		}
	}
	return err
}
