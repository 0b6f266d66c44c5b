package app

import (
	ui "github.com/maxence-charriere/go-app/v9/pkg/app"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// userRow is a row of the list. It is a component of its own, with all that it shows in its
// exported fields: go-app then renders it again only if one of them has changed.
type userRow struct {
	ui.Compo
	Page            *usersPage
	ID, Name, Email string
	State           queue.RowState
	Place           int // among the rows that are rendered
	Position, Total int // in the list, from 1
}

func (r *userRow) Render() ui.UI {
	name := isolate(r.Name)
	return ui.Li().ID(rowID(r.ID)).Class("row").DataSet("place", r.Place).
		Aria("setsize", r.Total).Aria("posinset", r.Position).Body(
		avatar(r.ID, r.Name, "avatar"),
		rowMain(r.ID, api.User{Name: r.Name, Email: r.Email}),
		stateBadge(r.State),
		ui.Div().Class("row-actions").Body(
			ui.Button().ID("edit-"+r.ID).Type("button").Class("icon-button").
				Attr("translate", "no").Aria("label", "Edit "+name).Body(icon("edit")).OnClick(r.edit),
			ui.Button().ID("delete-"+r.ID).Type("button").Class("icon-button").
				Attr("translate", "no").Aria("label", "Delete "+name).Body(icon("trash")).OnClick(r.delete),
		),
	)
}

func (r *userRow) edit(ui.Context, ui.Event)   { r.Page.edit(r.ID) }
func (r *userRow) delete(ui.Context, ui.Event) { r.Page.delete(r.ID) }

// rowMain is what a row says of a user.
func rowMain(id string, u api.User) ui.UI {
	return ui.Div().Class("row-main").Body(
		ui.A().ID("open-"+id).Class("row-name").Href("/users/"+id).Body(personText(u.Name)),
		ui.Span().Class("row-email").Body(personText(u.Email)),
	)
}

// preview shows people of whom this device has no row yet, so nothing can be done to them.
func preview(people []api.User) ui.UI {
	rows := make([]ui.UI, len(people))
	for i, u := range people {
		rows[i] = ui.Li().Class("row").Body(avatar(u.ID, u.Name, "avatar"), rowMain(u.ID, u))
	}
	return ui.Ul().Class("rows").Role("list").Aria("label", "Users").Aria("busy", true).Body(rows...)
}
