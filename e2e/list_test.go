//go:build e2e

package e2e_test

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall/rollcall/e2e/harness"
)

const (
	markedTexts = `[...document.querySelectorAll("main mark")].map((m) => m.textContent)`
	query       = `decodeURIComponent(location.search)`
)

// eventually waits until an expression has a value.
func (d directory) eventually(what, expression, want string) {
	d.t.Helper()
	harness.Eventually(d.t, what, func() error {
		got, err := harness.TryEval[any](d.Page, expression)
		if err != nil {
			return err
		}
		return harness.Equal(what, fmt.Sprint(got), want)
	})
}

// pick takes an option of a select, as a person does.
func (d directory) pick(name, option string) {
	d.t.Helper()
	d.See("combobox", name)
	harness.Eval[bool](d.Page, fmt.Sprintf(`(() => {
		const select = document.querySelector('select[aria-label=%q]');
		select.value = [...select.options].find((o) => o.text === %q).value;
		select.dispatchEvent(new Event("change", {bubbles: true}));
		return true;
	})()`, name, option))
}

// TestSearchMarksWhatItFinds: without regard to case and accents, and in bios a little later.
func TestSearchMarksWhatItFinds(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	site.Add(harness.Person{Name: "José Núñez", Email: "nunez@example.org"})
	site.Add(harness.Person{Name: "Ann Archer", Email: "ann@example.org", Bio: "Has known many people for years, and sings with JOSE in the choir"})
	site.Add(harness.Person{Name: "Carl Cole", Email: "carl@example.org", Bio: "Keeps the books"})
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.reads("Ann Archer", "Carl Cole", "José Núñez")
	users.Fill("searchbox", "Search users", "jose")
	users.reads("Ann Archer", "José Núñez")
	users.eventually("the marks", markedTexts, "[JOSE José]")
	users.eventually("the place in the bio", `document.querySelector(".row-excerpt").textContent`, "…sings with JOSE in the choir")
	users.Fill("searchbox", "Search users", "nowhere")
	users.SeeText("No user's name, email or bio contains")
}

// TestTheAddressSaysWhatTheListShows: after Back, a reload, and for whoever gets the link.
func TestTheAddressSaysWhatTheListShows(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	for i, name := range []string{"Ann Archer", "Bob Baker", "Carl Cole"} {
		site.Add(harness.Person{Name: name, Email: fmt.Sprintf("%d@example.org", 9-i)})
	}
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	users.pick("Sort by", "By email")
	users.reads("Carl Cole", "Bob Baker", "Ann Archer")
	users.eventually("the address", query, "?sort=email")
	users.pick("Sort by", "Newest changes first")
	users.reads("Carl Cole", "Bob Baker", "Ann Archer")
	users.pick("Sort by", "By name, Z to A")
	users.eventually("the address", query, "?sort=-name")
	users.back()
	users.eventually("the address after Back", query, "?sort=-changed")
	users.eventually("the choice", `document.getElementById("list-sort").selectedOptions[0].text`, "Newest changes first")
	users.Fill("searchbox", "Search users", "example")
	users.eventually("the address while typing", query, "?q=example&sort=-changed")
	before := harness.Eval[int](users.Page, `history.length`)
	users.Fill("searchbox", "Search users", "ar")
	users.eventually("the address", query, "?q=ar&sort=-changed")
	if after := harness.Eval[int](users.Page, `history.length`); after != before {
		t.Errorf("typing made %d entries of the history", after-before)
	}
	users.reads("Carl Cole", "Ann Archer")
	users.Reload()
	users.reads("Carl Cole", "Ann Archer")
	if got := users.Value("searchbox", "Search users"); got != "ar" {
		t.Errorf("after a reload the search is %q", got)
	}
	other := directory{b.Open(site.URL() + "/?" + url.Values{"q": {"ar"}, "sort": {"-changed"}}.Encode()), t}
	other.reads("Carl Cole", "Ann Archer")
	users.pick("Changed", "Changed today")
	users.reads("Carl Cole", "Ann Archer")
	users.pick("State", "Pending")
	users.SeeText("No user's name, email or bio contains")
	users.Click("button", "Show all users")
	users.reads("Carl Cole", "Bob Baker", "Ann Archer")
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Bob Baker", harness.Person{Bio: "Bakes"})
	users.pick("State", "Pending")
	users.reads("Bob Baker")
}

// TestAWeekBeginsByTheClocksOfItsMonday, also when they have been changed since.
func TestAWeekBeginsByTheClocksOfItsMonday(t *testing.T) {
	t.Parallel()
	users := openUsers(t, harness.OpenBrowser(t), harness.NewSite(t, binary(t)).URL())
	users.Timezone("Europe/Vienna")
	for changed, want := range map[string]string{"today": "2026-03-28T23:00:00.000Z", "week": "2026-03-22T23:00:00.000Z"} {
		got := harness.Eval[string](users.Page, fmt.Sprintf(`new Date(rollcallLanguage.since(%q, Date.UTC(2026, 2, 29, 10))).toISOString()`, changed))
		if got != want { // the clocks went forward at 1:00 UTC
			t.Errorf("%s has begun at %s, want %s", changed, got, want)
		}
	}
}

// many adds people with names that begin with all letters.
func many(site *harness.Site, each int) {
	for _, letter := range "ABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		for i := range each {
			site.Add(harness.Person{Name: fmt.Sprintf("%c%02d Person", letter, i), Email: fmt.Sprintf("%c%d@example.org", letter, i)})
		}
	}
}

const firstVisible = `[...document.querySelectorAll("[data-total] > [data-key]")]
	.filter((row) => row.getBoundingClientRect().top >= document.querySelector(".search").getBoundingClientRect().bottom)
	.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)[0]?.querySelector(".row-name").textContent ?? ""`

func TestJumpByLetter(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	many(site, 4)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.SeeText("104 users")
	users.Emulate(screens["phone light"])
	users.eventually("what the letters cover", `(() => {
		const {left} = document.querySelector(".letters").getBoundingClientRect();
		return [...document.querySelectorAll(".page-head .button, .search .input, .list-tools, .rows")]
			.filter((e) => e.getBoundingClientRect().right > left).map((e) => e.className).join(", ");
	})()`, "")
	users.Emulate(screens["desktop light"])
	users.pick("Jump to a letter", "Q")
	users.eventually("the first row", firstVisible, "Q00 Person")
	at := harness.Eval[harness.Point](users.Page, `(() => {
		const r = document.querySelector('.letters [data-letter="e"]').getBoundingClientRect();
		return {X: r.left + r.width / 2, Y: r.top + r.height / 2};
	})()`)
	users.Down(at, false)
	users.Up(at, false)
	users.eventually("the first row", firstVisible, "E00 Person")
	// The place is kept over a reload, though somebody has come before it meanwhile.
	users.pick("Jump to a letter", "M")
	users.eventually("the first row", firstVisible, "M00 Person")
	users.eventually("the place is kept", `sessionStorage.getItem("rollcall-place")?.includes("person")`, "true")
	site.Add(harness.Person{Name: "A99 Person", Email: "another@example.org"})
	users.Reload()
	users.eventually("the first row after a reload", firstVisible, "M00 Person")
	users.Click("link", "Sync")
	users.See("heading", "Diagnostics")
	users.Click("link", "Users")
	users.eventually("the first row after coming back", firstVisible, "M00 Person")
}

func topOf(d directory, name string) float64 {
	d.t.Helper()
	return harness.Eval[float64](d.Page, fmt.Sprintf(`[...document.querySelectorAll(".row-name")].find((a) => a.textContent === %q)?.getBoundingClientRect().top ?? -1`, name))
}

// TestRowsStayWhereTheyAre on the screen when another device adds some above: the one under the mouse, the
// one with the focus, the one that is pressed, and the first that is visible.
func TestRowsStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	many(site, 3)
	users := openUsers(t, harness.OpenMovingBrowser(t), site.URL())
	users.SeeText("78 users")
	n := 0
	above := func(what, row string, more func()) {
		t.Helper()
		before := topOf(users, row)
		for range 3 {
			n++
			site.Add(harness.Person{Name: fmt.Sprintf("A%02d Newcomer", n), Email: fmt.Sprintf("new%d@example.org", n)})
		}
		if more != nil {
			more()
		}
		users.SeeText(fmt.Sprintf("%d users", 78+n))
		harness.Eventually(t, what+" stays", func() error {
			if after := topOf(users, row); math.Abs(after-before) > 1.5 {
				return fmt.Errorf("%s: %s was at %.0f and is at %.0f", what, row, before, after)
			}
			return nil
		})
	}
	users.Hover(users.rowAt("C01 Person"))
	above("the row under the mouse", "C01 Person", nil)
	users.Hover(harness.Point{X: 5, Y: 5})
	harness.Eval[bool](users.Page, `(document.querySelector('[aria-label="Delete D01 Person"]').focus(), true)`)
	above("the row with the focus", "D01 Person", nil)
	users.focusIsOn("Delete D01 Person")
	harness.Eval[bool](users.Page, `(document.activeElement.blur(), true)`)
	harness.Eval[bool](users.Page, `(document.getElementById("main").scrollTop += 300, true)`)
	first := harness.Eval[string](users.Page, firstVisible)
	above("the first visible row", first, nil)

	at := users.Center("button", "Delete E01 Person")
	users.Down(at, false)
	above("the row that is pressed", "E01 Person", nil)
	users.Up(at, false)
	users.SeeText("Deleted E01 Person")
	users.WaitQueueEmpty()
	if _, there := site.Row("E01 Person"); there {
		t.Error("somebody else was deleted")
	}
	if got := len(site.Rows()); got != 78+n-1 {
		t.Errorf("the server has %d users", got)
	}
}

// rowAt is a place of a row beside its name.
func (d directory) rowAt(name string) harness.Point {
	d.t.Helper()
	var at harness.Point
	harness.Eventually(d.t, "finding the row "+name, func() (err error) {
		at, err = harness.TryEval[harness.Point](d.Page, fmt.Sprintf(`(() => {
			const row = [...document.querySelectorAll("[data-total] > [data-key]")].find((li) => li.querySelector(".row-name").textContent === %q);
			row.scrollIntoView({block: "center"});
			const r = row.getBoundingClientRect();
			return {X: r.left + r.width * 0.6, Y: r.top + r.height / 2};
		})()`, name))
		return err
	})
	return at
}

const checkedBoxes = `[...document.querySelectorAll('[role=checkbox][aria-checked=true]')].map((b) => b.getAttribute("aria-label").slice(7)).sort()`

// TestSeveralAreSelected by a long touch, with Shift and with Ctrl, or all of them; what is then done
// is one change each, and undone at once.
func TestSeveralAreSelected(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	for _, name := range []string{"Ann", "Bob", "Carl", "Dora", "Eve"} {
		site.Add(harness.Person{Name: name, Email: strings.ToLower(name) + "@example.org", Bio: "of " + name})
	}
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.reads("Ann", "Bob", "Carl", "Dora", "Eve")
	users.ClickWith(users.rowAt("Bob"), harness.Ctrl)
	users.eventually("the selection", checkedBoxes, "[Bob]")
	users.ClickWith(users.rowAt("Dora"), harness.Shift)
	users.eventually("the selection", checkedBoxes, "[Bob Carl Dora]")
	users.Click("checkbox", "Select Carl")
	users.SeeText("2 selected")
	operations := func(what string, want int, do func()) {
		t.Helper()
		before := site.Applied()
		do()
		users.matchesServer(site)
		if n := site.Applied() - before; n != want {
			t.Errorf("%s took %d operations, not %d", what, n, want)
		}
	}
	operations("deleting two", 2, func() {
		users.Click("button", "Delete")
		users.SeeText("Deleted 2 users")
		users.reads("Ann", "Carl", "Eve")
	})
	users.Click("button", "Undo")
	users.SeeText("Restored 2 users")
	users.reads("Ann", "Bob", "Carl", "Dora", "Eve")
	users.matchesServer(site)
	if r, _ := site.Row("Bob"); r.Bio != "of Bob" {
		t.Errorf("Bob came back as %+v", r)
	}

	users.Emulate(harness.Screen{Width: 390, Height: 844, Phone: true})
	at := users.rowAt("Eve")
	users.Down(at, true)
	users.eventually("the selection", checkedBoxes, "[Eve]")
	users.Up(at, true)
	users.Click("button", "Select all 5")
	users.SeeText("5 selected")
	users.Click("button", "Edit a field")
	users.See("dialog", "Edit a field")
	harness.Eval[bool](users.Page, `((select) => { select.value = "name"; return select.dispatchEvent(new Event("change")); })(document.getElementById("field-name"))`)
	long := strings.Repeat("Ann ", 50) + "Lee"
	users.Fill("textbox", "New value", long)
	users.Click("button", "Save")
	users.SeeText("Name is 203 characters long; at most 200 are allowed")
	if got := users.Value("textbox", "New value"); got != long {
		t.Errorf("the dialog has %q", got)
	}
	harness.Eval[bool](users.Page, `((select) => { select.value = "bio"; return select.dispatchEvent(new Event("change")); })(document.getElementById("field-name"))`)
	users.Fill("textbox", "New value", "Of the north")
	operations("changing five", 5, func() {
		users.Click("button", "Save")
		users.SeeText("Changed 5 users")
	})
	for _, r := range site.Rows() {
		if r.Bio != "Of the north" {
			t.Errorf("the bio of %s is %q", r.Name, r.Bio)
		}
	}
	users.Click("button", "Undo")
	users.SeeText("5 users are as before")
	users.matchesServer(site)
	for _, r := range site.Rows() {
		if r.Bio != "of "+r.Name {
			t.Errorf("the bio of %s is %q after Undo", r.Name, r.Bio)
		}
	}

	users.Click("button", "Select")
	users.Click("checkbox", "Select Ann")
	users.Click("checkbox", "Select Eve")
	users.Click("button", "Export")
	users.eventually("the page", `location.pathname + location.search`, "/export?selected=1")
	ids := harness.Eval[[]string](users.Page, `JSON.parse(sessionStorage.getItem("rollcall-selected"))`)
	ann, _ := site.Row("Ann")
	eve, _ := site.Row("Eve")
	if want := []string{ann.ID, eve.ID}; !slices.Contains(ids, want[0]) || !slices.Contains(ids, want[1]) || len(ids) != 2 {
		t.Errorf("to be exported are %q, not %q", ids, want)
	}
}

// TestSwipe: to the left it deletes, to the right it edits; a short one does nothing.
func TestSwipe(t *testing.T) {
	t.Parallel()
	site, users := openThreeIn(t, harness.OpenMovingBrowser(t))
	users.Emulate(harness.Screen{Width: 390, Height: 844, Phone: true})
	to := func(at harness.Point, by float64) harness.Point { return harness.Point{X: at.X + by, Y: at.Y + 2} }
	at := users.rowAt("Bob Baker")
	users.Swipe(at, to(at, -60))
	users.Swipe(at, harness.Point{X: at.X - 30, Y: at.Y - 200}) // a scroll
	at = users.rowAt("Bob Baker")
	users.Swipe(at, to(at, -150))
	users.SeeText("Deleted Bob Baker")
	users.Click("button", "Undo")
	users.SeeText("Restored Bob Baker")
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	at = users.rowAt("Carl Cole")
	users.Swipe(at, to(at, 150))
	users.See("dialog", "Edit user")
	if got := users.Value("textbox", "Name"); got != "Carl Cole" {
		t.Errorf("the form has %q", got)
	}
	users.Click("button", "Cancel")
	users.matchesServer(site)
}

func TestKeysAndPalette(t *testing.T) {
	t.Parallel()
	_, _, users := openThree(t)
	users.Key("j", 0)
	users.eventually("the focus", `document.activeElement.textContent`, "Ann Archer")
	users.Key("j", 0)
	users.Key("j", 0)
	users.Key("k", 0)
	users.eventually("the focus", `document.activeElement.textContent`, "Bob Baker")
	users.Key("e", 0)
	users.See("dialog", "Edit user")
	if got := users.Value("textbox", "Name"); got != "Bob Baker" {
		t.Errorf("the form has %q", got)
	}
	users.Press(kb.Escape)
	users.Gone("dialog", "Edit user")
	users.Key("/", 0)
	users.eventually("the focus", `document.activeElement.id`, "search")
	users.Key("n", 0) // is typed
	users.eventually("the search", `document.getElementById("search").value`, "n")
	harness.Eval[bool](users.Page, `(document.activeElement.blur(), true)`)
	users.Key("n", 0)
	users.See("dialog", "Add user")
	users.Press(kb.Escape)
	users.Gone("dialog", "Add user")

	users.Key("?", 0)
	users.See("dialog", "Keyboard shortcuts")
	users.Click("switch", "Single keys are on")
	users.Press(kb.Escape)
	users.Gone("dialog", "Keyboard shortcuts")
	users.Key("n", 0)
	users.Key("k", harness.Ctrl)
	users.See("dialog", "Commands")
	if users.Has("dialog", "Add user") {
		t.Error("a key that is switched off adds a user")
	}
	users.Fill("combobox", "Type a command or a name", "carl")
	users.See("option", "Carl Cole carl@example.org")
	users.Key("Enter", 0)
	users.See("heading", "Carl Cole")
	users.Key("k", harness.Ctrl)
	users.Fill("combobox", "Type a command or a name", "sync")
	users.See("option", "Sync now")
	users.Press(kb.ArrowDown)
	users.Press(kb.ArrowUp)
	users.Key("Enter", 0)
	users.SeeText("Sync completed")
}

// TestManySelectedDoNotBlockThePage: the work goes on in parts, and the page answers meanwhile.
func TestManySelectedDoNotBlockThePage(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	many(site, 20)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.SeeText("520 users")
	users.Click("button", "Select")
	users.Click("button", "Select all 520")
	users.SeeText("520 selected")
	harness.Eval[bool](users.Page, `(() => {
		globalThis.longest = 0;
		let last = performance.now();
		const beat = () => { const now = performance.now(); longest = Math.max(longest, now - last); last = now; setTimeout(beat); };
		beat();
		return true;
	})()`)
	users.Click("button", "Delete")
	users.SeeText("Deleted 520 users")
	users.Click("button", "Undo")
	users.SeeText("Restored 520 users")
	users.SeeText("520 users")
	users.WaitQueueEmpty()
	if len(site.Rows()) != 520 {
		t.Errorf("the server has %d users", len(site.Rows()))
	}
	if longest := harness.Eval[float64](users.Page, `longest`); longest > 3000 {
		t.Errorf("the page did not answer for %.0f ms", longest)
	}
}

// TestRowsStayAtTheListsEnds, too, where nothing can be scrolled: under the mouse, and with the focus. What is
// pressed then is what was there before.
func TestRowsStayAtTheListsEnds(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, bob, carl := addThree(site)
	b := harness.OpenMovingBrowser(t)
	users := openUsers(t, b, site.URL())
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	const room = `["Top", "Bottom"].map((side) => getComputedStyle(document.querySelector(".list"))["padding" + side]).join()`
	stays := func(name string, what func(), names ...string) {
		t.Helper()
		before := topOf(users, name)
		what()
		users.reads(names...)
		harness.Eventually(t, name+" stays", func() error {
			if after := topOf(users, name); math.Abs(after-before) > 1.5 {
				return fmt.Errorf("%s was at %.0f and is at %.0f", name, before, after)
			}
			return nil
		})
	}
	at := users.Center("button", "Delete Bob Baker")
	users.Hover(at)
	stays("Bob Baker", func() { site.Add(harness.Person{Name: "Aaron Abel", Email: "aaron@example.org"}) }, "Aaron Abel", "Ann Archer", "Bob Baker", "Carl Cole")
	stays("Bob Baker", func() { site.Remove(ann) }, "Aaron Abel", "Bob Baker", "Carl Cole")
	// What is pressed before a person could see what has moved is taken for what was there before.
	harness.Eval[bool](users.Page, `new Promise((seen) => requestAnimationFrame(() => setTimeout(() => requestAnimationFrame(() => setTimeout(seen, 0, true)))))`)
	users.Down(at, false)
	users.Up(at, false)
	users.SeeText("Deleted Bob Baker")
	users.matchesServer(site)
	if _, there := site.Row("Bob Baker"); there {
		t.Error("somebody else was deleted")
	}
	users.Click("button", "Undo")
	users.reads("Aaron Abel", "Bob Baker", "Carl Cole")
	users.matchesServer(site)
	users.Hover(harness.Point{X: 5, Y: 5})
	harness.Eval[bool](users.Page, `(document.querySelector('[aria-label="Delete Carl Cole"]').focus(), true)`)
	stays("Carl Cole", func() { site.Remove(bob) }, "Aaron Abel", "Carl Cole")
	users.focusIsOn("Delete Carl Cole")
	harness.Eval[bool](users.Page, `(document.getElementById("search").focus(), true)`)
	users.eventually("the room that was made", room, "0px,0px")

	// Nor does what comes above the list move it.
	users.Hover(users.Center("button", "Delete Carl Cole"))
	stays("Carl Cole", func() {
		b.Offline(site.Proxy, true)
		users.isOffline()
	}, "Aaron Abel", "Carl Cole")
	b.Offline(site.Proxy, false)
	users.isOnline()
	if _, there := site.Row("Carl Cole"); !there || carl == "" {
		t.Error("Carl is gone")
	}
}

// TestSearchForWords in any order, in scripts of all kinds: what is found is marked by whole letters.
func TestSearchForWords(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	for name, bio := range map[string]string{
		"Ann Archer": "Sings in the choir", "Łódź Øre Straße": "", "مُحَمَّد العربي": "", "ｶﾞｽ ﾀﾛｳ": "", "किरण शर्मा": "", "👩‍👩‍👧 Family": "",
	} {
		site.Add(harness.Person{Name: name, Email: fmt.Sprintf("%x@example.org", name[:3]), Bio: bio})
	}
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.SeeText("6 users")
	for _, c := range []struct{ search, name, marks string }{
		{"archer  ANN", "Ann Archer", "[Ann Archer]"},
		{"choir ann", "Ann Archer", "[Ann choir]"},
		{"strasse lodz", "Łódź Øre Straße", "[Łódź Straße]"},
		{"ore", "Łódź Øre Straße", "[Øre]"},
		{"محمد", "مُحَمَّد العربي", "[مُحَمَّد]"},
		{"ガス", "ｶﾞｽ ﾀﾛｳ", "[ｶﾞｽ]"},
		{"क", "किरण शर्मा", "[कि]"},
		{"👩", "👩‍👩‍👧 Family", "[👩‍👩‍👧]"},
	} {
		users.Fill("searchbox", "Search users", c.search)
		users.reads(c.name)
		users.eventually("the marks of "+c.search, markedTexts, c.marks)
	}
	users.Fill("searchbox", "Search users", "  ")
	users.SeeText("6 users")
}

// TestWhatIsDoneToSeveralIsUndoneAfterAReload, and what was typed for them is there again.
func TestWhatIsDoneToSeveralIsUndoneAfterAReload(t *testing.T) {
	t.Parallel()
	site, _, users := openThree(t)
	selectAll := func() {
		t.Helper()
		users.Click("button", "Select")
		users.Click("button", "Select all 3")
		users.SeeText("3 selected")
	}
	selectAll()
	users.Click("button", "Delete")
	users.SeeText("Deleted 3 users")
	users.matchesServer(site)
	users.Reload()
	users.SeeText("Deleted 3 users")
	users.Click("button", "Undo")
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	users.matchesServer(site)

	selectAll()
	users.Click("button", "Edit a field")
	users.Fill("textbox", "New value", "Half a sent")
	users.drafted("Half a sent")
	users.Press(kb.Escape)
	users.Gone("dialog", "Edit a field")
	users.Reload()
	users.GoneText("What you typed is kept") // it is no form's of one user
	selectAll()
	users.Click("button", "Edit a field")
	if got := users.Value("textbox", "New value"); got != "Half a sent" {
		t.Errorf("the field has %q", got)
	}
	users.Fill("textbox", "New value", "Half\u0007 a sentence")
	users.Click("button", "Save")
	users.SeeText("Bio has a control character; remove it")
	harness.Eval[any](users.Page, `(() => { const list = document.getElementById("field-name"); list.value = "name"; list.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	users.Fill("textbox", "New value", "\u200b\u2800")
	users.Click("button", "Save")
	users.SeeText("Name shows nothing; type a name that can be read")
	harness.Eval[any](users.Page, `(() => { const list = document.getElementById("field-name"); list.value = "bio"; list.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	users.Fill("textbox", "New value", "Half a sentence")
	users.Click("button", "Save")
	users.SeeText("Changed 3 users")
	users.matchesServer(site)
	carl, _ := site.Row("Carl Cole")
	site.Change(carl.ID, map[string]string{"bio": "theirs"})
	harness.Eventually(t, "it arrives", func() error {
		users.syncNow()
		return harness.Equal("Carl's bio", users.bioOf("Carl Cole"), "theirs")
	})
	users.Reload()
	users.Click("button", "Undo")
	users.SeeText("2 users are as before, 1 left as it is")
	users.matchesServer(site)
	if row, _ := site.Row("Carl Cole"); row.Bio != "theirs" {
		t.Errorf("Carl's bio is %q", row.Bio)
	}
	users.Reload()
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	if users.Has("button", "Undo") {
		t.Error("what was undone is offered again")
	}
}

// bioOf is what a user's row has in its form.
func (d directory) bioOf(name string) string {
	d.t.Helper()
	d.opens(name)
	bio := d.Value("textbox", "Bio")
	d.Click("button", "Cancel")
	d.Gone("dialog", "Edit user")
	return bio
}

// TestASwipeFollowsTheLanguage: towards where its lines begin it deletes.
func TestASwipeFollowsTheLanguage(t *testing.T) {
	t.Parallel()
	site, users := openThreeIn(t, harness.OpenMovingBrowser(t))
	users.Emulate(harness.Screen{Width: 390, Height: 844, Phone: true})
	harness.Eval[bool](users.Page, `(document.documentElement.dir = "rtl", true)`)
	at := users.rowAt("Bob Baker")
	users.Swipe(at, harness.Point{X: at.X - 150, Y: at.Y})
	users.See("dialog", "Edit user")
	users.Click("button", "Cancel")
	users.Gone("dialog", "Edit user")
	at = users.rowAt("Bob Baker")
	users.Swipe(at, harness.Point{X: at.X + 150, Y: at.Y})
	users.SeeText("Deleted Bob Baker")
	users.matchesServer(site)
}

// TestKeysOfOtherKeyboards: a key is known by its place where it types no Latin letter. An input method's
// keys are its own, and Escape ends a selection.
func TestKeysOfOtherKeyboards(t *testing.T) {
	t.Parallel()
	_, _, users := openThree(t)
	key := func(of string) {
		t.Helper()
		harness.Eval[bool](users.Page, `(document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {bubbles: true, cancelable: true, `+of+`})), true)`)
	}
	key(`key: "ى", code: "KeyN", isComposing: true`)
	key(`key: "Process", code: "KeyN", keyCode: 229`)
	key(`key: "ى", code: "KeyN", altKey: true`)
	key(`key: "ن", code: "KeyK", ctrlKey: true`)
	users.See("dialog", "Commands")
	if users.Has("dialog", "Add user") {
		t.Error("a key that was none adds a user")
	}
	key(`key: "ى", code: "KeyN"`) // not in a dialog
	users.Press(kb.Escape)
	users.Gone("dialog", "Commands")
	key(`key: "ى", code: "KeyN"`)
	users.See("dialog", "Add user")
	users.Press(kb.Escape)
	users.Gone("dialog", "Add user")
	key(`key: "؟", code: "Slash", shiftKey: true`)
	users.See("dialog", "Keyboard shortcuts")
	users.Press(kb.Escape)
	users.Gone("dialog", "Keyboard shortcuts")
	users.Click("button", "Select")
	users.Click("checkbox", "Select Bob Baker")
	users.SeeText("1 selected")
	users.Press(kb.Escape)
	users.Gone("group", "Selected users")
	users.focusIsOn("select-users")
	// Whoever has switched the keys off finds them here.
	users.Click("link", "Sync")
	users.Click("button", "Keyboard shortcuts")
	users.See("dialog", "Keyboard shortcuts")
}

// TestTodayEndsAtMidnight: a list of what was changed today is another one then.
func TestTodayEndsAtMidnight(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	users := openUsersWith(t, harness.OpenBrowser(t), site.URL(), `{
		const Real = Date;
		globalThis.later = 0;
		globalThis.Date = class extends Real {
			constructor(...args) { args.length ? super(...args) : super(Real.now() + later); }
			static now() { return Real.now() + later; }
		};
	}`)
	users.pick("Changed", "Changed today")
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	harness.Eval[bool](users.Page, `(later = 24 * 60 * 60 * 1000, true)`)
	users.SeeText("No matches")
}

// TestThePlaceInEachListIsKept for Back.
func TestThePlaceInEachListIsKept(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	many(site, 4)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.SeeText("104 users")
	users.pick("Jump to a letter", "Q")
	users.eventually("the first row", firstVisible, "Q00 Person")
	users.pick("Sort by", "By name, Z to A")
	users.eventually("the first row", firstVisible, "Z03 Person")
	users.back()
	users.eventually("the first row after Back", firstVisible, "Q00 Person")
}
