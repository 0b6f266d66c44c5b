package app

import (
	"context"
	"errors"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
)

// StorageHealth reports whether the browser's storage works and still has the data.
type StorageHealth interface {
	StorageState() StorageState
	StorageStateChanges(ctx context.Context) <-chan struct{}
	// RetryStorage uses the storage once, to find out whether it works again.
	RetryStorage(ctx context.Context)
	// AcknowledgeLoss records that the person knows of the lost data.
	AcknowledgeLoss(ctx context.Context) error
}

// StorageState is how the browser keeps the site's data.
type StorageState struct {
	Trouble      error // why it can't now: one of the queue's errors; nil when it can
	Volatile     bool  // it keeps nothing: the data are in this page's memory
	Lost         bool  // it had thrown the data away, and the person does not know yet
	NeedsNetwork bool  // it has no service worker, so nothing starts without a network
}

// noticeKind is what a notice is about; a person dismisses kinds, not texts.
type noticeKind string

const (
	noNotice       noticeKind = ""
	outdatedNotice noticeKind = "outdated"
	blockedNotice  noticeKind = "blocked"
	troubleNotice  noticeKind = "trouble"
	lostNotice     noticeKind = "lost"
	volatileNotice noticeKind = "volatile"
	networkNotice  noticeKind = "network"
)

// standingNotice is what the header says of this device's storage, above every page.
type standingNotice struct {
	kind          noticeKind
	icon          string
	heading, text string
}

// noticeFor picks the most pressing notice: what stands in the way of saving,
// then what was lost, then what this browser can't do at all.
func noticeFor(k StorageState, l loss, dismissed map[noticeKind]bool) standingNotice {
	switch {
	case errors.Is(k.Trouble, queue.ErrOutdated):
		return standingNotice{outdatedNotice, "sync", "A newer version of Rollcall is in use.",
			"It has updated the data on this device, so this page can't save any more. Reload to go on. What you typed is kept."}
	case errors.Is(k.Trouble, queue.ErrBlocked):
		return standingNotice{blockedNotice, "alert", "Close other tabs of Rollcall to finish the update.",
			"One of them still uses the data of the older version. Nothing can be saved here until then; what you type is kept."}
	case errors.Is(k.Trouble, queue.ErrQuota):
		return standingNotice{troubleNotice, "alert", "This device has no room left.",
			"New changes can't be saved until there is some. What was saved before is safe, and what you typed is kept. Free some space, then try again."}
	case k.Trouble != nil:
		return standingNotice{troubleNotice, "alert", "Saving is not possible just now.",
			explain(k.Trouble) + " What you typed is kept."}
	case k.Lost && !dismissed[lostNotice]:
		return standingNotice{lostNotice, "alert", "This browser had cleared Rollcall's data.", l.text()}
	case k.Volatile:
		return standingNotice{volatileNotice, "alert", "Nothing is kept on this device.",
			"This browser window gives Rollcall no storage. You can work as usual, but a change is only safe once it is synced."}
	case k.NeedsNetwork && !dismissed[networkNotice]:
		return standingNotice{networkNotice, "offline", "Rollcall can't start without a network here.",
			"This browser window has no service worker. As long as this page stays open, it works offline as usual."}
	}
	return standingNotice{}
}

// loss is what is known of lost data besides that they are lost.
type loss struct {
	at     time.Time // when this page noticed it
	under  bool      // the page was open: its locks and its worker may have gone with the data
	synced bool      // the server was heard since
}

func (l loss) text() string {
	loading := "What had been synced is being loaded again."
	switch {
	case l.synced:
		loading = "What had been synced has been loaded again."
	case l.under:
		loading = "Reload to load again what had been synced."
	}
	return loading + " Changes that had not been synced by then are lost. Browsers do this when a site is not used for long, " +
		"or when the device is full. Installing the app, or a promise of the browser, prevents it."
}

// rekeep takes in how the data are kept now, and says it once when that is
// another thing than before.
func (r *root) rekeep(ui.Context) {
	s := r.s
	was := s.storageState
	s.storageState = s.StorageHealth.StorageState()
	if s.storageState.Lost && !was.Lost {
		r.loss = loss{at: s.Clock.Now(), under: r.kept}
	}
	r.kept = r.kept || !s.storageState.Lost
	s.guardLeaving()
	now := r.notice()
	if now.kind != noNotice && now.kind != r.noticed {
		s.say(now.heading + " " + now.text)
	}
	if now.kind == noNotice && r.noticed == troubleNotice {
		s.say("Saving works again")
	}
	r.noticed = now.kind
}

func (r *root) notice() standingNotice {
	l := r.loss
	l.synced = r.s.status.SyncedAt.After(l.at)
	return noticeFor(r.s.storageState, l, r.s.dismissed)
}

func (r *root) renderNotice() ui.UI {
	n := r.notice()
	if n.kind == noNotice {
		return nil
	}
	return ui.Section().Class("standing", "standing-"+string(n.kind)).Aria("label", "Notice").Body(
		icon(n.icon),
		ui.Div().Class("standing-words").Body(
			ui.P().Class("standing-heading").Text(n.heading),
			ui.P().Text(n.text),
		),
		ui.Div().Class("standing-actions").Body(r.noticeActions(n.kind)...),
	)
}

func (r *root) noticeActions(kind noticeKind) []ui.UI {
	s := r.s
	action := func(text string, h ui.EventHandler) ui.UI {
		return ui.Button().Type("button").Class("button").Text(text).OnClick(h, string(kind), text)
	}
	switch kind {
	case outdatedNotice:
		return []ui.UI{action("Reload", func(ui.Context, ui.Event) { s.reload() })}
	case blockedNotice, troubleNotice:
		return []ui.UI{action("Try again", func(ui.Context, ui.Event) { r.tryStorage() })}
	case lostNotice:
		var actions []ui.UI
		if r.loss.under && !r.s.status.SyncedAt.After(r.loss.at) {
			actions = append(actions, action("Reload", func(ui.Context, ui.Event) { s.reload() }))
		}
		actions = append(actions, action("Keep my data", func(ui.Context, ui.Event) { s.askPersist(nil) }))
		if r.installable {
			actions = append(actions, action("Install app", r.install))
		}
		return append(actions, action("Dismiss", func(ui.Context, ui.Event) { r.heardOfLoss() }))
	case networkNotice:
		return []ui.UI{action("Dismiss", func(ui.Context, ui.Event) { s.dismissed[networkNotice] = true })}
	case noNotice, volatileNotice:
	}
	return nil
}

func (r *root) tryStorage() {
	s := r.s
	s.write(func(ctx context.Context) error {
		s.StorageHealth.RetryStorage(ctx)
		return s.StorageHealth.StorageState().Trouble
	}, func(err error) {
		if err != nil {
			s.toast(toast{text: explain(err), bad: true})
		}
		r.rekeep(s.ctx)
	})
}

func (r *root) heardOfLoss() {
	s := r.s
	s.dismissed[lostNotice] = true
	s.write(s.StorageHealth.AcknowledgeLoss, func(err error) {
		if err != nil {
			s.toast(toast{text: "It may be said again later. " + explain(err), bad: true})
			return
		}
		delete(s.dismissed, lostNotice) // the next loss is another one
		r.rekeep(s.ctx)
	})
}
