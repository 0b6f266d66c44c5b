package app

import (
	"html"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// Elements are the page's elements, by their ids.
type Elements interface {
	// Focus moves the keyboard focus to an element, once it is rendered.
	Focus(id string)
	// SetValue sets the text of an input.
	SetValue(id, value string)
	// Value is the text of an input, and whether there is such an input.
	Value(id string) (value string, ok bool)
}

const pageTitleID = "page-title"

// pageTitle is a page's heading. It takes the focus after a navigation.
func pageTitle(text string) ui.UI { return pageHeading(ui.Text(text)) }

func pageHeading(content ui.UI) ui.UI { return ui.H1().ID(pageTitleID).TabIndex(-1).Body(content) }

// section is a card with a heading. count is how many items it lists; 0 is not shown.
func section(id, heading string, count int, body ...ui.UI) ui.UI {
	return ui.Section().Class("card").Aria("labelledby", id).Body(append([]ui.UI{
		ui.Raw(cardHeadHTML(id, heading, count)),
	}, body...)...)
}

func cardHeadHTML(id, heading string, count int) string {
	text := `<div class="card-head"><h2 id="` + id + `">` + html.EscapeString(heading) + `</h2>`
	if count > 0 {
		text += `<span class="badge">` + html.EscapeString(formatCount(count)) + `</span>`
	}
	return text + `</div>`
}

// quiet is a paragraph of secondary text.
func quiet(text string) ui.UI { return ui.P().Class("quiet").Text(text) }

func fact(name, value string) ui.UI {
	return ui.Div().Class("fact").Body(ui.Dt().Text(name), ui.Dd().Text(value))
}

// icon shows the symbol "icon-NAME" of the sprite in index.html. It is decoration:
// words always say the same.
func icon(name string) ui.UI { return ui.Raw(iconHTML(name)) }

func iconHTML(name string) string {
	return `<span class="icon" aria-hidden="true"><svg viewBox="0 0 24 24" focusable="false"><use href="#icon-` + name + `"/></svg></span>`
}

// button is a button with an icon and a text.
func button(class, iconName, text string) ui.HTMLButton {
	return ui.Button().Type("button").Class("button", class).Body(icon(iconName), ui.Span().Text(text))
}

func retryButton(retry ui.EventHandler) ui.UI {
	return button("button-primary", "sync", tr("Try again")).OnClick(retry, "retry")
}
