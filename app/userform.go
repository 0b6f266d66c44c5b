package app

import (
	"context"
	"errors"
	"maps"
	"time"
	"unicode/utf8"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// formRequest asks for the dialog "Add user", or "Edit user" when there is a user.
type formRequest struct {
	user   *repository.Record[api.User]
	opener string // the id of the element that gets the focus back
	errs   []api.FieldError
	draft  *draft // what was typed before a reload
	number int    // of the request, set by session.edit
}

// formDialog is the dialog "Add user" and "Edit user". Asked is the number of
// the request it is open for, 0 while it is closed.
type formDialog struct {
	ui.Compo
	S     *session
	Asked int

	shown   int // the request whose values are in the inputs
	opened  int // the request the dialog was last opened for
	request formRequest
	values  map[string]string
	errs    map[string]string
	id      string // that a new user gets; kept when it is saved again
	failure string // why saving failed, when no field is to blame
	reload  bool   // only a reload helps against the failure
	saving  bool
	slow    bool // saving takes unusually long
}

// slowAfter is how long a save may take before the form says that it takes long.
const slowAfter = 2 * time.Second

const formID = "user-form"

func inputID(field string) string { return "user-" + field }

func (d *formDialog) OnMount(ctx ui.Context) { d.OnUpdate(ctx) }

// OnUpdate opens the dialog for a new request.
func (d *formDialog) OnUpdate(ctx ui.Context) {
	if d.Asked == 0 || d.Asked == d.shown || d.S.form == nil {
		return
	}
	d.shown, d.request = d.Asked, *d.S.form
	d.failure, d.reload, d.saving, d.slow = "", false, false, false
	d.S.unsaved, d.S.draft = false, d.draft
	d.id = d.S.Users.NewID()
	d.values = map[string]string{"name": "", "email": "", "bio": ""}
	if u := d.request.user; u != nil {
		d.values = map[string]string{"name": u.Value.Name, "email": u.Value.Email, "bio": u.Value.Bio}
	}
	if typed := d.request.draft; typed != nil {
		maps.Copy(d.values, typed.Values)
		d.id = typed.ID
	}
	d.blame(d.request.errs)
	ctx.Defer(func(ui.Context) {
		for field, value := range d.values {
			d.S.Elements.SetValue(inputID(field), value)
		}
		d.opened = d.shown
		d.S.Dialogs.ShowModal(formID)
		d.S.Elements.Focus(inputID(d.firstBad()))
	})
}

// draft is what the form holds.
func (d *formDialog) draft() draft {
	kept := draft{ID: d.id, Values: d.values}
	if d.request.user != nil {
		kept.User = d.request.user.ID
	}
	return kept
}

// blame shows what is wrong beside the fields.
func (d *formDialog) blame(errs []api.FieldError) {
	d.errs = map[string]string{}
	for _, e := range errs {
		if d.errs[e.Field] == "" {
			d.errs[e.Field] = label(e.Field) + " " + e.Detail
		}
	}
}

func (d *formDialog) firstBad() string {
	for _, f := range api.UserFields {
		if d.errs[f] != "" {
			return f
		}
	}
	return "name"
}

func (d *formDialog) adding() bool { return d.request.user == nil }

// patch is what the form would save: all fields of a new user, the changed ones of
// another.
func (d *formDialog) patch() (whole, changed api.UserPatch) {
	name, email, bio := d.values["name"], d.values["email"], d.values["bio"]
	whole = api.UserPatch{Name: &name, Email: &email, Bio: &bio}.Trimmed()
	if d.adding() {
		return whole, whole
	}
	was := d.request.user.Value
	if *whole.Name != was.Name {
		changed.Name = whole.Name
	}
	if *whole.Email != was.Email {
		changed.Email = whole.Email
	}
	if *whole.Bio != was.Bio {
		changed.Bio = whole.Bio
	}
	return whole, changed
}

func (d *formDialog) submit(ctx ui.Context, e ui.Event) {
	e.PreventDefault()
	d.save(ctx)
}

func (d *formDialog) save(ctx ui.Context) {
	if d.saving || d.values == nil {
		return
	}
	d.failure, d.reload = "", false
	whole, changed := d.patch()
	d.blame(whole.Validate(d.adding()))
	if len(d.errs) > 0 {
		ctx.Defer(func(ui.Context) { d.S.Elements.Focus(inputID(d.firstBad())) })
		return
	}
	if changed == (api.UserPatch{}) {
		d.close()
		return
	}
	d.saving = true
	request, id, adding := d.shown, d.id, d.adding()
	if !adding {
		id = d.request.user.ID
	}
	d.S.after(ctx, slowAfter, func(ui.Context) { d.slow = d.saving && d.shown == request })
	d.S.write(func(ctx context.Context) error {
		if adding {
			_, err := d.S.Users.CreateAs(ctx, id, changed)
			return err
		}
		_, err := d.S.Users.Update(ctx, id, changed)
		return err
	}, func(err error) { d.saved(request, *whole.Name, err) })
}

// saved ends a save. The dialog may have been closed and opened again meanwhile;
// then a failure is told in a toast, since its text is no longer there.
func (d *formDialog) saved(request int, name string, err error) {
	current := d.S.form != nil && d.shown == request
	if current {
		d.saving, d.slow = false, false
	}
	switch {
	case err == nil && current:
		d.close()
	case err != nil && !current:
		d.S.toast(toast{text: notDone(name, "saved", err), bad: true})
		return
	case err != nil:
		d.fail(err)
		return
	}
	if d.adding() {
		d.S.say("Added " + name)
	} else {
		d.S.say("Saved " + name)
	}
	d.S.firstSaved()
}

// fail shows why saving failed. What was typed stays.
func (d *formDialog) fail(err error) {
	var p *api.Problem
	if errors.As(err, &p) && len(p.Errors) > 0 {
		d.blame(p.Errors)
	} else {
		d.failure, d.reload = notSaved(err), errors.Is(err, queue.ErrOutdated)
		d.S.unsaved = true
		d.S.guardLeaving()
	}
	d.Update()
}

func (d *formDialog) close() { d.S.Dialogs.CloseModal(formID) }

func (d *formDialog) cancel(ui.Context, ui.Event) { d.close() }

// closed hears the dialog's own event, however it was closed. The event comes a
// little later than the closing: by then the person may have asked for the form
// again, and what they ask for must not be taken for what they have closed.
func (d *formDialog) closed(ctx ui.Context, _ ui.Event) {
	if d.S.form == nil || d.S.form.number != d.opened || d.S.Dialogs.ModalOpen(formID) {
		return
	}
	opener := d.request.opener
	d.S.form, d.S.draft, d.S.unsaved = nil, nil, false
	d.S.guardLeaving()
	d.S.changed()
	if opener != "" {
		ctx.Defer(func(ui.Context) { d.S.Elements.Focus(opener) })
	}
}

func (d *formDialog) Render() ui.UI {
	heading := "Add user"
	if !d.adding() {
		heading = "Edit user"
	}
	return ui.Dialog().ID(formID).Class("dialog").Aria("labelledby", "user-form-title").On("close", d.closed).Body(
		ui.Form().Class("form").Attr("method", "dialog").NoValidate(true).OnSubmit(d.submit).Body(
			ui.H2().ID("user-form-title").Text(heading),
			ui.Div().Class("form-failure-place").Role("alert").Body(
				ui.If(d.failure != "", ui.P().Class("form-failure").Body(icon("alert"), ui.Span().Text(d.failure))),
				ui.If(d.slow, ui.P().Class("hint").Text("Still saving. The browser's storage is slow to answer."))),
			d.field("name", ui.Input().Type("text").MaxLength(2*api.MaxName).Attr("autocomplete", "off").Attr("autocapitalize", "words")),
			d.field("email", ui.Input().Type("email").MaxLength(2*api.MaxEmail).Attr("autocomplete", "off").Attr("autocapitalize", "none").Spellcheck(false)),
			d.bio(),
			ui.Div().Class("form-actions").Body(
				ui.Button().Type("button").Class("button").Text("Cancel").OnClick(d.cancel),
				ui.If(d.reload, ui.Button().Type("button").Class("button").Text("Reload").
					OnClick(func(ui.Context, ui.Event) { d.S.reload() })),
				ui.Button().Type("submit").Class("button", "button-primary").Aria("disabled", d.saving).Text("Save"),
			),
		),
	)
}

// field is an input with its label and, when there is one, what is wrong with it.
func (d *formDialog) field(name string, input ui.HTMLInput) ui.UI {
	input = input.ID(inputID(name)).Class("input").Name(name).Aria("required", true).
		Aria("invalid", d.errs[name] != "").OnInput(d.typed(name), name)
	if d.errs[name] != "" {
		input = input.Aria("describedby", inputID(name)+"-error")
	}
	return ui.Div().Class("field").Body(
		ui.Label().For(inputID(name)).Text(label(name)),
		input,
		d.fieldError(name),
	)
}

func (d *formDialog) bio() ui.UI {
	area := ui.Textarea().ID(inputID("bio")).Class("input").Name("bio").Rows(4).
		Aria("invalid", d.errs["bio"] != "").OnInput(d.typed("bio"), "bio")
	if d.errs["bio"] != "" {
		area = area.Aria("describedby", inputID("bio")+"-error")
	}
	left := api.MaxBio - utf8.RuneCountInString(d.values["bio"])
	return ui.Div().Class("field").Body(
		ui.Label().For(inputID("bio")).Text(label("bio")),
		area,
		d.fieldError("bio"),
		ui.If(left < 200 && left >= 0, ui.P().Class("hint").Text(plural(left, "character")+" left")),
	)
}

func (d *formDialog) fieldError(name string) ui.UI {
	return ui.Div().ID(inputID(name) + "-error").Class("field-error-place").Body(
		ui.If(d.errs[name] != "", ui.P().Class("field-error").Body(icon("alert"), ui.Span().Text(d.errs[name]))))
}

// typed mirrors an input. An error beside it goes once it is right.
func (d *formDialog) typed(field string) ui.EventHandler {
	return func(ctx ui.Context, _ ui.Event) { d.input(field, ctx.JSSrc().Get("value").String()) }
}

func (d *formDialog) input(field, value string) {
	if d.values == nil {
		return
	}
	d.values[field] = value
	if d.errs[field] == "" {
		return
	}
	whole, _ := d.patch()
	for _, e := range whole.Validate(d.adding()) {
		if e.Field == field {
			d.errs[field] = label(field) + " " + e.Detail
			return
		}
	}
	delete(d.errs, field)
}

// rejectionErrors says beside which field the server's refusal of an operation belongs.
func rejectionErrors(o queue.Operation) []api.FieldError {
	switch {
	case o.LastError == nil:
		return nil
	case o.LastError.Code == api.CodeEmailTaken:
		return []api.FieldError{{Field: "email", Detail: "is taken: another user has it already"}}
	}
	return o.LastError.Errors
}
