package app

import (
	"context"
	"errors"
	"strconv"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// explanations say what a storage failure means to a person, and what helps.
var explanations = []struct {
	err  error
	text string
}{
	{queue.ErrQuota, trLater("This device has no room left for Rollcall's data. Free some space, then try again.")},
	{queue.ErrBlocked, trLater("Another tab still has an older version of Rollcall open. Close the other tabs of Rollcall, then try again.")},
	{queue.ErrOutdated, trLater("A newer version of Rollcall has updated the data on this device.")},
	{queue.ErrUncertain, trLater("The browser did not confirm that it saved. Check before you try again.")},
	{queue.ErrTimeout, trLater("The browser's storage did not answer in time. Try again, or reload the page.")},
	{queue.ErrClosed, trLater("The browser closed the connection to its storage. Try again, or reload the page.")},
	{queue.ErrUnavailable, trLater("This browser window does not let Rollcall store anything. If it is a private window, use a normal one.")},
	{queue.ErrMissing, trLater("This user no longer exists.")},
	{queue.ErrExists, trLater("This user is already there.")},
	{queue.ErrGone, trLater("This change is no longer in the queue: it was sent or replaced.")},
	{queue.ErrFrozen, trLater("This change may already have reached the server, so it can't be undone here.")},
	{repository.ErrNotFound, trLater("This user no longer exists.")},
	{repository.ErrNotReachable, trLater("This user is not on this device, and the server can't be reached.")},
	{context.DeadlineExceeded, trLater("That took too long. Try again.")},
}

// errorText explains an error to a person, in sentences.
func errorText(err error) string {
	var p *api.Problem
	if errors.As(err, &p) {
		return problemText(p)
	}
	for _, e := range explanations {
		if errors.Is(err, e.err) {
			return tr(e.text)
		}
	}
	return unexpected(sentence(err.Error()))
}

// unexpected shows an English text that may have no translation: then behind a sentence that says what it is.
func unexpected(english string) string {
	if text := tr(english); text != english || language.Code() == "en" {
		return text
	}
	return tr("Rollcall did not expect this: {0}", isolate(english))
}

// saveErrorText explains why a form was not saved, or may not have been.
// reload says that reloading the page helps.
func saveErrorText(err error, reload bool) string {
	switch {
	case errors.Is(err, queue.ErrUncertain):
		return tr("The browser did not confirm that this was saved. What you typed is kept. Press Save again: nothing is saved twice.")
	case reload:
		return tr("Not saved. {0} Reload to continue. What you typed is kept.", errorText(err))
	}
	return tr("Not saved. {0} What you typed is kept.", errorText(err))
}

// notDone is what was not done to a user, as it is said, and if nobody knows.
type notDone struct{ failed, uncertain string }

var (
	notSaved = notDone{trLater("{0} was not saved. {1}"),
		trLater("The browser did not confirm that {0} was saved. Check the list before you try again.")}
	notDeleted = notDone{trLater("{0} was not deleted. {1}"),
		trLater("The browser did not confirm that {0} was deleted. Check the list before you try again.")}
	notRestored = notDone{trLater("{0} was not restored. {1}"),
		trLater("The browser did not confirm that {0} was restored. Check the list before you try again.")}
)

// text explains why something was not done to a user, or may not have been.
func (n notDone) text(name string, err error) string {
	if errors.Is(err, queue.ErrUncertain) {
		return tr(n.uncertain, name)
	}
	return tr(n.failed, name, errorText(err))
}

// problemText explains a server's problem to a person, in sentences. Of one whose details are not
// known in the person's language, the title says enough.
func problemText(p *api.Problem) string {
	switch p.Code {
	case api.CodeEmailTaken:
		return tr("Another user already has this email.")
	case api.CodeClientTooOld:
		return tr("This version is too old to sync. Reload to get the newest one. Changes are kept on this device.")
	case api.CodeInvalid:
		if len(p.Errors) > 0 {
			return fieldErrorsText(p)
		}
	}
	whole, title := sentence(p.Error()), sentence(p.Title)
	if text := tr(whole); text != whole {
		return text
	}
	if text := tr(title); text != title {
		return text
	}
	return unexpected(whole)
}

// fieldErrorsText is a problem with fields.
func fieldErrorsText(p *api.Problem) string {
	texts := []string{tr(sentence(p.Title))}
	for _, e := range p.Errors {
		texts = append(texts, tr("{0}.", fieldErrorText(fieldLabel(e.Field), e.Detail)))
	}
	return inARow(texts...)
}

// fieldErrorText says what is wrong with a field.
func fieldErrorText(label, detail string) string {
	sentence, found := api.FieldError{Detail: detail}.Sentence()
	args := []string{label}
	for _, text := range found {
		if n, err := strconv.Atoi(text); err == nil {
			text = language.Number(n)
		}
		args = append(args, text)
	}
	return tr(sentence, args...)
}
