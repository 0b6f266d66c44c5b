package app

import (
	"context"
	"math"
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
	last  queue.Key // of the one that was selected last, from which Shift selects
	all   string    // the address of the list of which all are selected; "" when not all are
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
	to := slices.IndexFunc(p.records, func(r record) bool { return r.ID == id })
	if to < 0 {
		return
	}
	last := c.last
	c.last = p.keys[to]
	if through && last != (queue.Key{}) {
		p.chooseBetween(last, c.last)
		return
	}
	if _, chosen := c.users[id]; chosen {
		delete(c.users, id)
	} else {
		c.users[id] = p.records[to]
	}
	p.S.announce(p.chosenText())
}

// chooseBetween selects from one place in the list to another, of which the page may have only one.
func (p *usersPage) chooseBetween(a, b queue.Key) {
	p.gather([]queue.Key{a, b}, func(users map[string]record) {
		for id, r := range users {
			p.chosen.users[id] = r
		}
	})
}

// chooseAll selects all that the list has.
func (p *usersPage) chooseAll(ui.Context, ui.Event) {
	p.gather(nil, func(users map[string]record) { p.chosen.users, p.chosen.all = users, p.view.address() })
}

// gather reads the users of the list, all or from one of two places to the other, and has them selected.
func (p *usersPage) gather(ends []queue.Key, choose func(map[string]record)) {
	v, users := p.view, map[string]record{}
	q := v.apply(repository.Query{Deep: p.deep, Limit: 1}, time.Now())
	p.S.async(func(ctx context.Context) error {
		first, end := 0, math.MaxInt
		for i, key := range ends {
			q.From = key
			page, err := p.S.Users.List(ctx, q)
			if err != nil {
				return err
			}
			if i == 0 {
				first, end = page.First, page.First+1
			}
			first, end = min(first, page.First), max(end, page.First+1)
		}
		for q.From, q.Skip, q.Limit = (queue.Key{}), first, atOnce; q.Skip < end; q.Skip += atOnce {
			page, err := p.S.Users.List(ctx, q)
			if err != nil {
				return err
			}
			for _, r := range page.Records.First(end - q.Skip) {
				users[r.ID] = r
			}
			end = min(end, page.Total)
		}
		return nil
	}, func(err error) {
		switch {
		case err != nil:
			p.S.showFailure(errorText(err))
		case p.chosen.on && v == p.view:
			choose(users)
			p.S.announce(p.chosenText())
			p.Update()
		}
	})
}

func (p *usersPage) chosenText() string {
	return trn(len(p.chosen.users), "{n} selected", "{n} selected")
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
			orNothing(n < p.total && !p.partial, func() ui.UI {
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
	s.inParts(all, trLater("Deleting {0} of {1}…"), s.Users.DeleteAll, func(done []record) { s.offer(undoing{were: done}) })
}

// setAll sets a field of users.
func (s *session) setAll(all []record, field, value string) {
	s.inParts(all, trLater("Changing {0} of {1}…"), func(ctx context.Context, part []record) ([]record, error) {
		return s.Users.UpdateAll(ctx, part, func(record) api.UserPatch { return patchOf(field, value) })
	}, func(done []record) { s.offer(undoing{field: field, value: value, were: done}) })
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

// inParts does something to many users, a part at a time, and says how far it is. To whom it was done is
// told to done, even if it failed then or was stopped.
func (s *session) inParts(all []record, doing string, work func(context.Context, []record) ([]record, error), done func([]record)) {
	progress := func(n int) string { return tr(doing, formatCount(n), formatCount(len(all))) }
	stopped, id, n := false, 0, 0
	if len(all) > atOnce {
		s.showToast(toast{text: progress(0), stays: true, action: tr("Stop"), onAction: func() { stopped = true }})
		id = s.lastToast
	}
	var did []record
	s.async(func(ctx context.Context) error {
		for n < len(all) && !stopped {
			end := min(n+atOnce, len(all))
			part, err := work(ctx, all[n:end])
			if err != nil {
				return err
			}
			did, n = append(did, part...), end
			s.ctx.Dispatch(func(ui.Context) { s.retext(id, progress(end)) })
		}
		return nil
	}, func(err error) {
		s.dismiss(id)
		if err != nil {
			s.showFailure(trn(len(all)-n, "{n} user was left as it is: {0}", "{n} users were left as they are: {0}", errorText(err)))
		}
		if n > 0 {
			done(did)
		}
	})
}
