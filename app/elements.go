package app

import ui "github.com/maxence-charriere/go-app/v9/pkg/app"

// Elements are the page's elements, by their ids.
type Elements interface {
	// Focus moves the keyboard focus to an element, once it is rendered.
	Focus(id string)
	// SetValue sets the text of an input.
	SetValue(id, value string)
}

// section is a card under its heading. count is how many things are in it, and
// not shown when it is 0.
func section(id, heading string, count int, body ...ui.UI) ui.UI {
	return ui.Section().Class("card").Aria("labelledby", id).Body(append([]ui.UI{
		ui.Div().Class("card-head").Body(
			ui.H2().ID(id).Text(heading),
			ui.If(count > 0, ui.Span().Class("badge").Text(grouped(count))),
		),
	}, body...)...)
}

func fact(name, value string) ui.UI {
	return ui.Div().Class("fact").Body(ui.Dt().Text(name), ui.Dd().Text(value))
}

const svg = "http://www.w3.org/2000/svg"

// icon refers to the symbol "icon-NAME" of the sprite in index.html. It is
// decoration: what it stands for is always said in words too.
func icon(name string) ui.UI {
	// A class on the svg would be lost: go-app sets className, which an SVG
	// element does not take. The span carries it.
	return ui.Span().Class("icon").Aria("hidden", true).Body(
		ui.Elem("svg").XMLNS(svg).Attr("viewBox", "0 0 24 24").Attr("focusable", "false").Body(
			ui.Elem("use").XMLNS(svg).Attr("href", "#icon-"+name),
		),
	)
}

// button is a button with an icon and a text.
func button(class, iconName, text string) ui.HTMLButton {
	return ui.Button().Type("button").Class("button", class).Body(icon(iconName), ui.Span().Text(text))
}
