package app

import (
	"context"
	"errors"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// explanations are what storage failures mean to a person, and what helps.
var explanations = []struct {
	err  error
	text string
}{
	{queue.ErrQuota, "This device has no room left for Rollcall's data. Free some space, then try again."},
	{queue.ErrBlocked, "Another tab holds an older version of Rollcall open. Close the other tabs of Rollcall, then try again."},
	{queue.ErrOutdated, "A newer version of Rollcall has updated the data on this device. Reload to go on."},
	{queue.ErrUncertain, "The browser's storage did not say whether it saved. Look before you try again."},
	{queue.ErrTimeout, "The browser's storage did not answer in time. Try again, or reload the page."},
	{queue.ErrClosed, "The browser closed the connection to its storage. Try again, or reload the page."},
	{queue.ErrUnavailable, "This browser window does not let Rollcall store anything. Private windows often don't; use a normal one."},
	{queue.ErrMissing, "This user does not exist any more."},
	{queue.ErrGone, "This change has left the queue meanwhile: it was sent or replaced."},
	{queue.ErrFrozen, "This change may have reached the server already, so it can't be taken back here."},
	{repository.ErrNotFound, "This user does not exist any more."},
	{repository.ErrNotReachable, "This user is not on this device, and the server can't be reached."},
	{context.DeadlineExceeded, "It took too long. Try again."},
}

// explain makes a sentence for a person of an error.
func explain(err error) string {
	var p *api.Problem
	if errors.As(err, &p) {
		return problemText(p)
	}
	for _, e := range explanations {
		if errors.Is(err, e.err) {
			return e.text
		}
	}
	return asSentence(err.Error())
}

// notSaved says to a person at a form why it was not saved, and that nothing they
// typed is lost. Of a write that may have been saved it says that, and what to do.
func notSaved(err error) string {
	if errors.Is(err, queue.ErrUncertain) {
		return "The browser did not say whether this was saved. What you typed is kept. Press Save again: nothing is saved twice."
	}
	return "Not saved. " + explain(err) + " What you typed is kept."
}

// notDone says that something did not happen to a user, or may not have.
func notDone(name, what string, err error) string {
	if errors.Is(err, queue.ErrUncertain) {
		return "The browser did not say whether " + name + " was " + what + ". The list shows it; try again if not."
	}
	return name + " was not " + what + ". " + explain(err)
}

// problemText makes a sentence for a person of a problem.
func problemText(p *api.Problem) string {
	switch p.Code {
	case api.CodeEmailTaken:
		return "Another user has this email already."
	case api.CodeSignIn:
		return "Sign in to sync."
	}
	return asSentence(p.Error())
}
