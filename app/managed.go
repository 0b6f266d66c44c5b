package app

import (
	"context"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/repository"
)

// Host is what a script that fills a part of a page asks of the program.
type Host interface {
	Say(text string, failed bool)
	Ask(heading, text, yes string, act func(), opener string)
	Sync()
	// Offer shows a message with a button, in the place of the last one. It stays until that is pressed, or
	// it is dismissed; an empty one takes it back.
	Offer(text, name, action string, act, dismissed func())
}

// Part is what such a script shows.
type Part string

// The parts.
const (
	PartAccounts Part = "accounts" // all of them
	PartWays     Part = "ways"     // that let in to an account
	PartHistory  Part = "history"  // a user's
	PartImport   Part = "import"   // of a file
	PartExport   Part = "export"   // of what the list shows
	PartShare    Part = "share"    // what can be done with a user's data, of shareText
	PartReport   Part = "report"   // copies what is under "Diagnostics"
	PartCutOff   Part = "cutoff"   // offers to go on with an import that was cut off; it fills nothing
)

// managed is a part that a script fills, which is loaded for that: few people need it, and it asks the
// server for everything. In this program it would take seven times as much.
type managed struct {
	ui.Compo
	S       *session
	Part    Part
	Of      string // the id of the account or the user, or what the part says
	Version int64  // of the user: what the server says is asked anew for each
}

func (m *managed) OnMount(ctx ui.Context) { m.fill(ctx) }

func (m *managed) OnUpdate(ctx ui.Context) { m.fill(ctx) }

func (m *managed) fill(ctx ui.Context) {
	ctx.Defer(func(ui.Context) { m.S.Accounts.Fill(m.id(), m.Part, m.Of, m.S) })
}

func (m *managed) id() string { return "part-" + string(m.Part) }

func (m *managed) Render() ui.UI { return ui.Div().ID(m.id()).Class("cards") }

// shareText is a user for the script.
func shareText(r repository.Record[api.User]) string {
	r.Value.Version = r.Version // 0 while only this device has the user
	return string(jsoncodec.Write(r.Value.WriteJSON))
}

// managedPage is a page with nothing else.
func managedPage(s *session, part Part, kind routeKind) ui.UI {
	return ui.Div().Class("page").Body(
		ui.Div().Class("page-head").Body(ui.Div().Class("page-heading").Body(pageTitle(tr(pageNames[kind])))), &managed{S: s, Part: part})
}

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

// Offer shows a message with a button.
func (s *session) Offer(text, name, action string, act, dismissed func()) {
	s.ctx.Dispatch(func(ui.Context) {
		s.dismiss(s.offered)
		if text == "" {
			return
		}
		s.showToast(toast{text: text, name: name, stays: true, action: action, onAction: act, onDismiss: dismissed})
		s.offered = s.lastToast
	})
}

// tellCutOff tells of an import that was cut off, on all pages but the one that says so itself.
func (r *root) tellCutOff() {
	if r.route.kind == importRoute {
		r.s.dismiss(r.s.offered)
	}
	r.s.ctx.Defer(func(ui.Context) { r.s.Accounts.Fill(scrollerID, PartCutOff, "", r.s) })
}

// Sync fetches what was done at the server. What fails is in the status.
func (s *session) Sync() {
	s.async(func(ctx context.Context) error {
		_, err := s.Syncer.SyncAll(ctx)
		return err
	}, func(error) {})
}
