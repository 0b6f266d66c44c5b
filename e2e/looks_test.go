//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

var update = flag.Bool("update", false, "keep the outlines and pictures of now, and write what the tasks took into docs/DESIGN.md")

// comparing is how long what is at rest may take to look as it did. It moves only where a text that tells of time has
// just changed.
const comparing = 30 * time.Second

// changing are texts that differ from run to run, as patterns of Go and of browsers.
var changing = []struct{ From, To string }{
	{`\d+(\.\d+)? (bytes|kB|MB|GB|TB)`, "1.5 MB"},
	{"(January|February|March|April|May|June|July|August|September|October|November|December) \\d+, \\d{4}( at \\d+:\\d+[ \u202f][AP]M)?", "May 4, 2026"},
	{`(a few seconds|\d+ (second|minute)s?) ago`, "a few seconds ago"},
	{`قبل [^".]+`, "قبل بضع ثوان"},
	{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "ID"},
	{`[0-9a-f]{12,}`, "HASH"},
}

// engineRoom is what "Diagnostics" tells of the engine, which never rests.
const engineRoom = `Engine|Last round|Last check|Sync workers started here|Last sync ran in|Server answered recently|Clock difference|Cursor`

var engineRoomOutline = regexp.MustCompile(`(term "(?:` + engineRoom + `)"\n\s+definition\n\s+staticText ).*`)

// outlined compares what a screen reader tells with what it told when somebody last
// looked: testdata/outlines, which -update writes.
func outlined(t *testing.T, l lived, name string) {
	t.Helper()
	l.WaitRest()
	path := filepath.Join("testdata", "outlines", name+".txt")
	tell := func() string {
		got := engineRoomOutline.ReplaceAllString(l.Outline(), `$1"…"`)
		for _, c := range changing {
			got = regexp.MustCompile(c.From).ReplaceAllString(got, c.To)
		}
		return got
	}
	if *update {
		write(t, path, []byte(tell()))
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("there is no kept outline (-update makes it): %v", err)
	}
	harness.EventuallyWithin(t, comparing, "a screen reader tells what it should", func() error {
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

// kept are the fonts of pictures: those that come with the tests.
var kept = []struct{ family, file string }{
	{"Kept", "noto-sans/files/noto-sans-latin"},
	{"Kept Arabic", "noto-sans-arabic/files/noto-sans-arabic-arabic"},
}

// dress makes a page look the same on every machine: in the kept fonts, and without a caret.
func (d directory) dress() {
	d.t.Helper()
	if !harness.Eval[bool](d.Page, `"dress" in globalThis`) {
		for _, font := range kept {
			for _, weight := range []string{"400", "600", "700"} {
				data, err := os.ReadFile("node_modules/@fontsource/" + font.file + "-" + weight + "-normal.woff2")
				if err != nil {
					d.t.Fatalf("reading a font (make e2e installs it): %v", err)
				}
				harness.Eval[any](d.Page, fmt.Sprintf(`(async () => {
					const bytes = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0));
					document.fonts.add(await new FontFace(%q, bytes, {weight: %q}).load());
				})()`, base64.StdEncoding.EncodeToString(data), font.family, weight))
			}
		}
		harness.Eval[any](d.Page, `(() => {
			globalThis.dress = new CSSStyleSheet();
			dress.replaceSync('* { font-family: Kept, "Kept Arabic", sans-serif !important; caret-color: transparent !important }' +
				(navigator.userAgentData ? "" : "* { scrollbar-width: none !important }")); // theirs fade
		})()`)
	}
	harness.Eval[any](d.Page, `(() => { document.adoptedStyleSheets.push(dress); })()`)
}

// undress takes that off again.
func (d directory) undress() {
	d.t.Helper()
	harness.Eval[any](d.Page, `(() => { document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== dress); })()`)
}

// posing takes from a page what differs from run to run: the focus, where it was scrolled to, texts that tell of time, and
// the colours that avatars have by their users' ids.
const posing = `((changing, engineRoom) => {
	document.activeElement?.blur();
	for (const e of document.querySelectorAll("*")) if (e.scrollTop > 0) e.scrollTop = 0;
	document.querySelectorAll(".avatar").forEach((e, i) => { e.className = e.className.replace(/hue-\d/, "hue-" + i %% 8); });
	for (const e of document.querySelectorAll("dt")) if (engineRoom.test(e.textContent)) e.nextElementSibling.textContent = "…";
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node; (node = texts.nextNode()); ) {
		const text = changing.reduce((text, {From, To}) => text.replace(new RegExp(From, "g"), To), node.data);
		if (text !== node.data) node.data = text;
	}
})(%s, /^(%s)$/)`

func (d directory) pose() {
	d.t.Helper()
	patterns, err := json.Marshal(changing)
	if err != nil {
		d.t.Fatal(err)
	}
	d.WaitRest()
	harness.Eval[any](d.Page, fmt.Sprintf(posing, patterns, engineRoom))
}

// still is a picture of what is at rest, posing.
func (d directory) still(take func() []byte) []byte {
	d.t.Helper()
	d.pose()
	return take()
}

// stillTwice is a still to be kept: what had just shown again what it shows when it doesn't pose is not.
func (d directory) stillTwice(take func() []byte) (picture []byte) {
	d.t.Helper()
	harness.Eventually(d.t, "two pictures are the same", func() error {
		before := picture
		if picture = d.still(take); !bytes.Equal(before, picture) {
			return errors.New("they differ")
		}
		return nil
	})
	return picture
}

// show shows a page on a screen, as high as the page is: all of it shows without scrolling. What a dialog is over stays
// as it is.
func (d directory) show(screen harness.Screen) {
	d.t.Helper()
	least, agreed := screen.Height, 0
	harness.Eventually(d.t, "all of the page shows", func() error {
		d.Emulate(screen)
		// A window is laid out anew within some frames. How high a page is does not depend on the window's height.
		at := harness.Eval[struct {
			Width, Bottom, Needs int64
			Dark                 bool
		}](d.Page, `(async () => {
			await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
			const {top, bottom} = document.querySelector("main").getBoundingClientRect();
			const needs = document.querySelector("dialog[open]") ? 0 : Math.ceil(top + document.querySelector(".page").offsetHeight);
			return {Width: innerWidth, Bottom: Math.round(bottom), Needs: needs, Dark: matchMedia("(prefers-color-scheme: dark)").matches};
		})()`)
		height := max(least, at.Needs)
		if at.Width != screen.Width || at.Bottom != screen.Height || height != screen.Height || at.Dark != screen.Dark {
			screen.Height, agreed = height, 0
			return fmt.Errorf("the page ends at %d in a window of %d by %d pixels, and needs %d (dark: %t)", at.Bottom, at.Width, screen.Height, at.Needs, at.Dark)
		}
		if agreed++; agreed < 2 {
			return errors.New("it was so once")
		}
		return nil
	})
}

// pictured compares pictures of a sight with those in testdata/pictures, which -update makes: both layouts, one in
// light and one in dark. What looks as it did is not kept anew.
func pictured(t *testing.T, l lived, name string) {
	t.Helper()
	l.dress()
	for _, screen := range axed {
		l.pose() // a longer text may need another line: the page is measured next
		l.show(screens[screen])
		path := filepath.Join("testdata", "pictures", l.kept(), name+"-"+strings.ReplaceAll(screen, " ", "-")+".png")
		if *update {
			keep(t, l.stillTwice(l.Screenshot), path)
			continue
		}
		harness.EventuallyWithin(t, comparing, screen+" looks as it did", func() error { return harness.SamePicture(l.still(l.Screenshot), path) })
	}
	l.undress()
}

// kept is the directory of the browser's pictures.
func (l lived) kept() string {
	switch l.b.(type) {
	case *harness.Firefox:
		return "firefox"
	case *harness.WebKit:
		return "webkit"
	}
	return "chromium"
}

// keep keeps a picture, unless it looks as the kept one.
func keep(t *testing.T, picture []byte, path string) {
	t.Helper()
	if harness.SamePicture(picture, path) == nil {
		return
	}
	small, err := harness.Compact(picture)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, small)
}
