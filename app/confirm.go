package app

import ui "github.com/maxence-charriere/go-app/v9/pkg/app"

// confirmRequest asks for an explicit yes before act runs.
type confirmRequest struct {
	heading, text, yes string
	opener             string
	act                func()
	number             int // of the request, set by session.ask
}

// confirmDialog is the dialog that asks. Asked is as in formDialog.
type confirmDialog struct {
	ui.Compo
	S     *session
	Asked int

	shown   int
	opened  int
	request confirmRequest
}

const confirmID = "confirm"

func (d *confirmDialog) OnUpdate(ctx ui.Context) {
	if d.Asked == 0 || d.Asked == d.shown || d.S.confirm == nil {
		return
	}
	d.shown, d.request = d.Asked, *d.S.confirm
	ctx.Defer(func(ui.Context) {
		d.opened = d.shown
		d.S.Dialogs.ShowModal(confirmID)
	})
}

func (d *confirmDialog) yes(ui.Context, ui.Event) {
	act := d.request.act
	d.S.Dialogs.CloseModal(confirmID)
	act()
}

func (d *confirmDialog) no(ui.Context, ui.Event) { d.S.Dialogs.CloseModal(confirmID) }

// closed is as in formDialog.
func (d *confirmDialog) closed(ctx ui.Context, _ ui.Event) {
	if d.S.confirm == nil || d.S.confirm.number != d.opened || d.S.Dialogs.ModalOpen(confirmID) {
		return
	}
	d.S.confirm = nil
	d.S.changed()
	opener := d.request.opener
	ctx.Defer(func(ui.Context) { d.S.Elements.Focus(opener) })
}

func (d *confirmDialog) Render() ui.UI {
	return ui.Dialog().ID(confirmID).Class("dialog", "dialog-small").
		Aria("labelledby", "confirm-title").Aria("describedby", "confirm-text").On("close", d.closed).Body(
		ui.Div().Class("form").Body(
			ui.H2().ID("confirm-title").Text(d.request.heading),
			ui.P().ID("confirm-text").Text(d.request.text),
			ui.Div().Class("form-actions").Body(
				ui.Button().Type("button").Class("button").Attr("autofocus", true).Text("Cancel").OnClick(d.no),
				ui.Button().Type("button").Class("button", "button-danger").Text(d.request.yes).OnClick(d.yes),
			),
		),
	)
}
