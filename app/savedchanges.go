package app

import (
	"context"
	"strings"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/repository"
)

// takeInID is the input that a file of saved changes is chosen in.
const takeInID = "take-in"

// saveChanges saves what waits to a file, on a gesture of the person.
func (s *session) saveChanges() {
	var n int
	s.write(func(ctx context.Context) (err error) {
		n, err = s.Device.SaveChanges(ctx)
		return err
	}, func(err error) {
		switch {
		case err != nil:
			s.toast(toast{text: "The changes were not saved to a file. " + explain(err), bad: true})
		case n == 0:
			s.toast(toast{text: "Nothing waits to be sent, so there is nothing to save to a file"})
		default:
			s.toast(toast{text: plural(n, "change") + " saved to a file"})
		}
	})
}

// takeIn puts the changes of the chosen file back into the queue.
func (s *session) takeIn() {
	var done repository.TakenIn
	s.write(func(ctx context.Context) error {
		file, err := s.Device.ReadFile(ctx, takeInID)
		if err != nil {
			return err
		}
		done, err = s.Outbox.TakeIn(ctx, file)
		return err
	}, func(err error) {
		if err != nil {
			s.toast(toast{text: "The file was not taken in. " + explain(err), bad: true})
			return
		}
		s.toast(toast{text: takenInWords(done)})
	})
}

// takenInWords says what became of the changes in a file.
func takenInWords(t repository.TakenIn) string {
	var words []string
	add := func(n int, one, more string) {
		switch {
		case n == 1:
			words = append(words, "1 change "+one)
		case n > 1:
			words = append(words, plural(n, "change")+" "+more)
		}
	}
	add(t.Taken, "was taken in.", "were taken in.")
	add(t.Known, "was here already, or had been sent.", "were here already, or had been sent.")
	add(t.HeldBack, "has to wait: its user has other changes that are not sent yet. Take the file in again after that.",
		"have to wait: their users have other changes that are not sent yet. Take the file in again after that.")
	add(t.Unreadable, "of the file can't be read.", "of the file can't be read.")
	if len(words) == 0 {
		return "There are no changes in this file."
	}
	return strings.Join(words, " ")
}

// renderSavedChanges offers the way of the queue into a file, and back.
func (p *syncPage) renderSavedChanges() ui.UI {
	return ui.Div().Class("saved-changes").Body(
		ui.P().Class("quiet").Text("Changes that wait to be sent can be saved to a file, and taken in again here or on another device. Each counts once."),
		// In a page's memory nothing is kept that the file could be made of.
		ui.If(!p.S.storageState.Volatile, ui.P().Body(ui.Button().Type("button").Class("button").Text("Save changes to a file").
			OnClick(func(ui.Context, ui.Event) { p.S.saveChanges() }))),
		ui.Label().For(takeInID).Text("Take in changes from a file"),
		ui.Input().ID(takeInID).Type("file").Accept(".json,application/json").
			OnChange(func(ui.Context, ui.Event) { p.S.takeIn() }),
	)
}
