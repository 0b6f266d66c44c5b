package app

import (
	"context"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// StorageManager is the browser's of the same name: how much room the data take,
// and whether the browser promises to keep them.
type StorageManager interface {
	StorageUsage(ctx context.Context) (StorageUsage, error)
	// RequestPersist asks for the promise. Call it in a gesture of the person.
	RequestPersist(ctx context.Context) (granted bool, err error)
}

// StorageUsage is how much room the site's data takes and may take, in bytes.
type StorageUsage struct {
	Used, Quota int64
	Persisted   bool
	Asked       bool // the browser was asked to keep them, and has answered
}

// askPersist asks the browser to keep the data, on a gesture of the person, and
// says the answer. Then, which may be nil, is called after it.
func (s *session) askPersist(then func()) {
	var kept bool
	s.write(func(ctx context.Context) (err error) {
		kept, err = s.StorageManager.RequestPersist(ctx)
		return err
	}, func(err error) {
		switch {
		case err != nil:
			s.toast(toast{text: "The browser could not be asked. " + explain(err), bad: true})
		case kept:
			s.toast(toast{text: "The browser will keep your data"})
		default:
			s.toast(toast{text: "The browser made no promise. Installing the app often helps."})
		}
		if then != nil {
			then()
		}
	})
}

// firstSaved asks the browser to keep the data after the first save: there is
// something to keep now, and the press of Save is the gesture that asking wants.
// It asks once on a device, and the page "Sync" shows the answer.
func (s *session) firstSaved() {
	if s.persistTried || s.storageState.Volatile {
		return
	}
	s.persistTried = true
	s.write(func(ctx context.Context) error {
		if now, err := s.StorageManager.StorageUsage(ctx); err != nil || now.Persisted || now.Asked {
			return err
		}
		_, err := s.StorageManager.RequestPersist(ctx)
		return err
	}, func(error) {}) // nobody waits for it; the page "Sync" offers to ask again
}

func (p *syncPage) persist(ui.Context, ui.Event) {
	p.S.askPersist(func() { p.readAsides(p.ctx) })
}

func (p *syncPage) renderStorage() ui.UI {
	body := []ui.UI{}
	s := p.storage
	switch {
	case !p.asidesRead:
		body = append(body, ui.P().Class("quiet").Text("Asking the browser…"))
	case p.storageErr != nil:
		body = append(body, ui.P().Text(explain(p.storageErr)))
	default:
		used := bytesText(s.Used) + " used"
		if s.Quota > 0 {
			used += " of " + bytesText(s.Quota)
			body = append(body, ui.Progress().Class("meter").Max(1000).
				Value(min(1000, s.Used*1000/s.Quota)).Aria("label", "Storage used"))
		}
		body = append(body, ui.P().Text(used))
	}
	if p.asidesRead {
		body = append(body, p.renderKeeping()...)
	}
	return section("storage-title", "Storage", 0, body...)
}

// renderKeeping says what the browser promises about the data, and what it can't do.
func (p *syncPage) renderKeeping() []ui.UI {
	quiet := func(text string) ui.UI { return ui.P().Class("quiet").Text(text) }
	ask := func(text string) ui.UI {
		return ui.P().Body(ui.Button().Type("button").Class("button").Text(text).OnClick(p.persist, text))
	}
	var body []ui.UI
	switch s := p.storage; {
	case p.S.storageState.Volatile:
		body = append(body, quiet("Nothing is kept on this device: this browser window gives Rollcall no storage. A change is only safe once it is synced."))
	case p.storageErr != nil:
	case s.Persisted:
		body = append(body, ui.P().Class("quiet").Body(icon("check"),
			ui.Text(" The browser has promised to keep your data until you remove it.")))
	case s.Asked:
		body = append(body,
			quiet("The browser was asked to keep this data and made no promise: it may clear it when the device runs out of room. What was synced stays safe on the server. Installing the app often helps."),
			ask("Ask again"))
	default:
		body = append(body,
			quiet("The browser may clear this data when the device runs out of room. What was synced stays safe on the server."),
			ask("Keep my data"))
	}
	if p.S.storageState.NeedsNetwork {
		body = append(body, quiet("This browser window has no service worker: Rollcall can't start without a network here."))
	}
	return body
}
