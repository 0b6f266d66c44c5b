//go:build e2e

package e2e_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall/rollcall/e2e/harness"
)

// lived is a directory that has been worked with.
type lived struct {
	directory
	site     *harness.Site
	b        browser
	ann, bob string
}

// chromium reports whether the browser is Chromium, which alone tells what a screen reader hears, and emulates all that
// people set.
func (l lived) chromium() bool {
	_, is := l.b.(*harness.Browser)
	return is
}

// openLived opens one in which somebody needs attention and a conflict was settled.
func openLived(t *testing.T, b browser) lived {
	t.Helper()
	site := harness.NewSite(t, binary(t))
	ann, bob, _ := addThree(site)
	users := openUsers(t, b, site.URL())
	users.filesReady()
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "Draws maps"})
	users.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	site.Change(bob, map[string]string{"bio": "Bakes cakes"})
	users.add(harness.Person{Name: "Also Carl", Email: "carl@example.org"})
	b.Offline(site.Proxy, false)
	users.hasState("Also Carl", "Needs attention")
	users.hasState("Bob Baker", "Conflict")
	return lived{users, site, b, ann, bob}
}

// openWaiting opens one in which somebody waits, too, without the network.
func openWaiting(t *testing.T, b browser) lived {
	t.Helper()
	l := openLived(t, b)
	if l.chromium() {
		l.Click("button", "Not now") // else it is offered to install the app, at any time
	}
	l.b.Offline(l.site.Proxy, true)
	l.isOffline()
	l.edit("Ann Archer", harness.Person{Bio: "Draws maps of hills"})
	l.hasState("Ann Archer", "Pending")
	if l.chromium() { // its sync event tries it, too
		l.Go("/sync")
		l.SeeText("Sent, but not answered. It will be sent again.")
	}
	return l
}

// sight is something that a person sees: a page, a dialog, or a state of one. What must hold
// for everybody is checked in each of them.
type sight struct {
	name string
	open func(l lived)
	// waits is what the status tells of what waits; empty is that of openWaiting, and unsaid nothing.
	waits string
	brief bool // it goes away by itself, so it isn't pictured
	// within means that it is seen in the dialog of the sight before.
	within bool
}

const unsaid = "-"

var sights = []sight{
	{name: "list", open: func(l lived) { l.Go("/"); l.See("button", "Edit Ann Archer") }},
	{name: "no-match", open: func(l lived) {
		l.Go("/")
		l.Fill("searchbox", "Search users", "zz")
		l.SeeText("email or bio contains “zz”")
	}},
	{name: "filtered", open: func(l lived) { l.Go("/?sort=-changed&state=conflict"); l.See("button", "Edit Bob Baker") }},
	{name: "bio-found", open: func(l lived) { l.Go("/?q=maps"); l.See("button", "Edit Ann Archer") }},
	{name: "selection", open: func(l lived) {
		l.Go("/")
		l.Click("button", "Select")
		l.Click("checkbox", "Select Ann Archer")
		l.SeeText("1 selected")
	}},
	{name: "edit-a-field", open: func(l lived) { l.Click("button", "Edit a field"); l.See("dialog", "Edit a field") }},
	{name: "palette", open: func(l lived) {
		l.Go("/")
		l.See("button", "Edit Ann Archer")
		l.Key("k", harness.Ctrl)
		l.See("dialog", "Commands")
	}},
	{name: "shortcuts", open: func(l lived) {
		l.Go("/")
		l.See("button", "Edit Ann Archer")
		l.Key("?", 0)
		l.See("dialog", "Keyboard shortcuts")
	}},
	{name: "export", open: func(l lived) { l.Go("/export"); l.See("button", "Save the file"); l.SeeText("4 users") }},
	{name: "form", open: func(l lived) { l.Go("/?add=1"); l.See("dialog", "Add user") }},
	{name: "form-refused", within: true, open: func(l lived) { l.Click("button", "Save"); l.SeeText("Name is required") }},
	{name: "person", open: func(l lived) { l.Go("/users/" + l.ann); l.See("button", "QR code") }},
	{name: "person-conflict", open: func(l lived) { l.Go("/users/" + l.bob); l.See("button", "Choose by field"); l.See("button", "QR code") }},
	{name: "choose", open: func(l lived) { l.Click("button", "Choose by field"); l.See("dialog", "Choose what stays") }},
	{name: "nobody", open: func(l lived) { l.Go("/users/00000000-0000-4000-8000-000000000000"); l.SeeText("Not on this device") }},
	{name: "sync", open: func(l lived) {
		l.Go("/sync")
		l.See("button", "Copy report")
		l.See("button", "Discard")
		l.GoneText("Not synced yet") // until the engine has said when
	}},
	{name: "import", open: func(l lived) { l.Go("/import"); l.See("heading", "From a file") }},
	{name: "import-columns", open: func(l lived) {
		l.Choose("import-file", fileOf(l.t, "people.csv", "Wer,Mailanschrift,Wo\nDora Dent,dora@example.org,Ulm\nEmil Ek,emil@example.org,Graz\n"))
		l.See("heading", "Which column is what?")
	}},
	{name: "import-plan", open: func(l lived) {
		l.Click("button", "Cancel")
		l.Choose("import-file", fileOf(l.t, "people.csv", "name,email,bio\nDora Dent,dora@example.org,Mends teeth\nBob Bakes,bob@example.org,\nCarl Cole,carl@example.org,Digs\nEmil Ek,emil,\n"))
		l.SeeText("1 refused")
	}},
	{name: "import-done", waits: "3 changes waiting", open: func(l lived) { l.Click("button", "Import 2 users"); l.See("heading", "Imported") }},
	{name: "import-last", waits: "3 changes waiting", open: func(l lived) { l.Go("/import"); l.See("heading", "The last import") }},
	{name: "no-page", waits: "Synced", open: func(l lived) {
		// The server answers: the service worker knows the app's routes only.
		l.b.Offline(l.site.Proxy, false)
		l.Go("/no/such/page")
		l.SeeText("Page not found")
	}},
	{name: "arabic", waits: unsaid, open: func(l lived) {
		l.speak("ar")
		l.Go("/")
		l.See("link", "Ann Archer")
		l.SeeText("تمت المزامنة قبل")
	}},
	{name: "deleted", waits: "1 change waiting", brief: true, open: func(l lived) {
		l.speak("en")
		l.b.Offline(l.site.Proxy, true)
		l.Go("/")
		l.isOffline()
		l.remove("Carl Cole")
		l.See("button", "Undo")
	}},
}

// see opens a sight, and waits until it is at rest.
func (l lived) see(s sight) {
	l.t.Helper()
	if !l.chromium() && !s.within {
		l.closesDialog()
	}
	s.open(l)
	if s.waits == "" {
		s.waits = "1 change waiting"
	}
	if s.waits != unsaid {
		l.statusIs(s.waits)
	}
	if !s.brief {
		l.WaitRest()
	}
}

// closesDialog closes the dialog that is open, if one is. In WebKit the storage answers no page that comes after one that
// was left with an open form.
func (l lived) closesDialog() {
	l.t.Helper()
	harness.Eventually(l.t, "the dialog is closed", func() error {
		if !harness.Eval[bool](l.Page, `Boolean(document.querySelector("dialog[open]"))`) {
			return nil
		}
		l.Press(kb.Escape)
		return errors.New("it is open")
	})
}

// speak chooses another language.
func (l lived) speak(code string) {
	l.t.Helper()
	l.Go("/sync")
	harness.Eventually(l.t, "the language is chosen", func() error {
		return l.Try(fmt.Sprintf(`(() => {
			const choice = document.querySelector("#language");
			choice.value = %q;
			choice.dispatchEvent(new Event("change", { bubbles: true }));
		})()`, code), nil)
	})
	harness.Eventually(l.t, "the language is spoken", func() error {
		got, err := harness.TryEval[string](l.Page, `document.documentElement.lang`)
		if err == nil {
			err = harness.Equal("it", got, code)
		}
		return err
	})
}

// narrow is the narrowest screen: 1280 pixels at 400 % zoom.
var narrow = harness.Screen{Width: 320, Height: 568, Phone: true}

var shots = flag.String("shots", "", "save a picture of each state that looksRight checks in this directory")

// axed are the screens on which axe looks: both layouts, light and dark.
var axed = []string{"phone light", "desktop dark"}

// looksRight checks a state of a page: that it fits every screen, and that axe finds nothing in it.
func (d directory) looksRight(state string) {
	d.t.Helper()
	d.Emulate(narrow)
	d.fits(state)
	shoot(d, state+" narrow")
	for name, screen := range screens {
		d.Emulate(screen)
		d.fits(state)
		shoot(d, state+" "+name)
		if slices.Contains(axed, name) {
			accessible(d.t, d.Page)
		}
	}
	d.Emulate(screens["desktop light"])
}

// fits checks that nothing sticks out of the window.
func (d directory) fits(state string) {
	d.t.Helper()
	d.WaitAnimations()
	for _, wrong := range d.Beyond() {
		d.t.Errorf("%s: %s", state, wrong)
	}
}

// shoot saves a picture of what is on the screen.
func shoot(d directory, name string) {
	d.t.Helper()
	if *shots != "" {
		write(d.t, filepath.Join(*shots, strings.ReplaceAll(name, " ", "-")+".png"), d.Screenshot())
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestWhatEverybodySees opens each sight once, and checks in it what must hold for everybody:
// WCAG 2.2 AA as far as a program can tell.
// In other browsers than Chromium it compares how they look, only.
func TestWhatEverybodySees(t *testing.T) { everywhere(t, whatEverybodySees) }

func whatEverybodySees(t *testing.T, b browser) {
	l := openWaiting(t, b)
	for _, s := range sights {
		t.Run(s.name, func(t *testing.T) {
			l.t = t
			l.Emulate(screens["desktop light"])
			l.see(s)
			if !l.chromium() {
				if !s.brief {
					pictured(t, l, s.name)
				}
				return
			}
			if s.brief {
				outlined(t, l, s.name)
				accessible(t, l.Page)
				return
			}
			outlined(t, l, s.name)
			pictured(t, l, s.name)
			l.Emulate(screens["desktop light"])
			operable(t, l)
			for _, screen := range axed {
				l.Emulate(screens[screen])
				accessible(t, l.Page)
			}
			adaptable(t, l)
		})
	}
}

// TestWhatSticksOutIsNoticed plants texts in a page that cuts off what is too wide for it.
func TestWhatSticksOutIsNoticed(t *testing.T) {
	t.Parallel()
	d := directory{harness.OpenBrowser(t).Open(harness.NewSite(t, binary(t)).URL() + "/"), t}
	d.See("heading", "Users")
	d.Emulate(narrow)
	const long = "width: 5em; white-space: nowrap; "
	for name, c := range map[string]struct {
		around, style string
		noticed       int
	}{
		"as wide as the page":   {"", "width: 100%", 0},
		"wider":                 {"", "width: 105%", 1},
		"with a text that is":   {"", long, 1},
		"too far to the start":  {"", "position: relative; left: -3em", 1},
		"in what scrolls":       {"overflow-x: auto", long, 0},
		"in what cuts it off":   {"overflow: hidden", long, 1},
		"ends with an ellipsis": {"", long + "overflow: hidden; text-overflow: ellipsis", 0},
		"only heard":            {"overflow: hidden; width: 1px", long, 0},
	} {
		harness.Eval[any](d.Page, fmt.Sprintf(`(() => {
			const around = document.createElement("div"), text = document.createElement("p");
			around.style.cssText = %q;
			text.style.cssText = %q;
			text.textContent = "planted ".repeat(20);
			around.append(text);
			around.id = "planted";
			document.querySelector(".page").append(around);
		})()`, c.around, c.style))
		if got := d.Beyond(); len(got) != c.noticed {
			t.Errorf("%s: noticed %q, want %d", name, got, c.noticed)
		}
		harness.Eval[any](d.Page, `document.querySelector("#planted").remove()`)
	}
}

// operables are what a person can act on, in the dialog if there is one: name and whether it
// is a target of at least 24 by 24 CSS pixels (WCAG 2.5.8; links within a sentence may be
// smaller).
const operables = `(() => {
	const root = document.querySelector("dialog[open]") ?? document;
	const all = [...root.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")].filter((e) =>
		!e.disabled && e.checkVisibility({visibilityProperty: true}) && !e.closest("[inert]") && e.tabIndex >= 0 && e.type !== "hidden" &&
		!(e.type === "radio" && !e.checked && root.querySelector('input[type=radio][name="' + e.name + '"]:checked')));
	all.forEach((e, i) => { e.dataset.operable = i; });
	return all.map((e) => {
		// What is drawn over its surroundings, as a row's name, is as large as those.
		const over = ["::before", "::after"].some((p) => getComputedStyle(e, p).position === "absolute" && getComputedStyle(e).position === "static");
		const own = (over ? e.offsetParent : e).getBoundingClientRect();
		const box = own.width >= 24 && own.height >= 24 || !e.labels?.length ? own : e.labels[0].getBoundingClientRect();
		const inSentence = e.matches("p a, li a, dd a") && getComputedStyle(e).display === "inline";
		return {
			Name: (e.ariaLabel || e.labels?.[0]?.innerText || e.innerText || e.title || e.id || e.outerHTML.slice(0, 80)).trim(),
			Small: !inSentence && (box.width < 24 || box.height < 24) && box.width > 0 ? Math.round(box.width) + " by " + Math.round(box.height) : "",
		};
	});
})()`

// focused is the element with the focus: its number among the operables, and what is wrong
// with how it shows.
const focused = `(() => {
	const e = document.activeElement, n = Number(e?.dataset.operable ?? -1);
	if (n < 0) return {Number: n, Wrong: ""};
	const r = e.getBoundingClientRect();
	const hit = document.elementFromPoint(r.left + r.width / 2, r.top + Math.min(r.height / 2, innerHeight / 4));
	const shows = [e, e.parentElement, e.nextElementSibling, e.closest("label")].some((x) => {
		const s = x && getComputedStyle(x);
		return s && (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none");
	});
	const covered = r.width > 1 && (!hit || !(e.contains(hit) || hit.contains(e) || hit.closest("label")?.contains(e)));
	return {Number: n, Wrong: !shows ? "its focus doesn't show" : covered ? "it is covered by " + (hit?.outerHTML.slice(0, 100) ?? "the window's edge") : ""};
})()`

// operable checks that Tab alone reaches everything, that the focus shows and nothing covers
// it, and that targets are large enough.
func operable(t *testing.T, l lived) {
	t.Helper()
	l.WaitAnimations()
	type one struct{ Name, Small string }
	all := harness.Eval[[]one](l.Page, operables)
	if len(all) == 0 {
		t.Fatal("there is nothing to act on")
	}
	for _, o := range all {
		if o.Small != "" {
			t.Errorf("%q is a target of %s pixels", o.Name, o.Small)
		}
	}
	type at struct {
		Number int
		Wrong  string
	}
	reached := map[int]bool{}
	for range 2*len(all) + 10 {
		l.Press(kb.Tab)
		now := harness.Eval[at](l.Page, focused)
		if now.Wrong != "" { // it may be on its way
			l.WaitAnimations()
			now = harness.Eval[at](l.Page, focused)
		}
		if now.Number >= 0 && !reached[now.Number] {
			reached[now.Number] = true
			if now.Wrong != "" {
				t.Errorf("%q: %s", all[now.Number].Name, now.Wrong)
			}
		}
		if len(reached) == len(all) {
			return
		}
	}
	for i, o := range all {
		if !reached[i] {
			t.Errorf("Tab doesn't reach %q", o.Name)
		}
	}
}

// spacing is what WCAG 1.4.12 lets a person set.
const spacing = `(() => {
	const sheet = new CSSStyleSheet();
	sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }");
	document.adoptedStyleSheets.push(sheet);
})()`

// clipped are the texts that are cut off by what they are in.
const clipped = `(() => {
	const wrong = [];
	for (const e of document.querySelectorAll("button, a, label, h1, h2, h3, th, dt, dd, p, .state, .badge")) {
		if (!e.checkVisibility() || e.closest(".visually-hidden, [inert]")) continue;
		const s = getComputedStyle(e), r = e.getBoundingClientRect();
		if (r.width < 2 || r.height < 2) continue;
		if (["hidden", "clip"].includes(s.overflowX) && s.textOverflow !== "ellipsis" && e.scrollWidth > e.clientWidth + 1)
			wrong.push("cut off: " + e.innerText.slice(0, 60));
		if (["hidden", "clip"].includes(s.overflowY) && e.scrollHeight > e.clientHeight + 2)
			wrong.push("cut off below: " + e.innerText.slice(0, 60));
	}
	return wrong;
})()`

// adaptable checks what people change about a page: zoom to 400 % of 1280 by 1024 pixels,
// spaced texts, forced colours.
func adaptable(t *testing.T, l lived) {
	t.Helper()
	zoomed := harness.Screen{Width: 320, Height: 256}
	whole := func(how string, screens ...harness.Screen) {
		for _, screen := range screens {
			l.Emulate(screen)
			l.fits(how)
			for _, wrong := range harness.Eval[[]string](l.Page, clipped) {
				t.Errorf("%s, at %d pixels: %s", how, screen.Width, wrong)
			}
		}
	}
	whole("zoomed", zoomed)
	harness.Eval[any](l.Page, spacing)
	whole("with spaced texts", zoomed, screens["phone light"], screens["desktop light"])
	harness.Eval[any](l.Page, `document.adoptedStyleSheets.pop()`)
	l.Emulate(harness.Screen{Width: 390, Height: 844, ForcedColors: true})
	for _, wrong := range harness.Eval[[]string](l.Page, `[...document.querySelectorAll("button, input, select, textarea")]
		.filter((e) => e.checkVisibility() && !["hidden", "radio", "checkbox", "file"].includes(e.type)).filter((e) => {
			const bordered = [null, "::before", "::after"].some((p) => getComputedStyle(e, p).borderStyle !== "none");
			return !bordered && !e.innerText.trim() && !e.querySelector("svg");
		}).map((e) => e.outerHTML.slice(0, 100))`) {
		t.Errorf("with forced colours nothing shows where it is: %s", wrong)
	}
}
