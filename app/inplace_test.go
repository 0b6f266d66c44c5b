package app

import (
	"strings"
	"testing"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// inPlace is the form of the field that is edited in place.
func inPlace(b *browser) *formDialog {
	b.t.Helper()
	var found *formDialog
	b.until("a field to be edited", func() bool {
		found = nil
		walk(b.root, func(e ui.UI) {
			if d, ok := e.(*formDialog); ok && d.Field != "" {
				found = d
			}
		})
		return found != nil && found.opened != 0
	})
	return found
}

// writes types into the field that is edited in place.
func (b *browser) writes(value string) *formDialog {
	b.t.Helper()
	d := inPlace(b)
	b.device.values[d.inputID(d.Field)] = value
	b.d.Emit(d, func() { d.input(d.Field, value) })
	b.settle()
	return d
}

func (b *browser) saves(d *formDialog) {
	b.t.Helper()
	b.d.Emit(d, func() { d.save(contextOf(b)) })
	b.settle()
}

func TestOneFieldIsEditedInPlace(t *testing.T) {
	b := open(t, "/")
	id := b.add("Ann Lee", "ann@example.org")
	b.visit("/users/" + id)
	b.click("Change name")
	if d := inPlace(b); b.device.values[d.inputID("name")] != "Ann Lee" || b.device.focused != "own-name" || b.device.modal != "" {
		t.Errorf("the values are %v, the focus is on %s, the dialog is %q", b.device.values, b.device.focused, b.device.modal)
	}
	b.saves(b.writes(""))
	b.untilText("Name is required")
	if b.device.focused != "own-name" {
		t.Errorf("the focus is on %s", b.device.focused)
	}
	b.saves(b.writes("Ann Li"))
	b.until("the form to close", func() bool { return b.root.s.form == nil && b.has("h1", "Ann Li") })
	if b.device.focused != "change-name" {
		t.Errorf("the focus is on %s", b.device.focused)
	}
	if user, err := b.users.Get(t.Context(), id); err != nil || user.Value.Name != "Ann Li" || user.Value.Email != "ann@example.org" {
		t.Errorf("saved %+v, %v", user.Value, err)
	}
	b.untilText("Not sent yet")
}

func TestWhatWasTypedInPlaceIsKept(t *testing.T) {
	leave := map[string]func(*browser, *formDialog){
		"Escape":        func(b *browser, d *formDialog) { b.d.Emit(d, d.close) },
		"another page":  func(b *browser, _ *formDialog) { b.visit("/sync") },
		"another field": func(b *browser, _ *formDialog) { b.click("Change email") },
		"the dialog":    func(b *browser, _ *formDialog) { b.click("Edit Ann Lee") },
	}
	for name, how := range leave {
		t.Run(name, func(t *testing.T) {
			b := open(t, "/")
			id := b.add("Ann Lee", "ann@example.org")
			b.visit("/users/" + id)
			b.click("Change bio")
			how(b, b.writes("North"))
			b.untilText("What you typed is kept.")
			if name == "another field" {
				if d := inPlace(b); d.Field != "email" {
					t.Errorf("%s is edited", d.Field)
				}
			}
			b.click("Continue")
			b.until("the dialog", func() bool { return b.device.ModalOpen(formID) })
			b.until("the text", func() bool { return b.device.values["user-bio"] == "North" })
		})
	}
}

func TestCancelCanBeUndone(t *testing.T) {
	b := open(t, "/")
	b.click("Add user")
	b.click("Cancel")
	b.closeDialogs()
	if strings.Contains(text(b.root), "thrown away") {
		t.Error("nothing was typed")
	}
	b.click("Add user")
	b.fill(map[string]string{"name": "Ann Lee"})
	b.click("Cancel")
	b.closeDialogs()
	b.untilText("What you typed was thrown away")
	b.click("Undo")
	b.until("the dialog", func() bool { return b.device.ModalOpen(formID) })
	b.until("the text", func() bool { return b.device.values["user-name"] == "Ann Lee" })
}

func TestConflictIsDecidedByField(t *testing.T) {
	b := open(t, "/sync")
	id := b.add("Ann Lee", "ann@example.org")
	b.conflict(id)
	b.click("Choose by field")
	b.untilText("Choose what stays")
	if b.has("label", "Name") {
		t.Error("it offers a field that nobody disputes")
	}
	b.until("the form", func() bool { return b.device.ModalOpen(formID) })
	for name, want := range map[string]string{"Before\nempty": "", "Theirs\nSouth hall": "South hall", "Mine\nNorth hall": "North hall"} {
		b.click(name)
		if got := b.device.values["user-bio"]; got != want {
			t.Errorf("%s puts %q into the field", name, got)
		}
	}
	b.fill(map[string]string{"bio": "Both halls"})
	b.submit()
	b.untilText("Nothing left to review.")
	if user, err := b.users.Get(t.Context(), id); err != nil || user.Value.Bio != "Both halls" {
		t.Errorf("saved %+v, %v", user.Value, err)
	}
	// It stays on record, and can be decided anew.
	b.visit("/users/" + id)
	b.untilText("Reviewed.")
	b.click("Use mine")
	b.until("the other value", func() bool {
		user, err := b.users.Get(t.Context(), id)
		return err == nil && user.Value.Bio == "North hall"
	})
}
