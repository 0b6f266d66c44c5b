package app

import ui "github.com/maxence-charriere/go-app/v9/pkg/app"

// Host is what a script that manages accounts asks of the program.
type Host interface {
	Say(text string, failed bool)
	Ask(heading, text, yes string, act func(), opener string)
}

// managed is a part that a script fills, which is loaded for that: few people need it, and it asks the
// server for everything. In this program it would take seven times as much.
type managed struct {
	ui.Compo
	S  *session
	Of string // the account whose ways in are listed; "" for all accounts
}

const managedID = "managed"

func (m *managed) OnMount(ctx ui.Context) {
	ctx.Defer(func(ui.Context) { m.S.Accounts.Manage(managedID, m.Of, m.S) })
}

func (m *managed) Render() ui.UI { return ui.Div().ID(managedID).Class("cards") }

// Say shows a message.
func (s *session) Say(text string, failed bool) {
	s.ctx.Dispatch(func(ui.Context) { s.showToast(toast{text: text, failure: failed}) })
}

// Ask asks the person before act.
func (s *session) Ask(heading, text, yes string, act func(), opener string) {
	s.ctx.Dispatch(func(ui.Context) {
		s.askFirst(confirmRequest{heading: heading, text: text, yes: yes, act: act, opener: opener})
	})
}
