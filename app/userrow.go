package app

import (
	"html"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// userRow is a row of the list. It is a component of its own, with all that it shows in its
// exported fields: go-app then renders it again only if one of them has changed. Its place in
// the list is none of them: it changes with each row that comes before it.
//
// What has the name in it is one text of HTML each, and is replaced when that changes: go-app
// calls the browser some seventy times for the elements of a row, and a window has sixty rows.
type userRow struct {
	ui.Compo
	ID, Name, Email string
	State           queue.RowState
}

func (r *userRow) Render() ui.UI {
	return ui.Li().ID(rowID(r.ID)).Class("row").DataSet("key", r.ID).Body(
		avatar(r.ID, r.Name, "avatar"),
		rowMain(r.ID, api.User{Name: r.Name, Email: r.Email}),
		stateBadge(r.State),
		ui.Raw(`<div class="row-actions">`+rowButtonHTML("edit", tr("Edit {0}", isolate(r.Name)), "edit", r)+rowButtonHTML("delete", tr("Delete {0}", isolate(r.Name)), "trash", r)+`</div>`),
	)
}

// rowButtonHTML is a button of which the list knows the press, by its id.
func rowButtonHTML(action, label, iconName string, r *userRow) string {
	return `<button id="` + action + `-` + html.EscapeString(r.ID) + `" type="button" class="icon-button" translate="no" aria-label="` +
		html.EscapeString(label) + `">` + iconHTML(iconName) + `</button>`
}

// rowMain is what a row says of a user.
func rowMain(id string, u api.User) ui.UI {
	id = html.EscapeString(id)
	return ui.Raw(`<div class="row-main"><a id="open-` + id + `" class="row-name" href="/users/` + id + `">` + personHTML(u.Name) +
		`</a><span class="row-email">` + personHTML(u.Email) + `</span></div>`)
}

// preview shows people of whom this device has no row yet, so nothing can be done to them.
func preview(people []api.User) ui.UI {
	rows := make([]ui.UI, len(people))
	for i, u := range people {
		rows[i] = ui.Li().Class("row").Body(avatar(u.ID, u.Name, "avatar"), rowMain(u.ID, u))
	}
	return ui.Ul().Class("rows").Role("list").Aria("label", tr("Users")).Aria("busy", true).Body(rows...)
}
