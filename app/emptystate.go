package app

import ui "github.com/maxence-charriere/go-app/v9/pkg/app"

// skeleton stands where a page's content will be; index.html has the same.
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

// missingPage says that an address leads nowhere.
type missingPage struct{ ui.Compo }

func (p *missingPage) Render() ui.UI {
	return ui.Div().Class("page").Body(
		notice("search", "Page not found", "There is nothing at this address.",
			ui.A().Class("button", "button-primary").Href("/").Text("All users")),
	)
}

// notice fills a page that has nothing else to show: why, and what to do.
func notice(iconName, heading, text string, action ...ui.UI) ui.UI {
	return ui.Div().Class("notice").Body(append([]ui.UI{
		ui.Div().Class("notice-icon").Body(icon(iconName)),
		ui.H1().ID("page-title").TabIndex(-1).Text(heading),
		ui.P().Text(text),
	}, action...)...)
}

// hint stands in the place of the list: why it is empty, and what to do.
func hint(iconName, heading, text string, action ui.UI) ui.UI {
	return ui.Div().Class("notice").Body(
		// Another tag than the list's first: go-app would keep that element, and with
		// it the height that was set on it.
		ui.Span().Class("notice-icon").Body(icon(iconName)),
		ui.H2().Text(heading),
		ui.P().Text(text),
		action,
	)
}
