package app

import (
	"context"
	"errors"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// explanations say what a storage failure means to a person, and what helps.
var explanations = []struct {
	err  error
	text string
}{
	{queue.ErrQuota, "This device has no room left for Rollcall's data. Free some space, then try again."},
	{queue.ErrBlocked, "Another tab still has an older version of Rollcall open. Close the other tabs of Rollcall, then try again."},
	{queue.ErrOutdated, "A newer version of Rollcall has updated the data on this device."},
	{queue.ErrUncertain, "The browser did not confirm that it saved. Check before you try again."},
	{queue.ErrTimeout, "The browser's storage did not answer in time. Try again, or reload the page."},
	{queue.ErrClosed, "The browser closed the connection to its storage. Try again, or reload the page."},
	{queue.ErrUnavailable, "This browser window does not let Rollcall store anything. If it is a private window, use a normal one."},
	{queue.ErrMissing, "This user no longer exists."},
	{queue.ErrExists, "This user is already there."},
	{queue.ErrGone, "This change is no longer in the queue: it was sent or replaced."},
	{queue.ErrFrozen, "This change may already have reached the server, so it can't be undone here."},
	{repository.ErrNotFound, "This user no longer exists."},
	{repository.ErrNotReachable, "This user is not on this device, and the server can't be reached."},
	{context.DeadlineExceeded, "That took too long. Try again."},
}

// errorText explains an error to a person, in sentences.
func errorText(err error) string {
	var p *api.Problem
	if errors.As(err, &p) {
		return problemText(p)
	}
	for _, e := range explanations {
		if errors.Is(err, e.err) {
			return e.text
		}
	}
	return sentence(err.Error())
}

// saveErrorText explains why a form was not saved, or may not have been.
// reload says that reloading the page helps.
func saveErrorText(err error, reload bool) string {
	if errors.Is(err, queue.ErrUncertain) {
		return "The browser did not confirm that this was saved. What you typed is kept. Press Save again: nothing is saved twice."
	}
	text := "Not saved. " + errorText(err)
	if reload {
		text += " Reload to continue."
	}
	return text + " What you typed is kept."
}

// actionErrorText explains why something was not done to a user, or may not have been.
func actionErrorText(name, done string, err error) string {
	if errors.Is(err, queue.ErrUncertain) {
		return "The browser did not confirm that " + name + " was " + done + ". Check the list before you try again."
	}
	return name + " was not " + done + ". " + errorText(err)
}

// problemText explains a server's problem to a person, in sentences.
func problemText(p *api.Problem) string {
	switch p.Code {
	case api.CodeEmailTaken:
		return "Another user already has this email."
	case api.CodeSignIn:
		return "Sign in to sync."
	case api.CodeClientTooOld:
		return "This version is too old to sync. Reload to get the newest one. Changes are kept on this device."
	}
	return sentence(p.Error())
}
