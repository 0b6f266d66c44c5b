package app

import (
	"strings"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// skeleton is a placeholder for a page's content; index.html has the same.
func skeleton() ui.UI {
	return ui.Raw(`<div class="page"><ul class="rows skeleton" aria-hidden="true">` +
		strings.Repeat(`<li class="row"><span class="avatar"></span><div class="row-main">`+bones+`</div></li>`, 8) + `</ul></div>`)
}

const bones = `<span class="bone bone-name"></span><span class="bone bone-email"></span>`

// missingPage is shown at an address that leads nowhere.
type missingPage struct{ ui.Compo }

func (p *missingPage) Render() ui.UI {
	return ui.Div().Class("page").Body(
		emptyState("search", pageTitle(tr("Page not found")), tr("There is nothing at this address."),
			ui.A().Class("button", "button-primary").Href("/").Text(tr("All users"))),
	)
}

// emptyState fills a page or a list that has nothing to show: why, and what to do.
func emptyState(iconName string, heading ui.UI, text string, actions ...ui.UI) ui.UI {
	return ui.Div().Class("empty-state").Body(append([]ui.UI{
		ui.Span().Class("empty-state-icon").Body(icon(iconName)),
		heading,
		ui.P().Text(text),
	}, actions...)...)
}
