package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("saving: %w", queue.ErrQuota), "This device has no room left for Rollcall's data. Free some space, then try again."},
		{repository.ErrNotFound, "This user no longer exists."},
		{&api.Problem{Title: "Conflict", Code: api.CodeEmailTaken}, "Another user already has this email."},
		{&api.Problem{Title: "The server is busy", Detail: "try later", Code: api.CodeUnavailable}, "The server is busy: try later."},
		{errors.New("the sync worker does not answer; reload the page"), "The sync worker does not answer; reload the page."},
	} {
		if got := errorText(c.err); got != c.want {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}

// Every failure of a store is explained to the person, and no form loses its text.
func TestEveryStorageFailureIsExplained(t *testing.T) {
	for _, err := range []error{
		queue.ErrQuota, queue.ErrBlocked, queue.ErrOutdated, queue.ErrClosed, queue.ErrUnavailable,
		queue.ErrTimeout, queue.ErrUncertain, queue.ErrMissing, queue.ErrGone, queue.ErrFrozen,
	} {
		if got := errorText(fmt.Errorf("save: %w", err)); got == sentence("save: "+err.Error()) {
			t.Errorf("%v is shown as %q", err, got)
		}
		if got := saveErrorText(err, false); !strings.Contains(got, "What you typed is kept.") {
			t.Errorf("%v: a form says %q", err, got)
		}
	}
	uncertain := fmt.Errorf("%w: %w", queue.ErrUncertain, queue.ErrTimeout)
	for got, want := range map[string]string{
		saveErrorText(uncertain, false):         "The browser did not confirm that this was saved. What you typed is kept. Press Save again: nothing is saved twice.",
		notDeleted.text("Ann", uncertain):       "The browser did not confirm that Ann was deleted. Check the list before you try again.",
		notDeleted.text("Ann", queue.ErrClosed): "Ann was not deleted. The browser closed the connection to its storage. Try again, or reload the page.",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
