//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// leftNoEntry waits until no dialog's entry is the tab's place in its history.
func (d directory) leftNoEntry() {
	d.t.Helper()
	harness.Eventually(d.t, "the dialogs have left no entries", func() error {
		return harness.Equal("a dialog's entry", harness.Eval[bool](d.Page, `history.state?.rollcallDialog === true`), false)
	})
}

// cancelling presses the open form's Cancel, and then calls a function once the dialog
// has closed.
const cancelling = `const closing = (then) => {
	const form = document.querySelector("dialog[open]");
	new MutationObserver((_, observer) => {
		if (form.open) return;
		observer.disconnect();
		then();
	}).observe(form, { attributes: true });
	[...form.querySelectorAll("button")].find((b) => b.innerText.trim() === "Cancel").click();
};`

// afterBack calls a function once a step back is under way.
const afterBack = `(then) => {
	history.back = () => {
		delete history.back;
		history.back();
		then();
	};
}`

// TestALinkRightAfterADialogIsFollowed: a link that is pressed while the entry of a dialog
// is being left, at any moment of that.
func TestALinkRightAfterADialogIsFollowed(t *testing.T) {
	everywhere(t, aLinkRightAfterADialogIsFollowed)
}

func aLinkRightAfterADialogIsFollowed(t *testing.T, b browser) {
	_, users := openThreeIn(t, b)
	for _, when := range []string{"then => then()", "queueMicrotask", "then => setTimeout(then)", "then => setTimeout(then, 2)", "then => setTimeout(then, 10)", afterBack} {
		users.Click("button", "Edit Ann Archer")
		users.See("dialog", "Edit user")
		harness.Eval[bool](users.Page, fmt.Sprintf(`(() => {
			%s
			const link = [...document.querySelectorAll("a")].find((a) => a.innerText.trim() === "Bob Baker");
			closing(() => (%s)(() => link.click()));
			return true;
		})()`, cancelling, when))
		users.See("heading", "Bob Baker")
		users.leftNoEntry()
		harness.Eventually(t, "the address is Bob's", func() error {
			if path := harness.Eval[string](users.Page, `location.pathname`); path == "/" {
				return errors.New("it is the list's")
			}
			return nil
		})
		if !users.Has("heading", "Bob Baker") {
			t.Fatalf("%s: the page has gone again", when)
		}
		users.back()
		users.See("button", "Edit Ann Archer")
		users.leftNoEntry()
	}
}

// TestADialogThatClosesEndsNoNavigation: the person has pressed Save, and then a bookmark
// or F5, before the dialog closes.
func TestADialogThatClosesEndsNoNavigation(t *testing.T) {
	everywhere(t, aDialogThatClosesEndsNoNavigation)
}

func aDialogThatClosesEndsNoNavigation(t *testing.T, b browser) {
	site, users := openThreeIn(t, b)
	closed := make(chan struct{})
	closeOnce := sync.OnceFunc(func() { close(closed) })
	site.Proxy.Portal(func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/elsewhere":
			select {
			case <-closed:
				_, _ = w.Write([]byte("Elsewhere")) // the browser may be gone
			case <-r.Context().Done():
			}
		case "/closed":
			closeOnce()
		default:
			return false
		}
		return true
	})
	users.Click("button", "Edit Ann Archer")
	users.See("dialog", "Edit user")
	if _, ok := b.(*harness.WebKit); ok {
		closeOnce() // it runs no timers of a page that is being left
	}
	// What the closing brings about has half a second for it.
	harness.Eval[bool](users.Page, fmt.Sprintf(`(() => {
		%s
		addEventListener("beforeunload", () => setTimeout(closing, 100, () => setTimeout(fetch, 500, "/closed")));
		return true;
	})()`, cancelling))
	users.Go("/elsewhere")
	users.SeeText("Elsewhere")
}
