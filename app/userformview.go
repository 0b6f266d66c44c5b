package app

import (
	"html"
	"slices"
	"time"
	"unicode/utf8"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
)

func (d *formDialog) Render() ui.UI {
	if d.Field != "" {
		return d.renderInPlace()
	}
	heading := tr("Add user")
	switch {
	case d.request.conflict != nil:
		heading = tr("Choose what stays")
	case !d.adding():
		heading = tr("Edit user")
	}
	return ui.Dialog().ID(formID).Class("dialog").Aria("labelledby", "user-form-title").On("close", d.onClose).Body(
		ui.Form().Class("form").Attr("method", "dialog").NoValidate(true).OnSubmit(d.submit).Body(
			append([]ui.UI{
				ui.H2().ID("user-form-title").Text(heading),
				d.renderOffer(),
			}, d.renderForm()...)...,
		),
	)
}

// renderInPlace renders one field of the user's page while it is edited.
func (d *formDialog) renderInPlace() ui.UI {
	return ui.Form().Class("form", "form-in-place").Attr("method", "dialog").NoValidate(true).Aria("label", changeLabel(d.Field)).
		OnSubmit(d.submit).On("keydown", d.pressed).Body(d.renderForm()...)
}

// renderForm renders the fields, and what is said about all of them.
func (d *formDialog) renderForm() []ui.UI {
	form := []ui.UI{
		ui.Div().Class("form-failure-place").Role("alert").Body(
			ui.If(d.failure != "", ui.P().Class("form-failure").Body(icon("alert"), ui.Span().Text(d.failure))),
			ui.If(d.gone && !d.adding(), ui.P().Class("form-failure").Body(icon("alert"), ui.Span().Text(d.goneText()))),
			ui.If(d.slow, ui.P().Class("hint").Text(tr("Still saving. The browser's storage is slow.")))),
		ui.Div().Class("unseen").Aria("live", "polite").Text(d.said),
	}
	shown := d.fields()
	for _, field := range api.UserFields {
		form = append(form, orNothing(slices.Contains(shown, field), func() ui.UI { return d.renderField(field) }))
	}
	return append(form, ui.Div().Class("form-actions").Body(
		ui.Button().Type("button").Class("button").Text(tr("Cancel")).OnClick(d.cancel),
		orNothing(d.reload, func() ui.UI {
			return ui.Button().Type("button").Class("button").Text(tr("Reload")).
				OnClick(func(ui.Context, ui.Event) { d.S.reload() })
		}),
		ui.Button().Type("submit").Class("button", "button-primary").Aria("disabled", d.saving).Text(tr("Save")),
	))
}

func (d *formDialog) renderField(field string) ui.UI {
	switch field {
	case "name":
		return d.field("name", ui.Input().Type("text").MaxLength(2*api.MaxName).Attr("autocomplete", "off").Attr("autocapitalize", "words"))
	case "email":
		// A browser may rewrite the text of an input of the type email.
		return d.field("email", ui.Input().Type("text").Attr("inputmode", "email").MaxLength(2*api.MaxEmail).Attr("autocomplete", "off").
			Attr("autocapitalize", "none").Attr("autocorrect", "off").Spellcheck(false))
	}
	return d.bio()
}

func (d *formDialog) goneText() string {
	return tr("{0} has been deleted meanwhile. Save brings the user back with the text of this form.", isolate(d.seen.Value.Name))
}

// renderOffer offers what was typed earlier.
func (d *formDialog) renderOffer() ui.UI {
	return orNothing(len(d.offers) > 0, func() ui.UI {
		from := d.offers[0]
		return ui.Section().Class("form-offer").Aria("label", tr("Unsaved text")).Body(
			ui.P().ID("offer-text").Text(tr("You were editing this {0}, and did not save it.", timeAgo(from.At, time.Now()))),
			ui.If(from.Values["name"] != "", ui.P().Class("quiet").Body(personText(from.Values["name"]))),
			ui.Div().Class("form-offer-actions").Body(
				ui.Button().Type("button").Class("button").Text(tr("Continue")).Aria("describedby", "offer-text").
					OnClick(d.continueDraft, from.Key),
				ui.Button().Type("button").Class("button").Text(tr("Discard")).Aria("describedby", "offer-text").
					OnClick(d.discardDraft, from.Key),
			),
		)
	})
}

// field is an input with its label and its error.
func (d *formDialog) field(name string, input ui.HTMLInput) ui.UI {
	input = input.ID(d.inputID(name)).Class("input").Name(name).Dir("auto").Aria("required", true).
		Aria("invalid", d.errs[name] != "").OnInput(d.typed(name), name).OnChange(d.typed(name), name)
	if notes := d.describedBy(name); notes != "" {
		input = input.Aria("describedby", notes)
	}
	return ui.Div().Class("field").Body(
		ui.Label().For(d.inputID(name)).Text(fieldLabel(name)),
		input,
		d.fieldError(name),
		d.renderTheirs(name),
		d.renderSides(name),
	)
}

func (d *formDialog) bio() ui.UI {
	area := ui.Textarea().ID(d.inputID("bio")).Class("input").Name("bio").Rows(4).Dir("auto").
		Aria("invalid", d.errs["bio"] != "").OnInput(d.typed("bio"), "bio").OnChange(d.typed("bio"), "bio")
	if notes := d.describedBy("bio"); notes != "" {
		area = area.Aria("describedby", notes)
	}
	left := api.MaxBio
	if d.edit != nil {
		left -= utf8.RuneCountInString(d.edit["bio"].value)
	}
	return ui.Div().Class("field").Body(
		ui.Label().For(d.inputID("bio")).Text(fieldLabel("bio")),
		area,
		d.fieldError("bio"),
		d.renderTheirs("bio"),
		d.renderSides("bio"),
		ui.If(left < 200 && left >= 0, ui.P().Class("hint").Text(trn(left, "{n} character left", "{n} characters left"))),
	)
}

// describedBy are the ids of what is said about a field.
func (d *formDialog) describedBy(name string) string {
	ids := ""
	if d.errs[name] != "" {
		ids = d.inputID(name) + "-error"
	}
	if d.contested(name) {
		ids += " " + d.inputID(name) + "-theirs"
	}
	return ids
}

func (d *formDialog) contested(field string) bool {
	return d.edit != nil && d.edit[field].theirs != nil && !d.gone
}

func fieldErrorHTML(text string) string {
	return `<p class="field-error">` + iconHTML("alert") + `<span>` + html.EscapeString(text) + `</span></p>`
}

func (d *formDialog) fieldError(name string) ui.UI {
	return ui.Div().ID(d.inputID(name) + "-error").Class("field-error-place").Body(
		orNothing(d.errs[name] != "", func() ui.UI { return ui.Raw(fieldErrorHTML(d.errs[name])) }))
}

// renderTheirs shows what others have made of a field that the person has changed, too.
func (d *formDialog) renderTheirs(name string) ui.UI {
	place := ui.Div().ID(d.inputID(name)+"-theirs").Class("field-theirs-place").Aria("live", "polite")
	if !d.contested(name) {
		return place
	}
	theirs := isolate(*d.edit[name].theirs)
	text := withName(tr("Changed meanwhile to “{0}”", theirs), theirs)
	if theirs == "" {
		text = []ui.UI{ui.Text(tr("Emptied meanwhile"))}
	}
	return place.Body(ui.Div().Class("field-theirs").Body(
		ui.P().Body(text...),
		ui.Button().Type("button").Class("button").Text(tr("Use theirs")).Aria("describedby", d.inputID(name)+"-theirs").
			OnClick(func(ui.Context, ui.Event) { d.useTheirs(name) }, name),
	))
}

// typed mirrors an input. An error beside it disappears once the input is valid.
func (d *formDialog) typed(field string) ui.EventHandler {
	return func(ctx ui.Context, _ ui.Event) { d.input(field, ctx.JSSrc().Get("value").String()) }
}

func (d *formDialog) input(field, value string) {
	if d.edit == nil || d.opened != d.loaded { // the inputs still hold what another form had
		return
	}
	d.edit[field].value = value
	d.typedSomething()
	if d.errs[field] == "" {
		return
	}
	delete(d.errs, field)
	_, _, errs := d.clean()
	for _, e := range errs {
		if e.Field == field && d.errs[field] == "" {
			d.errs[field] = fieldErrorText(fieldLabel(field), e.Detail)
		}
	}
}

// typedSomething has the draft kept in a moment.
func (d *formDialog) typedSomething() {
	if d.keeping {
		return
	}
	d.keeping = true
	d.S.after(d.S.ctx, draftDelay, func(ui.Context) { d.keepTouched() })
}

// fieldLabel is a field's name on the screen.
func fieldLabel(field string) string {
	switch field {
	case "name":
		return tr("Name")
	case "email":
		return tr("Email")
	case "bio":
		return tr("Bio")
	}
	return field
}

// fieldInSentence is a field's name within a sentence.
func fieldInSentence(field string) string {
	switch field {
	case "name":
		return tr("name")
	case "email":
		return tr("email")
	case "bio":
		return tr("bio")
	}
	return field
}
