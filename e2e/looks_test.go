//go:build e2e && looks

package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

var update = flag.Bool("update", false, "keep the outlines and pictures of now, and write what the tasks took into docs/DESIGN.md")

// TestLooks compares each sight with what it was when somebody last looked: what a screen reader
// tells of it, and pictures.
func TestLooks(t *testing.T) {
	t.Parallel()
	l := openWaiting(t)
	for _, s := range sights {
		t.Run(s.name, func(t *testing.T) {
			l.t = t
			l.Emulate(screens["desktop light"])
			l.see(s)
			outlined(t, l, s.name)
			if !s.brief {
				pictured(t, l, s.name)
			}
		})
	}
}

// changing are texts that differ from run to run, as patterns of Go and of browsers.
var changing = []struct{ From, To string }{
	{`\d+(\.\d+)? (bytes|kB|MB|GB|TB)`, "SIZE"},
	{"(January|February|March|April|May|June|July|August|September|October|November|December) \\d+, \\d{4}( at \\d+:\\d+[ \u202f][AP]M)?", "DATE"},
	{`(a few seconds|\d+ (second|minute)s?) ago`, "AGO"},
	{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "ID"},
	{`[0-9a-f]{12,}`, "HASH"},
}

// engineRoom finds in an outline what "Diagnostics" tells of the engine, which never rests.
var engineRoom = regexp.MustCompile(`(term "(?:Engine|Last round|Last check|Sync workers started here|Last sync ran in|Server answered lately|Clock difference|Cursor)"\n\s+definition\n\s+staticText ).*`)

// outlined compares what a screen reader tells with what it told when somebody last
// looked: testdata/outlines, which -update writes.
func outlined(t *testing.T, l lived, name string) {
	t.Helper()
	path := filepath.Join("testdata", "outlines", name+".txt")
	tell := func() string {
		got := engineRoom.ReplaceAllString(l.Outline(), `$1"…"`)
		for _, c := range changing {
			got = regexp.MustCompile(c.From).ReplaceAllString(got, c.To)
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

// fonts makes a page use the fonts that come with the tests.
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

// still is a picture of a sight without what differs from run to run: the focus, where it was
// scrolled to, and the texts that change.
func still(l lived) []byte {
	l.t.Helper()
	patterns, err := json.Marshal(changing)
	if err != nil {
		l.t.Fatal(err)
	}
	harness.Eval[any](l.Page, fmt.Sprintf(`(() => {
		document.activeElement?.blur();
		for (const e of document.querySelectorAll("*")) if (e.scrollTop > 0) e.scrollTop = 0;
		const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let node; (node = texts.nextNode()); ) {
			const text = %s.reduce((text, {From, To}) => text.replace(new RegExp(From, "g"), To), node.data);
			if (text !== node.data) node.data = text;
		}
	})()`, patterns))
	l.WaitAnimations()
	return l.Screenshot()
}

// pictured compares pictures of a sight with those in testdata/pictures, which -update makes.
func pictured(t *testing.T, l lived, name string) {
	t.Helper()
	for _, screen := range []string{"phone light", "desktop dark"} {
		l.Emulate(screens[screen])
		fonts(t, l)
		path := filepath.Join("testdata", "pictures", name+"-"+strings.ReplaceAll(screen, " ", "-")+".png")
		if *update {
			write(t, path, still(l))
			continue
		}
		harness.Eventually(t, screen+" looks as it did", func() error { return harness.SamePicture(still(l), path) })
	}
}
