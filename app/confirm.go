package app

import ui "github.com/maxence-charriere/go-app/v9/pkg/app"

// Dialogs are the page's <dialog> elements, by their ids.
type Dialogs interface {
	ShowModal(id string)
	CloseModal(id string)
	ModalOpen(id string) bool
}

// choice is another answer than the yes.
type choice struct {
	text string
	act  func()
}

// confirmRequest asks the person for an explicit yes before act runs.
type confirmRequest struct {
	others             []choice
	heading, text, yes string
	name               string // as the text has it
	opener             string // the id of the element that gets the focus back
	act                func()
	number             int
}

// askFirst opens the dialog that asks before it does something.
func (s *session) askFirst(c confirmRequest) {
	s.requests++
	c.number = s.requests
	s.confirm = &c
	s.render()
}

// id is the request's number, 0 for none.
func (c *confirmRequest) id() int {
	if c == nil {
		return 0
	}
	return c.number
}

// confirmDialog is the dialog that asks. Its fields are those of formDialog.
type confirmDialog struct {
	ui.Compo
	S       *session
	Request int

	loaded  int
	opened  int
	request confirmRequest
}

const confirmID = "confirm"

func (d *confirmDialog) OnUpdate(ctx ui.Context) {
	if d.Request == 0 || d.Request == d.loaded || d.S.confirm == nil {
		return
	}
	d.loaded, d.request = d.Request, *d.S.confirm
	ctx.Defer(func(ui.Context) {
		d.opened = d.loaded
		d.S.Dialogs.ShowModal(confirmID)
	})
}

func (d *confirmDialog) yes(ui.Context, ui.Event) {
	act := d.request.act
	d.S.Dialogs.CloseModal(confirmID)
	act()
}

// other is the handler of another answer, which belongs to the request that is shown then.
func (d *confirmDialog) other(i int) ui.EventHandler {
	return func(ui.Context, ui.Event) {
		act := d.request.others[i].act
		d.S.Dialogs.CloseModal(confirmID)
		act()
	}
}

func (d *confirmDialog) no(ui.Context, ui.Event) { d.S.Dialogs.CloseModal(confirmID) }

// onClose is as in formDialog.
func (d *confirmDialog) onClose(ctx ui.Context, _ ui.Event) {
	if d.S.confirm.id() != d.opened || d.S.Dialogs.ModalOpen(confirmID) {
		return
	}
	d.S.confirm = nil
	d.S.renewToasts()
	d.S.render()
	opener := d.request.opener
	ctx.Defer(func(ui.Context) { d.S.Elements.Focus(opener) })
}

func (d *confirmDialog) Render() ui.UI {
	class := "button-danger"
	if len(d.request.others) > 0 {
		class = "button-primary"
	}
	answers := []ui.UI{ui.Button().Type("button").Class("button").Attr("autofocus", true).Text(tr("Cancel")).OnClick(d.no)}
	for i, c := range d.request.others {
		answers = append(answers, ui.Button().Type("button").Class("button").Text(c.text).OnClick(d.other(i), i))
	}
	answers = append(answers, ui.Button().Type("button").Class("button", class).Text(d.request.yes).OnClick(d.yes))
	return ui.Dialog().ID(confirmID).Class("dialog", "dialog-small").
		Aria("labelledby", "confirm-title").Aria("describedby", "confirm-text").On("close", d.onClose).Body(
		ui.Div().Class("form").Body(
			ui.H2().ID("confirm-title").Text(d.request.heading),
			ui.P().ID("confirm-text").Body(withName(d.request.text, d.request.name)...),
			ui.Div().Class("form-actions").Body(answers...),
		),
	)
}
