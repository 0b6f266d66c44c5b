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

// formRequest asks for the dialog "Edit user", or "Add user" when there is no user.
type formRequest struct {
	user   *repository.Record[api.User]
	opener string // the id of the element that gets the focus back
	errs   []api.FieldError
	draft  *draft // what was typed before a reload
	number int
}

// openForm opens the dialog "Add user" or "Edit user".
func (s *session) openForm(f formRequest) {
	s.requests++
	f.number = s.requests
	s.form = &f
	s.render()
}

// id is the request's number, 0 for none.
func (f *formRequest) id() int {
	if f == nil {
		return 0
	}
	return f.number
}

// formDialog is the dialog "Add user" and "Edit user". Request is the number of the
// request it is open for, 0 while it is closed.
type formDialog struct {
	ui.Compo
	S       *session
	Request int

	loaded  int // the request whose values are in the inputs
	opened  int // the request the dialog was last opened for
	request formRequest
	values  map[string]string
	errs    map[string]string
	newID   string // for a new user; kept when it is saved again
	failure string // why saving failed, when no field is the reason
	reload  bool   // only a reload helps against the failure
	saving  bool
	slow    bool // saving takes unusually long
}

// slowAfter is how long a save may take before the form says that it is slow.
const slowAfter = 2 * time.Second

const formID = "user-form"

func inputID(field string) string { return "user-" + field }

func (d *formDialog) OnMount(ctx ui.Context) { d.OnUpdate(ctx) }

// OnUpdate opens the dialog for a new request.
func (d *formDialog) OnUpdate(ctx ui.Context) {
	if d.Request == 0 || d.Request == d.loaded || d.S.form == nil {
		return
	}
	d.loaded, d.request = d.Request, *d.S.form
	d.failure, d.reload, d.saving, d.slow = "", false, false, false
	d.S.saveFailed, d.S.formDraft = false, d.draft
	d.newID = d.S.Users.NewID()
	d.values = map[string]string{"name": "", "email": "", "bio": ""}
	if u := d.request.user; u != nil {
		d.values = map[string]string{"name": u.Value.Name, "email": u.Value.Email, "bio": u.Value.Bio}
	}
	if typed := d.request.draft; typed != nil {
		maps.Copy(d.values, typed.Values)
		d.newID = typed.ID
	}
	d.showErrors(d.request.errs)
	ctx.Defer(func(ui.Context) {
		for field, value := range d.values {
			d.S.Elements.SetValue(inputID(field), value)
		}
		d.opened = d.loaded
		d.S.Dialogs.ShowModal(formID)
		d.S.Elements.Focus(inputID(d.firstInvalid()))
	})
}

// draft is what the form holds.
func (d *formDialog) draft() draft {
	kept := draft{ID: d.newID, Values: d.values}
	if d.request.user != nil {
		kept.User = d.request.user.ID
	}
	return kept
}

// showErrors shows what is wrong beside the fields.
func (d *formDialog) showErrors(errs []api.FieldError) {
	d.errs = map[string]string{}
	for _, e := range errs {
		if d.errs[e.Field] == "" {
			d.errs[e.Field] = fieldLabel(e.Field) + " " + e.Detail
		}
	}
}

func (d *formDialog) firstInvalid() string {
	for _, f := range api.UserFields {
		if d.errs[f] != "" {
			return f
		}
	}
	return "name"
}

func (d *formDialog) adding() bool { return d.request.user == nil }

// clean is what the form would save, all fields and the changed ones alone, and what
// the repository would refuse.
func (d *formDialog) clean() (whole, changed api.UserPatch, errs []api.FieldError) {
	name, email, bio := d.values["name"], d.values["email"], d.values["bio"]
	whole, problem := d.S.Users.Clean(api.UserPatch{Name: &name, Email: &email, Bio: &bio}, d.adding())
	if problem != nil {
		errs = problem.Errors
	}
	if d.adding() {
		return whole, whole, errs
	}
	was := d.request.user.Value
	return whole, api.UserPatch{
		Name:  ifChanged(whole.Name, was.Name),
		Email: ifChanged(whole.Email, was.Email),
		Bio:   ifChanged(whole.Bio, was.Bio),
	}, errs
}

func ifChanged(value *string, was string) *string {
	if *value == was {
		return nil
	}
	return value
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
	whole, changed, errs := d.clean()
	d.showErrors(errs)
	if len(errs) > 0 {
		ctx.Defer(func(ui.Context) { d.S.Elements.Focus(inputID(d.firstInvalid())) })
		return
	}
	if changed == (api.UserPatch{}) {
		d.close()
		return
	}
	d.saving = true
	request := d.loaded
	after(ctx, slowAfter, func(ui.Context) { d.slow = d.saving && d.loaded == request })
	save, id := d.S.Users.CreateAs, d.newID
	if !d.adding() {
		save, id = d.S.Users.Update, d.request.user.ID
	}
	d.S.async(func(ctx context.Context) error {
		_, err := save(ctx, id, changed)
		return err
	}, func(err error) { d.saved(request, *whole.Name, err) })
}

// saved ends a save. When the dialog has been closed or opened again meanwhile, a
// toast shows a failure: what was typed is no longer there.
func (d *formDialog) saved(request int, name string, err error) {
	current := d.S.form != nil && d.loaded == request
	if current {
		d.saving, d.slow = false, false
	}
	switch {
	case err == nil && current:
		d.close()
	case err != nil && !current:
		d.S.showFailure(actionErrorText(name, "saved", err))
		return
	case err != nil:
		d.fail(err)
		return
	}
	if d.adding() {
		d.S.announce("Added " + name)
	} else {
		d.S.announce("Saved " + name)
	}
	d.S.requestPersistOnce()
}

// fail shows why saving failed. What was typed stays.
func (d *formDialog) fail(err error) {
	var p *api.Problem
	if errors.As(err, &p) && len(p.Errors) > 0 {
		d.showErrors(p.Errors)
	} else {
		d.reload = errors.Is(err, queue.ErrOutdated) && !d.S.older
		d.failure = saveErrorText(err, d.reload)
		d.S.saveFailed = true
		d.S.guardLeaving()
	}
	d.Update()
}

func (d *formDialog) close() { d.S.Dialogs.CloseModal(formID) }

// onClose handles the dialog's event, however it was closed. The event comes a little
// later than the closing. By then the person may have asked for the form again, and
// that request must not end with the one before it.
func (d *formDialog) onClose(ctx ui.Context, _ ui.Event) {
	if d.S.form.id() != d.opened || d.S.Dialogs.ModalOpen(formID) {
		return
	}
	opener := d.request.opener
	d.S.form, d.S.formDraft, d.S.saveFailed = nil, nil, false
	d.S.guardLeaving()
	d.S.render()
	if opener != "" {
		ctx.Defer(func(ui.Context) { d.S.Elements.Focus(opener) })
	}
}

func (d *formDialog) Render() ui.UI {
	heading := "Add user"
	if !d.adding() {
		heading = "Edit user"
	}
	return ui.Dialog().ID(formID).Class("dialog").Aria("labelledby", "user-form-title").On("close", d.onClose).Body(
		ui.Form().Class("form").Attr("method", "dialog").NoValidate(true).OnSubmit(d.submit).Body(
			ui.H2().ID("user-form-title").Text(heading),
			ui.Div().Class("form-failure-place").Role("alert").Body(
				ui.If(d.failure != "", ui.P().Class("form-failure").Body(icon("alert"), ui.Span().Text(d.failure))),
				ui.If(d.slow, ui.P().Class("hint").Text("Still saving. The browser's storage is slow."))),
			d.field("name", ui.Input().Type("text").MaxLength(2*api.MaxName).Attr("autocomplete", "off").Attr("autocapitalize", "words")),
			d.field("email", ui.Input().Type("email").MaxLength(2*api.MaxEmail).Attr("autocomplete", "off").Attr("autocapitalize", "none").Spellcheck(false)),
			d.bio(),
			ui.Div().Class("form-actions").Body(
				ui.Button().Type("button").Class("button").Text("Cancel").OnClick(func(ui.Context, ui.Event) { d.close() }),
				ui.If(d.reload, ui.Button().Type("button").Class("button").Text("Reload").
					OnClick(func(ui.Context, ui.Event) { d.S.reload() })),
				ui.Button().Type("submit").Class("button", "button-primary").Aria("disabled", d.saving).Text("Save"),
			),
		),
	)
}

// field is an input with its label and its error.
func (d *formDialog) field(name string, input ui.HTMLInput) ui.UI {
	input = input.ID(inputID(name)).Class("input").Name(name).Aria("required", true).
		Aria("invalid", d.errs[name] != "").OnInput(d.typed(name), name)
	if d.errs[name] != "" {
		input = input.Aria("describedby", inputID(name)+"-error")
	}
	return ui.Div().Class("field").Body(
		ui.Label().For(inputID(name)).Text(fieldLabel(name)),
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
		ui.Label().For(inputID("bio")).Text(fieldLabel("bio")),
		area,
		d.fieldError("bio"),
		ui.If(left < 200 && left >= 0, ui.P().Class("hint").Text(plural(left, "character")+" left")),
	)
}

func (d *formDialog) fieldError(name string) ui.UI {
	return ui.Div().ID(inputID(name) + "-error").Class("field-error-place").Body(
		ui.If(d.errs[name] != "", ui.P().Class("field-error").Body(icon("alert"), ui.Span().Text(d.errs[name]))))
}

// typed mirrors an input. An error beside it disappears once the input is valid.
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
	delete(d.errs, field)
	_, _, errs := d.clean()
	for _, e := range errs {
		if e.Field == field && d.errs[field] == "" {
			d.errs[field] = fieldLabel(field) + " " + e.Detail
		}
	}
}

// rejectionErrors is the server's rejection of an operation, by field.
func rejectionErrors(o queue.Operation) []api.FieldError {
	switch {
	case o.LastError == nil:
		return nil
	case o.LastError.Code == api.CodeEmailTaken:
		return []api.FieldError{{Field: "email", Detail: "is taken: another user has it"}}
	}
	return o.LastError.Errors
}

// fieldLabel is a field's name on the screen.
func fieldLabel(field string) string {
	switch field {
	case "name":
		return "Name"
	case "email":
		return "Email"
	case "bio":
		return "Bio"
	}
	return field
}
