package app

import (
	"context"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
)

// StorageManager is the browser's: how much room the data take, and whether the
// browser promises to keep them.
type StorageManager interface {
	StorageUsage(ctx context.Context) (StorageUsage, error)
	// RequestPersist asks for the promise. Call it in a gesture of the person.
	RequestPersist(ctx context.Context) (granted bool, err error)
}

// StorageUsage is how much room the site's data take and may take, in bytes.
type StorageUsage struct {
	Used, Quota int64
	Persisted   bool // the browser has promised to keep them
	Asked       bool // it was asked to
}

// requestPersist asks the browser to keep the data and shows its answer. Call it in a
// gesture of the person. done may be nil.
func (s *session) requestPersist(done func()) {
	var granted bool
	s.async(func(ctx context.Context) (err error) {
		granted, err = s.StorageManager.RequestPersist(ctx)
		return err
	}, func(err error) {
		switch {
		case err != nil:
			s.showFailure(tr("The browser can't be asked to keep your data. {0}", errorText(err)))
		case granted:
			s.showToast(toast{text: tr("The browser will keep your data")})
		default:
			s.showToast(toast{text: tr("The browser did not promise to keep your data. Installing the app often helps.")})
		}
		if done != nil {
			done()
		}
	})
}

// requestPersistOnce asks the browser to keep the data after the first save on this
// device. There is something to keep now, and pressing Save is the gesture that the
// browser requires. The page "Sync" shows the answer.
func (s *session) requestPersistOnce() {
	if s.persistRequested || s.storageState.Volatile {
		return
	}
	s.persistRequested = true
	s.async(func(ctx context.Context) error {
		if now, err := s.StorageManager.StorageUsage(ctx); err != nil || now.Persisted || now.Asked {
			return err
		}
		_, err := s.StorageManager.RequestPersist(ctx)
		return err
	}, func(error) {}) // the page "Sync" offers to ask again
}

func (p *syncPage) persist(ui.Context, ui.Event) {
	p.S.requestPersist(func() { p.readDevice(p.ctx) })
}

func (p *syncPage) renderStorage() ui.UI {
	if !p.deviceLoaded {
		return section("storage-title", tr("Storage"), 0, quiet(tr("Checking the browser's storage…")))
	}
	var body []ui.UI
	if err := p.device.usageErr; err != nil {
		body = append(body, ui.P().Text(errorText(err)))
	} else {
		u := p.device.usage
		used := tr("{0} used", language.Bytes(u.Used))
		if u.Quota > 0 {
			used = tr("{0} used of {1}", language.Bytes(u.Used), language.Bytes(u.Quota))
			body = append(body, ui.Progress().Class("meter").Max(1000).
				Value(min(1000, u.Used*1000/u.Quota)).Aria("label", tr("Storage used")))
		}
		body = append(body, ui.P().Text(used))
	}
	body = append(body, p.renderPersistence()...)
	body = append(body, p.renderInstall()...)
	return section("storage-title", tr("Storage"), 0, append(body, p.renderChangesFile()...)...)
}

// lossText says what would be lost if the browser cleared the data now.
func lossText(c queue.Counts) string {
	n := unsent(c)
	if n == 0 {
		return tr("If this device lost its data now, nothing would be lost: the server has everything.")
	}
	return trn(n, "If this device lost its data now, {n} change that the server does not have would be lost.",
		"If this device lost its data now, {n} changes that the server does not have would be lost.")
}

// renderPersistence says what the browser promises about the data, and what it can't do.
func (p *syncPage) renderPersistence() []ui.UI {
	ask := func(text string) ui.UI {
		return ui.P().Body(ui.Button().Type("button").Class("button").Text(text).OnClick(p.persist, text))
	}
	body := []ui.UI{orNothing(p.loaded && !p.S.storageState.Volatile, func() ui.UI { return ui.P().Text(lossText(p.outbox.counts)) })}
	switch u := p.device.usage; {
	case p.S.storageState.Volatile:
		body = append(body, quiet(tr("Nothing is stored on this device: this browser window gives Rollcall no storage. A change is only safe once it is synced.")))
	case p.device.usageErr != nil:
	case u.Persisted:
		body = append(body, ui.P().Class("quiet").Body(icon("check"),
			ui.Text(" "+tr("The browser has promised to keep your data until you delete it."))))
	case u.Asked:
		body = append(body,
			quiet(tr("The browser has not promised to keep your data, and may clear it when the device runs out of room. Synced changes are safe on the server. Installing the app often helps.")),
			ask(tr("Ask again")))
	default:
		body = append(body,
			quiet(tr("The browser may clear your data when the device runs out of room. Synced changes are safe on the server.")),
			ask(tr("Keep my data")))
	}
	if p.S.storageState.NeedsNetwork {
		body = append(body, quiet(tr("This browser window has no service worker, so Rollcall can't start offline here.")))
	}
	return body
}
