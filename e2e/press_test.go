//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall/rollcall/e2e/harness"
)

// names are the names of the list, from top to bottom.
func (d directory) names() []string {
	d.t.Helper()
	return harness.Eval[[]string](d.Page, `[...document.querySelectorAll("main [role=list] > li .row-name")].map((a) => a.textContent)`)
}

// reads waits for a list in this order.
func (d directory) reads(names ...string) {
	d.t.Helper()
	harness.Eventually(d.t, "the list is in order", func() error {
		return harness.Equal("the list", fmt.Sprint(d.names()), fmt.Sprint(names))
	})
	if !harness.Eval[bool](d.Page, numbered) {
		d.t.Error("the rows don't say where they are in the list")
	}
}

const numbered = `[...document.querySelectorAll("main [role=list] > li")].every((li, i, all) =>
	li.getAttribute("aria-posinset") === String(i + 1) && li.getAttribute("aria-setsize") === String(all.length))`

const focusedName = `document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id ?? ""`

func (d directory) focusIsOn(name string) {
	d.t.Helper()
	harness.Eventually(d.t, "the focus is on "+name, func() error {
		return harness.Equal("the focused element", harness.Eval[string](d.Page, focusedName), name)
	})
}

func TestFocusStaysWithItsRow(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, bob, carl := addThree(site)
	users := openUsers(t, harness.OpenMovingBrowser(t), site.URL())
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	harness.Eval[bool](users.Page, `(document.querySelector('[aria-label="Delete Carl Cole"]').focus(), true)`)
	aaron := site.Add(harness.Person{Name: "Aaron Abel", Email: "aaron@example.org"})
	users.reads("Aaron Abel", "Ann Archer", "Bob Baker", "Carl Cole")
	users.focusIsOn("Delete Carl Cole")
	// It moves itself, others move across it, and one goes.
	site.Change(ann, map[string]string{"name": "Zoe Zimmer"})
	site.Change(aaron, map[string]string{"name": "Dora Dent"})
	site.Remove(bob)
	users.reads("Carl Cole", "Dora Dent", "Zoe Zimmer")
	users.focusIsOn("Delete Carl Cole")
	// It is renamed.
	site.Change(carl, map[string]string{"name": "Carl Cooper"})
	users.reads("Carl Cooper", "Dora Dent", "Zoe Zimmer")
	users.focusIsOn("Delete Carl Cooper")
	users.Press(kb.Enter)
	users.SeeText("Deleted Carl Cooper")
	users.reads("Dora Dent", "Zoe Zimmer")
	// The same key again must not delete the next.
	users.focusIsOn("main")
	users.Press(kb.Enter)
	users.matchesServer(site)
	if got := len(site.Rows()); got != 2 {
		t.Errorf("the server has %d users", got)
	}
}

// What is pressed is what was under the finger when it went down, though the rows above
// have gone before it is lifted, or others have come.
func TestPressBelongsToTheRowThatWasUnderTheFinger(t *testing.T) {
	t.Parallel()
	for _, touch := range []bool{false, true} {
		for _, comes := range []bool{false, true} {
			t.Run(fmt.Sprintf("touch %v, a row comes %v", touch, comes), func(t *testing.T) {
				site := harness.NewSite(t, binary(t))
				ann, _, _ := addThree(site)
				users := openUsers(t, harness.OpenMovingBrowser(t), site.URL())
				if touch {
					users.Emulate(harness.Screen{Width: 390, Height: 844, Phone: true})
				}
				users.reads("Ann Archer", "Bob Baker", "Carl Cole")
				at := users.Center("button", "Delete Bob Baker")
				users.Down(at, touch)
				left := []string{"Bob Baker", "Carl Cole"}
				if comes {
					site.Add(harness.Person{Name: "Aaron Abel", Email: "aaron@example.org"})
					left = []string{"Aaron Abel", "Ann Archer", "Bob Baker", "Carl Cole"}
				} else {
					site.Remove(ann)
				}
				users.reads(left...) // it is not held up for ever
				users.Up(at, touch)
				if touch {
					// A long touch is no press in Chromium: only nobody else may go.
					users.matchesServer(site)
					if _, ok := site.Row("Carl Cole"); !ok {
						t.Error("Carl is gone")
					}
					return
				}
				users.SeeText("Deleted Bob Baker")
				users.matchesServer(site)
				if got := len(site.Rows()); got != len(left)-1 {
					t.Errorf("the server has %d users", got)
				}
			})
		}
	}
}

// Nothing moves while the finger is down.
func TestRowsWaitForAPress(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsers(t, harness.OpenMovingBrowser(t), site.URL())
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	at := users.Center("button", "Delete Bob Baker")
	harness.Eval[bool](users.Page, `(() => {
		globalThis.moved = [];
		let down = 0;
		addEventListener("pointerdown", () => { down = performance.now(); }, true);
		new MutationObserver(() => moved.push(performance.now() - down)).observe(document.querySelector("main ul"), {childList: true});
		return true;
	})()`)
	users.Down(at, false)
	site.Remove(ann)
	harness.Eventually(t, "the row has gone", func() error {
		if harness.Eval[int](users.Page, `moved.length`) == 0 {
			return errors.New("it is still there")
		}
		return nil
	})
	if waited := harness.Eval[float64](users.Page, `moved[0]`); waited < 2900 {
		t.Errorf("the rows moved %.0f ms after the finger went down", waited)
	}
	users.Up(at, false)
	users.SeeText("Deleted Bob Baker")
}

// slowList is a list of two buttons of which the second takes the first one's place after
// a time in which the page answers nothing.
const slowList = `(() => {
	const list = document.body.appendChild(document.createElement("ul"));
	Object.assign(list.style, {position: "fixed", top: "0", left: "0", zIndex: "99", margin: "0", padding: "0"});
	globalThis.pressed = [];
	list.dataset.order = "A\nB";
	const items = ["A", "B"].map((name) => {
		const item = list.appendChild(document.createElement("li"));
		item.dataset.key = name;
		const button = item.appendChild(document.createElement("button"));
		button.textContent = name;
		button.addEventListener("click", () => pressed.push(name));
		return item;
	});
	addEventListener("pointerdown", (event) => { globalThis.downAt = event.timeStamp; }, true);
	globalThis.swap = (ms) => {
		globalThis.startedAt = globalThis.downAt = Infinity; // until they happen
		globalThis.swappedAt = 0;
		setTimeout(() => {
			globalThis.startedAt = performance.now();
			while (performance.now() < startedAt + ms);
			list.dataset.order = "B\nA";
			globalThis.swappedAt = performance.now();
		});
		return true;
	};
	return true;
})()`

// A page that is slow has put another row under the finger before it learns that the
// finger went down.
func TestPressOfASlowPageIsNotForWhatCameLater(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	users := openUsers(t, harness.OpenMovingBrowser(t), site.URL())
	harness.Eventually(t, "a press before the swap", func() error {
		users.Reload()
		users.See("heading", "Users")
		harness.Eval[bool](users.Page, slowList)
		at := users.Center("button", "A")
		harness.Eval[bool](users.Page, `swap(1500)`)
		users.Down(at, false)
		users.Up(at, false)
		if !harness.Eval[bool](users.Page, `downAt > startedAt && downAt < swappedAt`) {
			return errors.New("the press came too early or too late")
		}
		return nil
	})
	if got := harness.Eval[[]string](users.Page, `pressed`); len(got) > 0 {
		t.Errorf("pressed were %q", got)
	}
	at := users.Center("button", "B")
	users.Down(at, false)
	users.Up(at, false)
	if got := harness.Eval[[]string](users.Page, `pressed`); fmt.Sprint(got) != "[B]" {
		t.Errorf("pressed were %q, not B", got)
	}
}

// TestMessagesKeepOffWhatWasPressed: somebody who presses again, because nothing seems to have happened, means what
// was there before, not what a message offers.
func TestMessagesKeepOffWhatWasPressed(t *testing.T) {
	t.Parallel()
	for look, screen := range map[string]harness.Screen{"a small phone": {Width: 320, Height: 568, Phone: true}, "a low window": {Width: 1280, Height: 600}} {
		t.Run(look, func(t *testing.T) {
			site := harness.NewSite(t, binary(t))
			for n := range 30 {
				site.Add(harness.Person{Name: fmt.Sprintf("Person %02d", n), Email: fmt.Sprintf("p%02d@example.org", n)})
			}
			users := openUsersWith(t, harness.OpenMovingBrowser(t), site.URL(), offers)
			users.Emulate(screen)
			harness.Eval[bool](users.Page, `(offer("dismissed"), true)`)
			users.See("button", "Edit Person 00")
			keepsOff := func(what string, at harness.Point) {
				t.Helper()
				users.WaitAnimations()
				if under := harness.Eval[string](users.Page, fmt.Sprintf(`document.elementFromPoint(%f, %f)?.closest(".toast")?.textContent ?? ""`, at.X, at.Y)); under != "" {
					t.Errorf("where %s was is now: %s", what, under)
				}
				inside := harness.Eval[bool](users.Page, `[...document.querySelectorAll(".toast")].every((m) => {
					const { top, bottom } = m.getBoundingClientRect();
					return top >= 0 && bottom <= innerHeight;
				})`)
				if !inside {
					t.Errorf("after %s was pressed a message is off the screen", what)
				}
			}
			pressAt := func(at harness.Point) {
				users.Down(at, false)
				users.Up(at, false)
			}

			// The lowest of the rows that can be seen.
			last := harness.Eval[string](users.Page, `[...document.querySelectorAll("[id^=delete-]")].filter((b) => b.getBoundingClientRect().bottom < innerHeight - 2).at(-1).ariaLabel`)
			at := users.Center("button", last)
			pressAt(at)
			users.See("button", "Undo")
			keepsOff(last, at)
			users.Click("button", "Dismiss")

			users.Click("button", "Add user")
			users.See("dialog", "Add user")
			users.Fill("textbox", "Name", "Zoe Zimmer")
			users.Fill("textbox", "Email", "zoe@example.org")
			users.WaitAnimations()
			at = users.Center("button", "Save")
			pressAt(at)
			users.See("button", "Install app")
			keepsOff("Save", at)
			shoot(users, "message beside Save on "+look)
		})
	}
}
