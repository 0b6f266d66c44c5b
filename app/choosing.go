package app

import (
	"context"
	"slices"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// record is a user as the list has it.
type record = repository.Record[api.User]

// choosing is which users are selected, as they were seen then.
type choosing struct {
	on    bool
	users map[string]record
	last  string // id of the one that was selected last, from which Shift selects
	all   string // the address of the list of which all are selected; "" when not all are
}

const chosenID = "chosen"

func (p *usersPage) startChoosing(ui.Context, ui.Event) {
	if p.chosen.on {
		p.chosen = choosing{}
		return
	}
	p.chosen = choosing{on: true, users: map[string]record{}}
}

func (p *usersPage) endChoosing(ui.Context, ui.Event) {
	p.chosen = choosing{}
	p.S.Elements.Focus("select-users")
}

// held selects the user of a row on which a finger rests.
func (p *usersPage) held(_ ui.Context, e ui.Event) {
	if row := e.Get("target").Call("closest", "[data-key]"); row.Truthy() {
		p.choose(row.Get("dataset").Get("key").String(), false)
	}
}

// choose selects a user, or no longer; with the others from the last one on if it is through.
func (p *usersPage) choose(id string, through bool) {
	if !p.chosen.on {
		p.chosen = choosing{on: true, users: map[string]record{}}
	}
	c := &p.chosen
	c.all = ""
	at := func(id string) int { return slices.IndexFunc(p.records, func(r record) bool { return r.ID == id }) }
	from, to := at(c.last), at(id)
	switch {
	case to < 0:
		return
	case through && from >= 0:
		for _, r := range p.records[min(from, to) : max(from, to)+1] {
			c.users[r.ID] = r
		}
	default:
		if _, chosen := c.users[id]; chosen {
			delete(c.users, id)
		} else {
			c.users[id] = p.records[to]
		}
	}
	c.last = id
	p.S.announce(p.chosenText())
}

func (p *usersPage) chosenText() string {
	return trn(len(p.chosen.users), "{n} selected", "{n} selected")
}

// chooseAll selects all that the list has.
func (p *usersPage) chooseAll(ctx ui.Context, _ ui.Event) {
	v, q := p.view, p.view.apply(repository.Query{Deep: p.deep, Limit: atOnce}, time.Now())
	users := map[string]record{}
	p.S.async(func(ctx context.Context) error {
		for more := true; more; {
			page, err := p.S.Users.List(ctx, q)
			if err != nil {
				return err
			}
			for _, r := range page.Records.All() {
				users[r.ID] = r
			}
			if more = len(page.Keys) == q.Limit; more {
				q.From, q.Skip = page.Keys[len(page.Keys)-1], 1
			}
		}
		return nil
	}, func(err error) {
		switch {
		case err != nil:
			p.S.showFailure(errorText(err))
		case p.chosen.on && v == p.view:
			p.chosen.users, p.chosen.all = users, v.address()
			p.S.announce(p.chosenText())
			ctx.Dispatch(func(ui.Context) {})
		}
	})
}

// selected are those who are selected, in the order of their ids.
func (p *usersPage) selected() []record {
	out := make([]record, 0, len(p.chosen.users))
	for _, r := range p.chosen.users {
		out = append(out, r)
	}
	queue.SortBy(out, func(a, b record) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}

func (p *usersPage) deleteChosen(ctx ui.Context, _ ui.Event) {
	all := p.selected()
	p.S.ifMayWrite(func() { p.endChoosing(ctx, ui.Event{}); p.S.deleteAll(all) })
}

// exportChosen leads to the page that exports: with the ids where it finds them, or with the list's own
// address if all are selected.
func (p *usersPage) exportChosen(ui.Context, ui.Event) {
	if p.chosen.all != "" {
		p.S.goTo("/export" + p.chosen.all[1:])
		return
	}
	var ids []string
	for _, r := range p.selected() {
		ids = append(ids, r.ID)
	}
	p.S.Layout.KeepExport(ids)
	p.S.goTo("/export?selected=1")
}

// editChosen sets one field of all who are selected: the script's dialog has asked which.
func (p *usersPage) editChosen(ctx ui.Context, e ui.Event) {
	detail := e.Get("detail")
	field, value := detail.Get("field").String(), detail.Get("value").String()
	all := p.selected()
	p.S.ifMayWrite(func() { p.endChoosing(ctx, ui.Event{}); p.S.setAll(all, field, value) })
}

func (p *usersPage) renderChoice() ui.UI {
	return orNothing(p.chosen.on, func() ui.UI {
		n, none := len(p.chosen.users), len(p.chosen.users) == 0
		writes := p.S.Accounts.Account().Role != roleViewer
		act := func(iconName, text string, on ui.EventHandler) ui.HTMLButton {
			return button("button-small chosen-action", iconName, text).Disabled(none).OnClick(on, text)
		}
		return ui.Div().ID(chosenID).Class("chosen").Role("group").Aria("label", tr("Selected users")).On("editfield", p.editChosen).Body(
			ui.Button().Type("button").Class("icon-button").Aria("label", tr("End selection")).Body(icon("close")).OnClick(p.endChoosing),
			ui.P().Class("chosen-count").Text(p.chosenText()),
			orNothing(n < p.total, func() ui.UI {
				return ui.Button().Type("button").Class("button", "button-small").Text(trn(p.total, "Select the one", "Select all {n}")).OnClick(p.chooseAll)
			}),
			orNothing(writes, func() ui.UI {
				return act("edit", tr("Edit a field"), func(ui.Context, ui.Event) {}).DataSet("tool", "field").DataSet("count", n)
			}),
			act("install", tr("Export"), p.exportChosen),
			orNothing(writes, func() ui.UI { return act("trash", tr("Delete"), p.deleteChosen) }),
		)
	})
}

// atOnce is how many users are read or written at a time.
const atOnce = repository.MaxAtOnce

// deleteAll deletes users, each by a change of its own, and offers to undo all of it.
func (s *session) deleteAll(all []record) {
	s.inParts(all, trLater("Deleting {0} of {1}…"), s.Users.DeleteAll, func(done []record) {
		s.showToast(toast{text: trn(len(done), "Deleted {n} user", "Deleted {n} users"), action: tr("Undo"), onAction: func() {
			s.inParts(done, trLater("Restoring {0} of {1}…"), s.Users.RestoreAll, func(done []record) {
				s.showToast(toast{text: trn(len(done), "Restored {n} user", "Restored {n} users")})
			})
		}})
	})
}

// setAll sets a field of users.
func (s *session) setAll(all []record, field, value string) {
	s.writeAll(all, func(record) api.UserPatch { return patchOf(field, value) }, func(done []record) {
		s.showToast(toast{text: trn(len(done), "Changed {n} user", "Changed {n} users"), action: tr("Undo"), onAction: func() { s.unsetAll(done, field, value) }})
	})
}

// unsetAll gives users their fields back, as they were before setAll.
func (s *session) unsetAll(were []record, field, value string) {
	before, seen := map[string]string{}, slices.Clone(were)
	for i, r := range were {
		before[r.ID] = valueOf(r.Value, field)
		seen[i].Value = patchOf(field, value).Apply(r.Value)
	}
	s.writeAll(seen, func(r record) api.UserPatch { return patchOf(field, before[r.ID]) }, func(done []record) {
		s.showToast(toast{text: trn(len(done), "{n} user is as before", "{n} users are as before")})
	})
}

func (s *session) writeAll(all []record, patch func(record) api.UserPatch, done func([]record)) {
	s.inParts(all, trLater("Changing {0} of {1}…"), func(ctx context.Context, part []record) error {
		return s.Users.UpdateAll(ctx, part, patch)
	}, done)
}

func patchOf(field, value string) (p api.UserPatch) {
	switch field {
	case "name":
		p.Name = &value
	case "email":
		p.Email = &value
	case "bio":
		p.Bio = &value
	}
	return p
}

func valueOf(u api.User, field string) string {
	return map[string]string{"name": u.Name, "email": u.Email, "bio": u.Bio}[field]
}

// inParts does something to many users, a part at a time, and says how far it is. What was done is
// told to done, even if it failed then or was stopped.
func (s *session) inParts(all []record, doing string, work func(context.Context, []record) error, done func([]record)) {
	progress := func(n int) string { return tr(doing, formatCount(n), formatCount(len(all))) }
	stopped, id, n := false, 0, 0
	if len(all) > atOnce {
		s.showToast(toast{text: progress(0), stays: true, action: tr("Stop"), onAction: func() { stopped = true }})
		id = s.lastToast
	}
	s.async(func(ctx context.Context) error {
		for n < len(all) && !stopped {
			end := min(n+atOnce, len(all))
			if err := work(ctx, all[n:end]); err != nil {
				return err
			}
			n = end
			s.ctx.Dispatch(func(ui.Context) { s.retext(id, progress(n)) })
		}
		return nil
	}, func(err error) {
		s.dismiss(id)
		if err != nil {
			s.showFailure(trn(len(all)-n, "{n} user was left as it is: {0}", "{n} users were left as they are: {0}", errorText(err)))
		}
		if n > 0 {
			done(all[:n])
		}
	})
}
