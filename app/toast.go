package app

import (
	"slices"
	"strconv"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// Updates is the service worker's version of the app. go-app's OnAppUpdate notifies
// when a new one arrives.
type Updates interface {
	// UpdateWaiting reports whether a new version is downloaded. ApplyUpdate
	// switches to it and reloads the page.
	UpdateWaiting() bool
	ApplyUpdate()
}

const (
	toastTime = 6 * time.Second
	// actionTime leaves time to press the toast's button.
	actionTime = 12 * time.Second
	// announcementTime is how long the status region keeps an announcement.
	announcementTime = 4 * time.Second
	maxToasts        = 3
)

// toast is a short message at the lower edge. The region "Sync status", the only
// live region, announces it.
type toast struct {
	id       int
	text     string
	name     string // as the text has it
	failure  bool   // stays until the person dismisses it
	stays    bool   // the same, without being a failure
	draft    string // the draft that it offers
	action   string
	onAction func()
	// onDismiss runs when the person dismisses it, nil for nothing.
	onDismiss func()
	renewed   int // how often its time has begun anew
}

// showToast shows t, and drops the oldest when there are too many.
func (s *session) showToast(t toast) {
	s.lastToast++
	t.id = s.lastToast
	s.toasts = append(s.toasts, t)
	if n := len(s.toasts) - maxToasts; n > 0 {
		s.toasts = s.toasts[n:]
	}
	s.announce(t.text)
	s.expire(t)
	s.render()
}

// expire dismisses a toast after its time. Who is busy in a dialog may not have seen it, so it has all its
// time again when the dialog closes.
func (s *session) expire(t toast) {
	if t.failure || t.stays {
		return
	}
	d := toastTime
	if t.action != "" {
		d = actionTime
	}
	s.after(s.ctx, d, func(ui.Context) {
		for _, now := range s.toasts {
			if now.id == t.id && now.renewed == t.renewed && !s.dialogOpen() {
				s.dismiss(t.id)
				return
			}
		}
	})
}

func (s *session) dialogOpen() bool { return s.form.dialog() != 0 || s.confirm != nil }

// renewToasts begins the time of all toasts anew, once a dialog has closed.
func (s *session) renewToasts() {
	for i := range s.toasts {
		s.toasts[i].renewed++
		s.expire(s.toasts[i])
	}
}

// showFailure shows a toast that stays until the person dismisses it.
func (s *session) showFailure(text string) { s.showToast(toast{text: text, failure: true}) }

// announce has the status region announce text once.
func (s *session) announce(text string) {
	s.announcement = text
	id := s.lastToast
	s.after(s.ctx, announcementTime, func(ui.Context) {
		if s.lastToast == id {
			s.announcement = ""
		}
	})
}

func (s *session) dismiss(id int) {
	for i, t := range s.toasts {
		if t.id == id {
			s.toasts = append(s.toasts[:i:i], s.toasts[i+1:]...)
			if id == s.undoToast {
				s.Layout.KeepUndo("")
			}
			break
		}
	}
	s.render()
}

// retext changes what a toast says.
func (s *session) retext(id int, text string) {
	for i := range s.toasts {
		if s.toasts[i].id == id {
			s.toasts[i].text = text
		}
	}
	s.render()
}

func (s *session) renderToasts() ui.UI {
	area := ui.Section().Class("toasts")
	if s.updateReady || len(s.toasts) > 0 {
		area = area.Aria("label", tr("Messages")) // a landmark only when there is something to find
	}
	keys := keysOf(s.toasts, func(t toast) string { return strconv.Itoa(t.id) })
	if s.updateReady {
		keys = append(keys, "update")
	}
	above := slices.Concat([]string{"update"}, keys[:len(s.toasts)])
	return area.DataSet("order", order(above)).Body(s.toastSlots.children(keys, func(i int) ui.UI {
		if i == len(s.toasts) {
			return s.renderUpdate().DataSet("key", keys[i])
		}
		return s.renderToast(s.toasts[i]).DataSet("key", keys[i])
	})...)
}

func (s *session) renderUpdate() ui.HTMLDiv {
	return ui.Div().Class("toast").Body(
		ui.P().Class("toast-text").Text(tr("A new version is ready")),
		ui.Button().Type("button").Class("toast-action").Text(tr("Reload")).
			OnClick(func(ui.Context, ui.Event) { s.reload() }, "update"),
	)
}

func (s *session) renderToast(t toast) ui.HTMLDiv {
	class := "toast"
	if t.failure {
		class = "toast toast-bad"
	}
	dismissText := tr("Dismiss")
	if t.onDismiss != nil {
		class, dismissText = "toast toast-offer", tr("Not now")
	}
	return ui.Div().Class(class).Body(
		ui.P().Class("toast-text").Body(withName(t.text, t.name)...),
		ui.If(t.onAction != nil, ui.Button().Type("button").Class("toast-action").Text(t.action).
			OnClick(func(ui.Context, ui.Event) {
				s.dismiss(t.id)
				t.onAction()
			}, t.id)),
		ui.Button().Type("button").Class("icon-button").Aria("label", dismissText).Body(icon("close")).
			OnClick(func(ui.Context, ui.Event) {
				s.dismiss(t.id)
				if t.onDismiss != nil {
					t.onDismiss()
				}
			}, t.id),
	)
}
