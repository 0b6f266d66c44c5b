//go:build e2e

package e2e_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall/rollcall/e2e/harness"
)

// lived is a directory that has been worked with: somebody waits, somebody needs attention,
// and a conflict was settled.
type lived struct {
	directory
	site *harness.Site
	b    *harness.Browser
	ann  string
}

func openLived(t *testing.T) lived {
	t.Helper()
	site := harness.NewSite(t, binary(t))
	ann, bob, _ := addThree(site)
	b := harness.OpenBrowser(t)
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
	b.Offline(site.Proxy, true)
	users.edit("Ann Archer", harness.Person{Bio: "Draws maps of hills"})
	users.hasState("Ann Archer", "Pending")
	return lived{users, site, b, ann}
}

// sight is something that a person sees: a page, a dialog, or a state of one. What must hold
// for everybody is checked in each of them.
type sight struct {
	name  string
	brief bool // it goes away by itself, so it isn't pictured
	open  func(l lived)
}

var sights = []sight{
	{"list", false, func(l lived) { l.Go("/"); l.See("button", "Edit Ann Archer") }},
	{"no-match", false, func(l lived) { l.Go("/"); l.Fill("searchbox", "Search users", "zz"); l.SeeText("No matches") }},
	{"filtered", false, func(l lived) { l.Go("/?sort=-changed&state=conflict"); l.See("button", "Edit Bob Baker") }},
	{"bio-found", false, func(l lived) { l.Go("/?q=maps"); l.See("button", "Edit Ann Archer") }},
	{"selection", false, func(l lived) {
		l.Go("/")
		l.Click("button", "Select")
		l.Click("checkbox", "Select Ann Archer")
		l.SeeText("1 selected")
	}},
	{"edit-a-field", false, func(l lived) { l.Click("button", "Edit a field"); l.See("dialog", "Edit a field") }},
	{"palette", false, func(l lived) {
		l.Go("/")
		l.See("button", "Edit Ann Archer")
		l.Key("k", harness.Ctrl)
		l.See("dialog", "Commands")
	}},
	{"shortcuts", false, func(l lived) {
		l.Go("/")
		l.See("button", "Edit Ann Archer")
		l.Key("?", 0)
		l.See("dialog", "Keyboard shortcuts")
	}},
	{"import", false, func(l lived) { l.Go("/import"); l.See("heading", "From a file") }},
	{"export", false, func(l lived) { l.Go("/export"); l.See("button", "Save the file") }},
	{"form", false, func(l lived) { l.Go("/?add=1"); l.See("dialog", "Add user") }},
	{"form-refused", false, func(l lived) { l.Go("/?add=1"); l.Click("button", "Save"); l.SeeText("Name is required") }},
	{"person", false, func(l lived) { l.Go("/users/" + l.ann); l.See("heading", "Ann Archer") }},
	{"nobody", false, func(l lived) { l.Go("/users/00000000-0000-4000-8000-000000000000"); l.SeeText("Not on this device") }},
	{"sync", false, func(l lived) { l.Go("/sync"); l.See("heading", "Diagnostics"); l.See("button", "Discard") }},
	{"no-page", false, func(l lived) {
		// The server answers: the service worker knows the app's routes only.
		l.b.Offline(l.site.Proxy, false)
		l.Go("/no/such/page")
		l.SeeText("Page not found")
		harness.Eventually(l.t, "nothing waits", func() error {
			if s := l.status(); strings.Contains(s, "waiting") {
				return errors.New(s)
			}
			return nil
		})
		l.b.Offline(l.site.Proxy, true)
	}},
	{"deleted", true, func(l lived) {
		l.Go("/")
		l.remove("Carl Cole")
		l.statusIs("1 change waiting")
		l.See("button", "Undo")
	}},
}

// TestWhatEverybodySees opens each sight once, and checks in it what must hold for everybody:
// WCAG 2.2 AA as far as a program can tell.
func TestWhatEverybodySees(t *testing.T) {
	onDemand(t)
	t.Parallel()
	l := openLived(t)
	for _, s := range sights {
		t.Run(s.name, func(t *testing.T) {
			l.t = t
			l.Emulate(screens["desktop light"])
			s.open(l)
			if !s.brief && s.name != "no-page" {
				l.statusIs("1 change waiting")
			}
			outlined(t, l, s.name)
			if s.brief {
				accessible(t, l.Page)
				return
			}
			operable(t, l)
			for name, screen := range screens {
				l.Emulate(screen)
				for _, v := range l.Accessibility("node_modules/axe-core/axe.min.js") {
					t.Errorf("%s: %s", name, v)
				}
			}
			adaptable(t, l)
			pictured(t, l, s.name)
		})
	}
}

// changing are texts that differ from run to run.
var changing = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\d+(\.\d+)? (bytes|kB|MB|GB|TB)`), "SIZE"},
	{regexp.MustCompile(`\d+ (January|February|March|April|May|June|July|August|September|October|November|December) \d+(,? (at )?\d+:\d+)?`), "DATE"},
	{regexp.MustCompile(`(a few|\d+) (second|minute)s? ago`), "AGO"},
	{regexp.MustCompile(`in \d+ (second|minute)s?|now`), "SOON"},
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`[0-9a-f]{12,}`), "HASH"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+|localhost:\d+`), "HOST"},
}

// outlined compares what a screen reader tells with what it told when somebody last
// looked: testdata/outlines, which -update writes.
func outlined(t *testing.T, l lived, name string) {
	t.Helper()
	path := filepath.Join("testdata", "outlines", name+".txt")
	tell := func() string {
		got := l.Outline()
		for _, c := range changing {
			got = c.from.ReplaceAllString(got, c.to)
		}
		return got
	}
	if *update {
		l.WaitAnimations()
		write(t, path, []byte(tell()))
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("there is no kept outline (-update makes it): %v", err)
	}
	harness.Eventually(t, "a screen reader tells what it should", func() error {
		return firstDifference(tell(), string(want))
	})
}

func firstDifference(got, want string) error {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		switch {
		case i >= len(g):
			return fmt.Errorf("line %d is missing: %s", i+1, w[i])
		case i >= len(w):
			return fmt.Errorf("line %d is new: %s", i+1, g[i])
		case g[i] != w[i]:
			return fmt.Errorf("line %d is %s, want %s", i+1, g[i], w[i])
		}
	}
	return nil
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

// clipped are the texts that are cut off by what they are in, and what sticks out of the window.
const clipped = `(() => {
	const wrong = [];
	const beyond = document.documentElement.scrollWidth - document.documentElement.clientWidth;
	if (beyond > 0) wrong.push("the page is " + beyond + " pixels wider than the window");
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
	narrow := harness.Screen{Width: 320, Height: 256}
	l.Emulate(narrow)
	for _, wrong := range harness.Eval[[]string](l.Page, clipped) {
		t.Errorf("at 320 pixels: %s", wrong)
	}
	harness.Eval[any](l.Page, spacing)
	for _, screen := range []harness.Screen{narrow, screens["phone light"], screens["desktop light"]} {
		l.Emulate(screen)
		for _, wrong := range harness.Eval[[]string](l.Page, clipped) {
			t.Errorf("with spaced texts, at %d pixels: %s", screen.Width, wrong)
		}
	}
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

// fonts makes a page use the fonts that come with the tests, and shows nothing that differs
// from run to run.
func fonts(t *testing.T, l lived) {
	t.Helper()
	if harness.Eval[bool](l.Page, `[...document.fonts].some((f) => f.family === "Kept")`) {
		return
	}
	for _, weight := range []string{"400", "600", "700"} {
		data, err := os.ReadFile("node_modules/@fontsource/noto-sans/files/noto-sans-latin-" + weight + "-normal.woff2")
		if err != nil {
			t.Fatalf("reading a font (make e2e installs it): %v", err)
		}
		harness.Eval[any](l.Page, fmt.Sprintf(`(async () => {
			const bytes = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0));
			document.fonts.add(await new FontFace("Kept", bytes, {weight: %q}).load());
		})()`, base64.StdEncoding.EncodeToString(data), weight))
	}
	harness.Eval[any](l.Page, `(() => {
		const sheet = new CSSStyleSheet();
		sheet.replaceSync('* { font-family: Kept, sans-serif !important; caret-color: transparent !important } .avatar { background: CanvasText !important; color: Canvas !important }');
		document.adoptedStyleSheets.push(sheet);
	})()`)
}

// pictured compares pictures of a sight with those in testdata/pictures, which -update makes.
func pictured(t *testing.T, l lived, name string) {
	t.Helper()
	for _, screen := range []string{"phone light", "desktop dark"} {
		l.Emulate(screens[screen])
		fonts(t, l)
		harness.Eval[any](l.Page, `document.activeElement?.blur(), document.querySelectorAll("*").forEach((e) => { if (e.scrollTop > 0) e.scrollTop = 0 })`)
		l.WaitAnimations()
		path := filepath.Join("testdata", "pictures", name+"-"+strings.ReplaceAll(screen, " ", "-")+".png")
		if *update {
			write(t, path, l.Screenshot())
			continue
		}
		harness.Eventually(t, screen+" looks as it did", func() error { return harness.SamePicture(l.Screenshot(), path) })
	}
}
