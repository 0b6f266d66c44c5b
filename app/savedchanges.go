package app

import (
	"context"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/repository"
)

// ChangesFile saves the queue to a file, and reads one.
type ChangesFile interface {
	// SaveChanges saves the operations in the queue to a file of the person's, and
	// returns how many there are. Call it in a gesture of the person.
	SaveChanges(ctx context.Context) (int, error)
	// ReadFile reads the file that was chosen in the input with this id.
	ReadFile(ctx context.Context, id string) ([]byte, error)
}

// takeInID is the input that a file of saved changes is chosen in.
const takeInID = "take-in"

// saveChanges saves what waits to a file, on a gesture of the person.
func (s *session) saveChanges() {
	var n int
	s.async(func(ctx context.Context) (err error) {
		n, err = s.ChangesFile.SaveChanges(ctx)
		return err
	}, func(err error) {
		switch {
		case err != nil:
			s.showFailure(tr("The changes were not saved to a file. {0}", errorText(err)))
		case n == 0:
			s.showToast(toast{text: tr("Nothing waits to be sent, so there is nothing to save to a file")})
		default:
			s.showToast(toast{text: trn(n, "{n} change saved to a file", "{n} changes saved to a file")})
		}
	})
}

// takeIn puts the changes of the chosen file back into the queue.
func (s *session) takeIn() {
	var done repository.TakenIn
	s.async(func(ctx context.Context) error {
		file, err := s.ChangesFile.ReadFile(ctx, takeInID)
		if err != nil {
			return err
		}
		done, err = s.Outbox.TakeIn(ctx, file)
		return err
	}, func(err error) {
		if err != nil {
			s.showFailure(tr("The file was not loaded. {0}", errorText(err)))
			return
		}
		s.showToast(toast{text: takenInWords(done)})
	})
}

// takenInWords says what became of the changes in a file.
func takenInWords(t repository.TakenIn) string {
	var words []string
	add := func(n int, text string) {
		if n > 0 {
			words = append(words, text)
		}
	}
	add(t.Taken, trn(t.Taken, "{n} change was loaded.", "{n} changes were loaded."))
	add(t.Known, trn(t.Known, "{n} change was here already, or had been sent.", "{n} changes were here already, or had been sent."))
	add(t.HeldBack, trn(t.HeldBack, "{n} change has to wait: its user has other changes that are not sent yet. Load the file again after that.",
		"{n} changes have to wait: their users have other changes that are not sent yet. Load the file again after that."))
	add(t.Unreadable, trn(t.Unreadable, "{n} change of the file can't be read.", "{n} changes of the file can't be read."))
	if len(words) == 0 {
		return tr("There are no changes in this file.")
	}
	return inARow(words...)
}

// renderDamaged tells of changes that this device has not kept as they were made.
func (p *syncPage) renderDamaged() ui.UI {
	drop := func(ui.Context, ui.Event) {
		p.decide(trLater("The damaged changes were not removed. {0}"), p.S.Outbox.DropDamaged)
	}
	return section("damaged-title", tr("Damaged changes"), p.outbox.damaged,
		ui.P().Text(trn(p.outbox.damaged, "This device's storage has damaged {n} change made here. What was damaged can't be sent. Save the changes to a file: it has what is left of them. Make them again, then remove them here.",
			"This device's storage has damaged {n} changes made here. What was damaged can't be sent. Save the changes to a file: it has what is left of them. Make them again, then remove them here.")),
		ui.P().Body(
			ui.Button().Type("button").Class("button").Text(tr("Save changes to a file")).OnClick(func(ui.Context, ui.Event) { p.S.saveChanges() }),
			ui.Text(" "),
			ui.Button().Type("button").Class("button").Text(tr("Remove damaged changes")).OnClick(drop)))
}

// renderChangesFile offers the way of the queue into a file, and back.
func (p *syncPage) renderChangesFile() []ui.UI {
	save := ui.P().Body(ui.Button().Type("button").Class("button").Text(tr("Save changes to a file")).
		OnClick(func(ui.Context, ui.Event) { p.S.saveChanges() }))
	return []ui.UI{
		quiet(tr("Changes that are waiting to be sent can be saved to a file and loaded again, here or on another device. Each is applied only once.")),
		// Nothing is stored that the file could be made of when the data are in this page.
		ui.If(!p.S.storageState.Volatile, save),
		ui.Div().Class("field").Body(
			ui.Label().For(takeInID).Text(tr("Load changes from a file")),
			ui.Input().ID(takeInID).Type("file").Accept(".json,application/json").
				OnChange(func(ui.Context, ui.Event) { p.S.takeIn() })),
	}
}
