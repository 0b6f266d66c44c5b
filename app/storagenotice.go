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

// StorageState is what the browser's storage can do for this page now.
type StorageState struct {
	Trouble      error // why it can't save: one of the queue's errors; nil when it can
	Volatile     bool  // the data are in this page's memory only
	Lost         bool  // the browser cleared the data, and the person does not know yet
	NeedsNetwork bool  // there is no service worker, so nothing starts without a network
	Older        bool  // a reload brings no other version of the program than this page's
}

// noticeKind is what a notice is about. A person dismisses kinds, not texts.
type noticeKind string

const (
	noNotice       noticeKind = ""
	outdatedNotice noticeKind = "outdated"
	olderNotice    noticeKind = "older"
	blockedNotice  noticeKind = "blocked"
	troubleNotice  noticeKind = "trouble"
	lostNotice     noticeKind = "lost"
	volatileNotice noticeKind = "volatile"
	networkNotice  noticeKind = "network"
)

// notice is what the header says about this device's storage, above every page.
type notice struct {
	kind          noticeKind
	icon          string
	heading, text string
}

// noticeFor picks the most urgent notice: what prevents saving, then what was lost,
// then what this browser can't do at all.
func noticeFor(state StorageState, loss dataLoss, dismissed map[noticeKind]bool) notice {
	switch {
	case errors.Is(state.Trouble, queue.ErrOutdated) && state.Older:
		return notice{olderNotice, "alert", tr("This version of Rollcall is older than the data on this device."),
			tr("A newer version was used here and stores them in another way, so this one can neither show nor save anything. Nothing is lost: your data stay on this device, with the changes that wait to be sent. Ask whoever runs this site for the newer version, then check again.")}
	case errors.Is(state.Trouble, queue.ErrOutdated):
		return notice{outdatedNotice, "sync", tr("A newer version of Rollcall is in use."),
			tr("It has updated the data on this device, so this page can't save any more. Reload to continue. What you typed is kept.")}
	case errors.Is(state.Trouble, queue.ErrBlocked):
		return notice{blockedNotice, "alert", tr("Close other tabs of Rollcall to finish the update."),
			tr("One of them still uses the older version's data. Until you close it, nothing can be saved here. What you type is kept.")}
	case errors.Is(state.Trouble, queue.ErrQuota):
		return notice{troubleNotice, "alert", tr("This device has no room left."),
			tr("New changes can't be saved. Earlier ones are safe, and what you typed is kept. Free some space, then try again.")}
	case state.Trouble != nil:
		return notice{troubleNotice, "alert", tr("Changes can't be saved right now."),
			inARow(errorText(state.Trouble), tr("What you typed is kept."))}
	case state.Lost && !dismissed[lostNotice]:
		return notice{lostNotice, "alert", tr("This browser cleared Rollcall's data."), loss.text()}
	case state.Volatile:
		return notice{volatileNotice, "alert", tr("Nothing is stored on this device."),
			tr("This browser window gives Rollcall no storage. You can work as usual, but a change is only safe once it is synced.")}
	case state.NeedsNetwork && !dismissed[networkNotice]:
		return notice{networkNotice, "offline", tr("Rollcall can't start offline in this window."),
			tr("This browser window has no service worker. While this page stays open, it works offline as usual.")}
	}
	return notice{}
}

// dataLoss is what is known about lost data.
type dataLoss struct {
	noticedAt time.Time
	whileOpen bool // the page was open: its locks and its worker may be gone, too
	resynced  bool // the device has synced since
}

func (l dataLoss) text() string {
	loading := tr("Everything that was synced is loading again.")
	switch {
	case l.resynced:
		loading = tr("Everything that was synced has been loaded again.")
	case l.whileOpen:
		loading = tr("Reload to load everything that was synced.")
	}
	return inARow(loading, tr("Changes that were not synced yet are lost. Browsers do this when you have not used a site for a while, or when the device is full. To prevent it, install the app or press “Keep my data”."))
}

// refreshStorageState reads the storage's state, and announces it when it changes.
func (r *root) refreshStorageState(ui.Context) {
	s := r.s
	was := s.storageState
	s.storageState = s.StorageHealth.StorageState()
	if s.storageState.Lost && !was.Lost {
		r.dataLoss = dataLoss{noticedAt: time.Now(), whileOpen: r.dataSeen}
	}
	r.dataSeen = r.dataSeen || !s.storageState.Lost
	s.guardLeaving()
	s.older = r.older()
	now := r.notice()
	if now.kind != noNotice && now.kind != r.announcedNotice {
		s.announce(inARow(now.heading, now.text))
	}
	if now.kind == noNotice && r.announcedNotice == troubleNotice {
		s.announce(tr("Changes can be saved again"))
	}
	r.announcedNotice = now.kind
}

func (r *root) notice() notice {
	loss := r.dataLoss
	loss.resynced = r.s.status.SyncedAt.After(loss.noticedAt)
	state := r.s.storageState
	state.Older = r.older()
	return noticeFor(state, loss, r.s.dismissed)
}

// older reports whether this version can't read the data, and a reload would not
// help. If this page could read them, another tab has just upgraded them, and a
// reload brings that tab's version.
func (r *root) older() bool {
	state := r.s.storageState
	return errors.Is(state.Trouble, queue.ErrOutdated) && state.Older && !r.counted
}

// renderNotice renders the notice, if there is one, and each kind as another element.
func (r *root) renderNotice() []ui.UI {
	n := r.notice()
	if n.kind == noNotice {
		return r.noticeSlots.children(nil, nil)
	}
	return r.noticeSlots.only(string(n.kind), ui.Section().Class("notice", "notice-"+string(n.kind)).Aria("label", tr("Notice")).Body(
		icon(n.icon),
		ui.Div().Class("notice-words").Body(
			ui.P().Class("notice-heading").Text(n.heading),
			ui.P().Text(n.text),
		),
		r.renderNoticeActions(n.kind),
	))
}

func (r *root) renderNoticeActions(kind noticeKind) ui.UI {
	actions := r.noticeActions(kind)
	texts := keysOf(actions, func(a noticeAction) string { return a.text })
	return ui.Div().Class("notice-actions").DataSet("order", order(texts)).Body(r.actionSlots.children(texts, func(i int) ui.UI {
		a := actions[i]
		return ui.Button().Type("button").Class("button").DataSet("key", a.text).Text(a.text).
			OnClick(func(ui.Context, ui.Event) { a.act() }, string(kind), a.text)
	})...)
}

// noticeAction is a button of a notice.
type noticeAction struct {
	text string
	act  func()
}

func (r *root) noticeActions(kind noticeKind) []noticeAction {
	s := r.s
	switch kind {
	case outdatedNotice:
		return []noticeAction{{tr("Reload"), s.reload}}
	case olderNotice:
		return []noticeAction{{tr("Check again"), s.reload}, {tr("Save changes to a file"), s.saveChanges}}
	case blockedNotice, troubleNotice:
		return []noticeAction{{tr("Try again"), r.retryStorage}}
	case lostNotice:
		var actions []noticeAction
		if r.dataLoss.whileOpen && !s.status.SyncedAt.After(r.dataLoss.noticedAt) {
			actions = append(actions, noticeAction{tr("Reload"), s.reload})
		}
		actions = append(actions, noticeAction{tr("Keep my data"), func() { s.requestPersist(nil) }})
		if s.Installation.Way() == ByPrompt {
			actions = append(actions, noticeAction{tr("Install app"), func() { s.ctx.ShowAppInstallPrompt() }})
		}
		return append(actions, noticeAction{tr("Dismiss"), r.acknowledgeLoss})
	case networkNotice:
		return []noticeAction{{tr("Dismiss"), func() { s.dismissed[networkNotice] = true }}}
	case noNotice, volatileNotice:
	}
	return nil
}

func (r *root) retryStorage() {
	s := r.s
	s.async(func(ctx context.Context) error {
		s.StorageHealth.RetryStorage(ctx)
		return s.StorageHealth.StorageState().Trouble
	}, func(err error) {
		if err != nil {
			s.showFailure(errorText(err))
		}
		r.refreshStorageState(s.ctx)
	})
}

func (r *root) acknowledgeLoss() {
	s := r.s
	s.dismissed[lostNotice] = true
	s.async(s.StorageHealth.AcknowledgeLoss, func(err error) {
		if err != nil {
			s.showFailure(tr("This notice may come back. {0}", errorText(err)))
			return
		}
		delete(s.dismissed, lostNotice) // another loss gets a notice of its own
		r.refreshStorageState(s.ctx)
	})
}
