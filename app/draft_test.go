package app

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/repository"
)

func TestDraftsAreBounded(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	texts := map[string]string{"broken": "{", "empty": "{}", "another form's": `{"values": null}`}
	add := func(key string, age time.Duration) {
		text, err := json.Marshal(draft{User: "u", Values: map[string]string{"name": key}, At: now.Add(-age)})
		if err != nil {
			t.Fatal(err)
		}
		texts[key] = string(text)
	}
	for i := range maxDrafts + 2 {
		add(fmt.Sprintf("draft %02d", i), time.Duration(i)*time.Minute)
	}
	drafts, drop := sortDrafts(texts)
	if len(drafts) != maxDrafts || drafts[0].Key != "draft 00" || drafts[0].Values["name"] != "draft 00" {
		t.Errorf("%d are kept, the first is %+v", len(drafts), drafts[0])
	}
	if len(drop) != len(texts)-maxDrafts {
		t.Errorf("dropped are %q", drop)
	}
}

func TestATypedTextIsOfferedAfterACrash(t *testing.T) {
	b := open(t, "/")
	id := b.add("Ann Lee", "ann@example.org")
	b.untilText("Ann Lee")
	b.click("Edit Ann Lee")
	b.fill(map[string]string{"bio": "Half"})
	b.until("the draft", func() bool { return len(b.device.drafts) == 1 })
	b.fill(map[string]string{"bio": "Half a sent"})
	b.device.hides <- struct{}{} // it need not wait for the delay
	b.until("the rest of it", func() bool {
		for _, text := range b.device.drafts {
			var d draft
			return json.Unmarshal([]byte(text), &d) == nil && d.Values["bio"] == "Half a sent"
		}
		return false
	})
	b.device.crash()

	// Meanwhile somebody changes what was typed over.
	bio := "Theirs"
	ann, err := b.users.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.users.Update(t.Context(), ann, api.UserPatch{Bio: &bio}); err != nil {
		t.Fatal(err)
	}
	again := &browser{t: t, store: b.store, users: b.users, engine: b.engine, device: b.device}
	again.start(dependencies(b.users, b.device))
	again.visit("/")
	again.untilText("You were editing Ann Lee")
	again.click("Edit Ann Lee")
	again.untilText("did not save it")
	if b.device.values["user-bio"] != "Theirs" {
		t.Errorf("it was restored unasked over %q", b.device.values["user-bio"])
	}
	form := component[*formDialog](again)
	again.d.Emit(form, func() { form.continueDraft(contextOf(again), ui.Event{}) })
	again.untilText("Changed meanwhile to “\nTheirs")
	if b.device.values["user-bio"] != "Half a sent" {
		t.Errorf("the form holds %q", b.device.values["user-bio"])
	}
	if form.was().Value.Bio != "" {
		t.Errorf("what the person saw was %q, not an empty bio", form.was().Value.Bio)
	}
	again.submit()
	again.until("the save", func() bool {
		r, err := b.users.Get(t.Context(), id)
		return err == nil && r.Value.Bio == "Half a sent" && len(b.device.drafts) == 0
	})
	again.untilGone("What you typed is kept")
}

// crashedOnAnn is a browser whose tab crashed while Ann was edited.
func crashedOnAnn(t *testing.T) (b *browser, id string) {
	t.Helper()
	b = open(t, "/")
	id = b.add("Ann Lee", "ann@example.org")
	b.untilText("Ann Lee")
	b.click("Edit Ann Lee")
	b.fill(map[string]string{"bio": "Half"})
	b.until("the draft", func() bool { return len(b.device.drafts) == 1 })
	b.device.crash()
	return b, id
}

// again opens another tab of the browser, whose users may be others.
func (b *browser) again(users Users) *browser {
	next := &browser{t: b.t, store: b.store, users: b.users, engine: b.engine, device: b.device}
	d := dependencies(b.users, b.device)
	d.Users = users
	next.start(d)
	next.visit("/")
	return next
}

// TestAnOfferThatComesLateIsShown: nothing else renders the form of a new user again.
func TestAnOfferThatComesLateIsShown(t *testing.T) {
	b := open(t, "/")
	b.click("Add user")
	b.fill(map[string]string{"name": "Ann"})
	b.until("the draft", func() bool { return len(b.device.drafts) == 1 })
	b.device.crash()
	next := b.again(b.users)
	next.untilText("You were adding Ann")
	next.click("Add user")
	next.untilText("did not save it")
}

func TestAClockOfNextYearTakesNoText(t *testing.T) {
	b, _ := crashedOnAnn(t)
	for key, text := range b.device.drafts {
		var d draft
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		d.At = d.At.AddDate(-1, 0, 0)
		aged, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		b.device.drafts[key] = string(aged)
	}
	next := b.again(b.users)
	next.untilText("Ann Lee")
	next.untilGone("What you typed is kept") // nobody is pestered with it
	next.click("Edit Ann Lee")
	next.untilText("did not save it")
}

// A user who can't be read now must not be made a second time.
func TestATextWaitsForItsUser(t *testing.T) {
	b, _ := crashedOnAnn(t)
	next := b.again(lacking{b.users, repository.ErrNotReachable})
	next.untilText("You were editing Ann Lee")
	next.click("Continue")
	next.untilText("can't be opened now")
	next.untilText("You were editing Ann Lee")
	if b.device.ModalOpen(formID) || len(b.device.drafts) != 1 {
		t.Errorf("a form is open: %v; drafts: %v", b.device.ModalOpen(formID), b.device.drafts)
	}
	gone := b.again(lacking{b.users, repository.ErrNotFound})
	gone.untilText("You were editing Ann Lee")
	gone.click("Continue")
	gone.untilText("Your text is in the form for a new user")
	gone.until("the form", func() bool { return b.device.ModalOpen(formID) })
	if b.device.values["user-bio"] != "Half" {
		t.Errorf("the form holds %v", b.device.values)
	}
}

func TestCancelDropsTheTextAndEscapeKeepsIt(t *testing.T) {
	b := open(t, "/")
	b.click("Add user")
	b.fill(map[string]string{"name": "Ann"})
	b.d.Emit(component[*formDialog](b), func() { b.device.CloseModal(formID) }) // as Escape does
	b.d.Consume()
	b.closeDialogs()
	b.untilText("You were adding Ann. What you typed is kept.")
	b.click("Continue")
	b.until("the form", func() bool { return b.device.ModalOpen(formID) })
	if b.device.values["user-name"] != "Ann" {
		t.Errorf("the form holds %v", b.device.values)
	}
	b.click("Cancel")
	b.closeDialogs()
	b.untilGone("What you typed is kept")
	if len(b.device.drafts) != 0 {
		t.Errorf("there are still %v", b.device.drafts)
	}
}

func TestLeavingIsGuardedWhereNothingBringsTheTextBack(t *testing.T) {
	for name, prepare := range map[string]func(*device){
		"no storage for drafts": func(d *device) { d.noDrafts = true },
		"volatile":              func(d *device) { d.setStorageState(StorageState{Volatile: true}) },
	} {
		b := open(t, "/")
		prepare(b.device)
		b.click("Add user")
		b.settle()
		if b.device.guarded {
			t.Errorf("%s: it asks before anything was typed", name)
		}
		b.fill(map[string]string{"name": "Ann"})
		b.until(name+": the guard", func() bool { return b.device.guarded })
		b.click("Cancel")
		b.closeDialogs()
		b.until(name+": the guard to go", func() bool { return !b.device.guarded })
	}
}
