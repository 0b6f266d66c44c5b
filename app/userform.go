package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// formRequest asks for the dialog "Edit user", or "Add user" when there is no user. With a
// field, that one is edited in place, on the user's page; with a conflict, the dialog shows its
// sides beside the fields that they disagree on.
type formRequest struct {
	user     *repository.Record[api.User]
	field    string
	conflict *queue.Conflict
	opener   string // the id of the element that gets the focus back
	errs     []api.FieldError
	draft    *draft // what was typed in a form that is gone
	number   int
}

// openForm opens the dialog "Add user" or "Edit user", for who may write.
func (s *session) openForm(f formRequest) {
	s.ifMayWrite(func() {
		s.requests++
		f.number = s.requests
		s.form = &f
		s.render()
	})
}

// id is the request's number, 0 for none.
func (f *formRequest) id() int {
	if f == nil {
		return 0
	}
	return f.number
}

// dialog is the number of a request for the dialog, 0 for none.
func (f *formRequest) dialog() int {
	if f == nil || f.field != "" {
		return 0
	}
	return f.number
}

// edits reports whether the field of the user is edited in place.
func (f *formRequest) edits(id, field string) bool {
	return f != nil && f.field == field && f.user.ID == id
}

// formDialog is the dialog "Add user" and "Edit user", or with Field one field of the user's page
// while it is edited. Request is the number of the request it is open for, 0 while it is closed.
type formDialog struct {
	ui.Compo
	S       *session
	Request int
	Field   string

	loaded  int // the request whose values are in the inputs
	opened  int // the request the dialog was last opened for
	request formRequest
	seen    repository.Record[api.User] // the edited user as the person saw it
	version int64                       // the last one that was there
	edit    edit
	unwatch func()
	gone    bool    // the edited user has been deleted meanwhile
	said    string  // what has followed a change of others
	offers  []draft // what was typed into forms that are gone
	key     string  // of this form's draft
	keeping bool    // the draft will be kept in a moment
	done    bool    // saved or cancelled: the draft has served

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

// inputID is the id of a field's input, of which the page may have another one in the dialog.
func (d *formDialog) inputID(field string) string {
	if d.Field != "" {
		return "own-" + field
	}
	return inputID(field)
}

// fields are those that the form shows.
func (d *formDialog) fields() []string {
	switch {
	case d.Field != "":
		return []string{d.Field}
	case d.request.conflict != nil:
		return disputed(*d.request.conflict)
	}
	return api.UserFields
}

func (d *formDialog) OnMount(ctx ui.Context) {
	d.S.subscribe(ctx, d.S.Unsaved.Hides(ctx), func(ui.Context) { d.keepTouched() })
	d.OnUpdate(ctx)
}

// OnUpdate opens the dialog for a new request.
func (d *formDialog) OnUpdate(ctx ui.Context) {
	if d.Request == 0 || d.Request == d.loaded || d.S.form == nil {
		return
	}
	d.loaded, d.request = d.Request, *d.S.form
	d.failure, d.reload, d.saving, d.slow = "", false, false, false
	d.gone, d.said, d.offers, d.done = false, "", nil, false
	d.S.saveFailed, d.S.draftLost, d.S.keepDraft = false, false, d.keep
	d.newID, d.key = d.S.Users.NewID(), d.S.Users.NewID()
	d.seen = repository.Record[api.User]{}
	if d.request.user != nil {
		d.seen, d.version = *d.request.user, d.request.user.Version
	}
	d.edit = newEdit(d.seen.Value)
	if d.request.draft != nil {
		d.adopt(*d.request.draft)
	}
	d.showErrors(d.request.errs)
	ctx.Defer(func(ctx ui.Context) {
		d.showValues()
		d.opened = d.loaded
		if d.Field == "" {
			d.S.Dialogs.ShowModal(formID)
		}
		d.S.Elements.Focus(d.inputID(d.firstInvalid()))
		d.watch(ctx)
		switch {
		case d.request.draft != nil:
			d.keep()
		case d.Field == "" && d.request.conflict == nil: // it would change fields that are not shown
			d.offerDrafts()
		}
	})
}

// OnDismount runs when the page is left, or another field is edited, while one is edited in place.
func (d *formDialog) OnDismount() {
	if d.Field != "" && d.opened == d.loaded {
		d.end()
	}
}

// showValues puts the values into the inputs.
func (d *formDialog) showValues() {
	for field, value := range d.edit.values() {
		d.S.Elements.SetValue(d.inputID(field), value)
	}
}

// readValues reads the inputs. Form fillers and extensions write to them without telling
// the page: what is shown is what is saved.
func (d *formDialog) readValues() {
	if d.edit == nil || d.opened != d.loaded {
		return
	}
	for field, f := range d.edit {
		if value, ok := d.S.Elements.Value(d.inputID(field)); ok {
			f.value = value
		}
	}
}

// watch follows the user while the form is open.
func (d *formDialog) watch(ctx ui.Context) {
	d.stopWatching()
	if d.adding() {
		return
	}
	watching, unwatch := context.WithCancel(ctx)
	d.unwatch = unwatch
	request := d.loaded
	receive(d.S, ctx, d.S.Users.Watch(watching, d.request.user.ID), func(_ ui.Context, now repository.Snapshot[api.User]) {
		if d.S.form != nil && d.loaded == request && !d.saving && now.Err == nil {
			d.follow(now)
		}
	})
}

func (d *formDialog) stopWatching() {
	if d.unwatch != nil {
		d.unwatch()
		d.unwatch = nil
	}
}

// follow shows what has become of the user while the form is open.
func (d *formDialog) follow(now repository.Snapshot[api.User]) {
	if d.gone = !now.Exists; d.gone {
		return
	}
	d.readValues()
	d.version = now.Record.Version
	if followed := d.edit.follow(now.Record.Value); len(followed) > 0 {
		d.said = tr("Changed meanwhile, with the new text shown: {0}.", joinWords(keysOf(followed, fieldLabel)))
		for _, field := range followed {
			d.S.Elements.SetValue(d.inputID(field), d.edit[field].value)
		}
	}
	if !d.edit.contested() {
		d.seen = now.Record
	}
}

// was is the user as the person saw it: what the form writes is a change of that.
func (d *formDialog) was() repository.Record[api.User] {
	was := d.seen
	was.Value = d.edit.seen(was.Value)
	return was
}

func (d *formDialog) useTheirs(field string) {
	d.readValues()
	d.edit.useTheirs(field)
	d.S.Elements.SetValue(d.inputID(field), d.edit[field].value)
	d.S.Elements.Focus(d.inputID(field))
	d.typedSomething()
}

// adopt takes over what was typed into another form. What the user has become since then
// is shown beside it.
func (d *formDialog) adopt(from draft) {
	d.S.forgetDraft(from.Key)
	if from.Key != "" {
		d.key = from.Key
	}
	if from.User == "" || d.adding() {
		d.newID = cmp.Or(from.ID, d.newID)
	}
	if from.Seen != nil && !d.adding() {
		d.seen = *from.Seen
	}
	d.edit = newEdit(d.seen.Value)
	for field, value := range from.Values {
		if f := d.edit[field]; f != nil {
			f.value = value
		}
	}
	if !d.adding() {
		d.edit.follow(d.request.user.Value)
		if !d.edit.contested() {
			d.seen = *d.request.user
		}
	}
}

// offerDrafts offers what was typed earlier for the same user.
func (d *formDialog) offerDrafts() {
	request, user := d.loaded, d.userID()
	d.S.readDrafts(func(drafts []draft) {
		if d.loaded != request || d.done {
			return
		}
		d.offers = slices.DeleteFunc(drafts, func(e draft) bool { return e.User != user || e.Key == d.key })
		d.Update()
	})
}

func (d *formDialog) userID() string {
	if d.adding() {
		return ""
	}
	return d.request.user.ID
}

func (d *formDialog) continueDraft(ctx ui.Context, _ ui.Event) {
	if len(d.offers) == 0 {
		return
	}
	d.adopt(d.offers[0])
	d.offers = nil
	d.showValues()
	d.keep()
	d.showErrors(nil)
	d.S.Elements.Focus(d.inputID(d.fields()[0]))
	d.watch(ctx) // the user may have changed since the form was opened
}

func (d *formDialog) discardDraft(ui.Context, ui.Event) {
	if len(d.offers) == 0 {
		return
	}
	d.S.Unsaved.DropDraft(d.offers[0].Key)
	d.S.forgetDraft(d.offers[0].Key)
	d.offers = d.offers[1:]
	d.S.Elements.Focus(d.inputID(d.fields()[0]))
}

// keepTouched keeps what was typed, if anything was.
func (d *formDialog) keepTouched() {
	d.keeping = false
	if d.S.form == nil || d.done || d.opened != d.loaded {
		return
	}
	d.readValues()
	if d.edit.touched() {
		d.keep()
	} else {
		d.S.Unsaved.DropDraft(d.key)
		d.S.draftLost = false
	}
	d.S.guardLeaving()
}

// keep keeps what the form holds, and returns the draft's key.
func (d *formDialog) keep() string {
	d.readValues()
	text := jsoncodec.Write(d.left().writeJSON)
	stored := len(text) <= maxDraft && d.S.Unsaved.KeepDraft(d.key, string(text))
	d.S.draftLost = !stored || d.S.storageState.Volatile
	return d.key
}

// showErrors shows what is wrong beside the fields.
func (d *formDialog) showErrors(errs []api.FieldError) {
	d.errs = map[string]string{}
	for _, e := range errs {
		if d.errs[e.Field] == "" {
			d.errs[e.Field] = fieldErrorText(fieldLabel(e.Field), e.Detail)
		}
	}
}

func (d *formDialog) firstInvalid() string {
	for _, f := range api.UserFields {
		if d.errs[f] != "" {
			return f
		}
	}
	return d.fields()[0]
}

func (d *formDialog) adding() bool { return d.request.user == nil }

// clean is what the form would save, all fields and the changed ones alone, and what
// the repository would refuse.
func (d *formDialog) clean() (whole, changed api.UserPatch, errs []api.FieldError) {
	name, email, bio := d.edit["name"].value, d.edit["email"].value, d.edit["bio"].value
	whole, problem := d.S.Users.Clean(api.UserPatch{Name: &name, Email: &email, Bio: &bio}, d.adding())
	if problem != nil {
		errs = problem.Errors
	}
	if d.adding() || d.gone {
		return whole, whole, errs
	}
	// What was there before a rule that refuses it now is not the person's to correct.
	errs = slices.DeleteFunc(errs, func(e api.FieldError) bool { return !d.edit[e.Field].touched() })
	return whole, api.UserPatch{
		Name:  d.ifChanged("name", whole.Name),
		Email: d.ifChanged("email", whole.Email),
		Bio:   d.ifChanged("bio", whole.Bio),
	}, errs
}

// ifChanged is a field's clean value, nil unless the person has changed the field.
func (d *formDialog) ifChanged(field string, value *string) *string {
	if f := d.edit[field]; !f.touched() || value == nil || *value == f.base {
		return nil
	}
	return value
}

func (d *formDialog) submit(ctx ui.Context, e ui.Event) {
	e.PreventDefault()
	d.save(ctx)
}

func (d *formDialog) save(ctx ui.Context) {
	if d.saving || d.edit == nil {
		return
	}
	d.readValues()
	d.failure, d.reload = "", false
	whole, changed, errs := d.clean()
	d.showErrors(errs)
	if len(errs) > 0 {
		ctx.Defer(func(ui.Context) { d.S.Elements.Focus(d.inputID(d.firstInvalid())) })
		return
	}
	if changed == (api.UserPatch{}) && d.request.conflict == nil {
		d.drop()
		return
	}
	d.saving = true
	request := d.loaded
	d.S.after(ctx, slowAfter, func(ui.Context) { d.slow = d.saving && d.loaded == request })
	save, key := d.write(changed), d.keep()
	d.S.async(save, func(err error) {
		if err == nil {
			d.S.Unsaved.DropDraft(key)
		}
		d.saved(request, *whole.Name, err)
	})
}

// write is what saves a patch. A user who has been deleted meanwhile is restored first.
func (d *formDialog) write(patch api.UserPatch) func(context.Context) error {
	users, was, adding, gone, id, settled := d.S.Users, d.was(), d.adding(), d.gone, d.newID, d.request.conflict
	deleted := was
	deleted.Version = d.version
	return func(ctx context.Context) error {
		if adding {
			_, err := users.CreateAs(ctx, id, patch)
			return err
		}
		if gone {
			// After an uncertain first time it may have been restored already.
			if _, err := users.Restore(ctx, deleted); err != nil && !errors.Is(err, queue.ErrExists) {
				return err
			}
		}
		_, err := users.Update(ctx, was, patch)
		if err == nil && settled != nil {
			err = d.S.Outbox.Accept(ctx, *settled)
		}
		return err
	}
}

// saved ends a save. When the dialog has been closed or opened again meanwhile, a
// toast shows a failure.
func (d *formDialog) saved(request int, name string, err error) {
	current := d.S.form != nil && d.loaded == request
	if current {
		d.saving, d.slow = false, false
	}
	switch {
	case err == nil && current:
		d.done = true
		d.close()
	case err != nil && !current:
		d.S.showFailure(notSaved.text(isolate(name), err))
		return
	case err != nil:
		d.fail(err)
		return
	}
	if d.adding() {
		d.S.announce(tr("Added {0}", isolate(name)))
	} else {
		d.S.announce(tr("Saved {0}", isolate(name)))
	}
	d.S.requestPersistOnce()
	d.S.savedHere()
}

// fail shows why saving failed. What was typed stays.
func (d *formDialog) fail(err error) {
	var p *api.Problem
	switch {
	case errors.As(err, &p) && len(p.Errors) > 0:
		d.showErrors(p.Errors)
	case errors.Is(err, queue.ErrMissing) && !d.adding():
		d.gone = true
	default:
		d.reload = errors.Is(err, queue.ErrOutdated) && !d.S.older
		d.failure = saveErrorText(err, d.reload)
		d.S.saveFailed = true
		d.S.guardLeaving()
	}
	d.Update()
}

// cancel closes the form and throws away what was typed, unless the person undoes that.
func (d *formDialog) cancel(ui.Context, ui.Event) {
	d.readValues()
	if !d.saving && d.edit.touched() {
		thrown := d.left()
		d.S.showToast(toast{text: tr("What you typed was thrown away"), action: tr("Undo"), onAction: func() { d.S.continueDraft(thrown) }})
	}
	d.drop()
}

// drop closes the form, which holds nothing to save.
func (d *formDialog) drop() {
	if !d.saving {
		d.done = true
		d.S.Unsaved.DropDraft(d.key)
	}
	d.close()
}

func (d *formDialog) close() {
	if d.Field == "" {
		d.S.Dialogs.CloseModal(formID)
		return
	}
	d.end()
	d.focusOpener()
}

// pressed handles a key in a form that is open in place: Escape closes it, as it does the
// dialog, and Enter with Control or Command saves a text of several lines.
func (d *formDialog) pressed(ctx ui.Context, e ui.Event) {
	switch key := e.Get("key").String(); {
	case e.Get("isComposing").Truthy(): // the key is the input method's
	case key == "Escape":
		e.PreventDefault()
		d.close()
	case key == "Enter" && (e.Get("ctrlKey").Truthy() || e.Get("metaKey").Truthy()):
		d.submit(ctx, e)
	}
}

// onClose handles the dialog's event, however it was closed. The event comes a little
// later than the closing. By then the person may have asked for the form again, and
// that request must not end with the one before it.
func (d *formDialog) onClose(ui.Context, ui.Event) {
	if d.S.form.id() != d.opened || d.S.Dialogs.ModalOpen(formID) {
		return
	}
	d.end()
	d.focusOpener()
}

// end ends the request, unless another one has taken its place.
func (d *formDialog) end() {
	d.stopWatching()
	d.leaveDraft()
	if d.S.form.id() == d.opened {
		d.S.form, d.S.keepDraft, d.S.saveFailed, d.S.draftLost = nil, nil, false, false
		d.S.guardLeaving()
	}
	d.opened = 0
	d.S.renewToasts()
	d.S.render()
}

func (d *formDialog) focusOpener() {
	if opener := d.request.opener; opener != "" {
		d.S.ctx.Defer(func(ui.Context) { d.S.Elements.Focus(opener) })
	}
}

// leaveDraft keeps what was typed into a form that was closed by Escape or by the
// browser's Back, and offers it again.
func (d *formDialog) leaveDraft() {
	d.readValues()
	if d.done || d.saving || !d.edit.touched() {
		if !d.saving {
			d.S.Unsaved.DropDraft(d.key)
		}
		return
	}
	d.keep()
	d.S.Unsaved.ReleaseDraft(d.key)
	d.S.offerDraft(d.left())
}

// left is what the form holds, as a draft.
func (d *formDialog) left() draft {
	left := draft{Key: d.key, User: d.userID(), ID: d.newID, Values: d.edit.values(), At: time.Now()}
	if !d.adding() {
		was := d.was()
		left.Seen = &was
	}
	if c := d.request.conflict; c != nil {
		left.Conflict = c.ID
	}
	return left
}

// rejectionErrors is the server's rejection of an operation, by field.
func rejectionErrors(o queue.Operation) []api.FieldError {
	switch {
	case o.LastError == nil:
		return nil
	case o.LastError.Code == api.CodeEmailTaken:
		return []api.FieldError{api.Wrong("email", api.IsTaken)}
	}
	return o.LastError.Errors
}
