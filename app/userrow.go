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
	Search          string // folded: what is marked
	Excerpt         string // of the bio, if only that was found
	Choosing        bool   // a box is in the place of the picture
	Chosen          bool
}

func (r *userRow) Render() ui.UI {
	return ui.Li().ID(rowID(r.ID)).Class("row").DataSet("key", r.ID).Body(
		r.picture(),
		ui.Raw(rowMainHTML(r)),
		stateBadge(r.State),
		ui.Raw(`<div class="row-actions">`+rowButtonHTML("edit", tr("Edit {0}", isolate(r.Name)), "edit", r)+rowButtonHTML("delete", tr("Delete {0}", isolate(r.Name)), "trash", r)+`</div>`),
	)
}

// rowButtonHTML is a button of which the list knows the press, by its id.
func rowButtonHTML(action, label, iconName string, r *userRow) string {
	return `<button id="` + action + `-` + html.EscapeString(r.ID) + `" type="button" class="icon-button" translate="no" aria-label="` +
		html.EscapeString(label) + `">` + iconHTML(iconName) + `</button>`
}

// picture is the avatar, or the box that selects the user.
func (r *userRow) picture() ui.UI {
	if !r.Choosing {
		return avatar(r.ID, r.Name, "avatar")
	}
	checked := "false"
	if r.Chosen {
		checked = "true"
	}
	return ui.Raw(`<button id="choose-` + html.EscapeString(r.ID) + `" type="button" role="checkbox" aria-checked="` + checked +
		`" class="row-box" translate="no" aria-label="` + html.EscapeString(tr("Select {0}", isolate(r.Name))) + `">` + iconHTML("check") + `</button>`)
}

// rowMainHTML is what a row says of a user.
func rowMainHTML(r *userRow) string {
	id := html.EscapeString(r.ID)
	text := `<div class="row-main"><a id="open-` + id + `" class="row-name" href="/users/` + id + `">` + foundHTML(r.Name, r.Search) +
		`</a><span class="row-email">` + foundHTML(r.Email, r.Search) + `</span>`
	if r.Excerpt != "" {
		text += `<span class="row-excerpt">` + foundHTML(r.Excerpt, r.Search) + `</span>`
	}
	return text + `</div>`
}

// preview shows people of whom this device has no row yet, so nothing can be done to them.
func preview(people []api.User) ui.UI {
	text := `<ul class="rows" role="list" aria-busy="true" aria-label="` + html.EscapeString(tr("Users")) + `">`
	for _, u := range people {
		text += `<li class="row">` + avatarHTML(u.ID, u.Name, "avatar") + rowMainHTML(&userRow{ID: u.ID, Name: u.Name, Email: u.Email}) + `</li>`
	}
	return ui.Raw(text + `</ul>`)
}
