package app

import ui "github.com/maxence-charriere/go-app/v9/pkg/app"

// skeleton is a placeholder for a page's content; index.html has the same.
func skeleton() ui.UI {
	return ui.Div().Class("page").Body(
		ui.Ul().Class("rows", "skeleton").Aria("hidden", true).Body(
			ui.Range(make([]struct{}, 8)).Slice(func(int) ui.UI {
				return ui.Li().Class("row").Body(
					ui.Span().Class("avatar"),
					ui.Div().Class("row-main").Body(
						ui.Span().Class("bone", "bone-name"),
						ui.Span().Class("bone", "bone-email"),
					),
				)
			}),
		),
	)
}

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
