package app

import (
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

// How long toasts stay. One with an action stays longer, one that reports a
// failure until it is dismissed.
const (
	toastTime  = 6 * time.Second
	actionTime = 12 * time.Second
	// saidTime is how long an announcement stays in the status region.
	saidTime  = 4 * time.Second
	maxToasts = 3
)

// toast is a short message at the lower edge. It is announced in the region
// "Sync status", the only live region there is.
type toast struct {
	id     int
	text   string
	bad    bool // reports a failure; stays until dismissed
	action string
	act    func()
}

// toast shows t, and drops the oldest when there are too many.
func (s *session) toast(t toast) {
	s.lastToast++
	t.id = s.lastToast
	s.toasts = append(s.toasts, t)
	if n := len(s.toasts) - maxToasts; n > 0 {
		s.toasts = s.toasts[n:]
	}
	s.say(t.text)
	if !t.bad {
		d := toastTime
		if t.action != "" {
			d = actionTime
		}
		s.after(s.ctx, d, func(ui.Context) { s.dismiss(t.id) })
	}
	s.changed()
}

// say announces text once.
func (s *session) say(text string) {
	s.said = text
	id := s.lastToast
	s.after(s.ctx, saidTime, func(ui.Context) {
		if s.lastToast == id {
			s.said = ""
		}
	})
}

func (s *session) dismiss(id int) {
	for i, t := range s.toasts {
		if t.id == id {
			s.toasts = append(s.toasts[:i:i], s.toasts[i+1:]...)
			break
		}
	}
	s.changed()
}

func (s *session) renderToasts() ui.UI {
	area := ui.Section().Class("toasts")
	if s.update || len(s.toasts) > 0 {
		area = area.Aria("label", "Messages") // a landmark only when there is something to find
	}
	return area.Body(
		ui.If(s.update, ui.Div().Class("toast").Body(
			ui.P().Class("toast-text").Text("A new version is ready"),
			ui.Button().Type("button").Class("toast-action").Text("Reload").
				OnClick(func(ui.Context, ui.Event) { s.reload() }, "update"),
		)),
		ui.Range(s.toasts).Slice(func(i int) ui.UI { return s.renderToast(s.toasts[i]) }),
	)
}

func (s *session) renderToast(t toast) ui.UI {
	class := "toast"
	if t.bad {
		class = "toast toast-bad"
	}
	return ui.Div().Class(class).Body(
		ui.P().Class("toast-text").Text(t.text),
		ui.If(t.act != nil, ui.Button().Type("button").Class("toast-action").Text(t.action).
			OnClick(func(ui.Context, ui.Event) {
				s.dismiss(t.id)
				t.act()
			}, t.id)),
		ui.Button().Type("button").Class("icon-button").Aria("label", "Dismiss").Body(icon("close")).
			OnClick(func(ui.Context, ui.Event) { s.dismiss(t.id) }, t.id),
	)
}
