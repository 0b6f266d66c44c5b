//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall/rollcall/e2e/harness"
)

// languages are those besides English, each with what the page Sync and a day are called.
var languages = map[string]struct{ sync, day string }{
	"de": {"Zu klären", "1. März 2026"},
	"es": {"Por revisar", "1 de marzo de 2026"},
	"fr": {"À vérifier", "1 mars 2026"},
	"ar": {"يحتاج إلى انتباه", ""},
	"ja": {"要確認", "2026年3月1日"},
}

// englishTexts are the texts that a language has another one for.
func englishTexts(t *testing.T, code string) []string {
	t.Helper()
	texts := catalogue(t, code)
	own := map[string]bool{} // what the language says itself, such as "Bio"
	for _, text := range texts {
		if s, ok := text.(string); ok {
			own[strings.ToLower(s)] = true
		}
	}
	return slices.DeleteFunc(slices.Collect(maps.Keys(texts)), func(english string) bool {
		return len(places.ReplaceAllString(english, "")) < 3 || own[strings.ToLower(english)]
	})
}

// places are what is no word of a text.
var places = regexp.MustCompile(`\{(\d|n)\}|[:.,\s]`)

// catalogue has the texts of a language by the English ones.
func catalogue(t *testing.T, code string) (texts map[string]any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "web", "languages", code+".json"))
	if err == nil {
		err = json.Unmarshal(b, &texts)
	}
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// remains finds the texts of a page that are still English, among those that a person sees or hears.
const remains = `(texts => {
	const escaped = (s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
	const english = new RegExp("^(?:" + texts.map((s) => escaped(s).replace(/\\\{(\d|n)\\\}/g, ".+?")).join("|") + ")\\.?$", "i");
	const word = /\b(the|and|which|with|your|this|that)\b/i; // what is put together is no text of a catalogue
	const own = (node) => node.parentElement?.closest("[translate=no], .notranslate, script, style, noscript, svg");
	const found = [];
	const look = (text) => { if (text && (english.test(text.trim()) || word.test(text))) found.push(text.trim()); };
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node; (node = walker.nextNode()); ) if (!own(node) && !node.parentElement.closest("[hidden]")) look(node.data);
	for (const e of document.querySelectorAll("p:has(bdi)")) if (english.test(e.textContent.trim())) found.push(e.textContent.trim());
	for (const e of document.querySelectorAll("[aria-label], [placeholder], [title]")) {
		for (const name of ["aria-label", "placeholder", "title"]) look(e.getAttribute(name));
	}
	look(document.title.replace(/ - Rollcall$/, ""));
	return [...new Set(found)].join("\n");
})`

// speak has the browser's pages in a language from now on.
func speak(users directory, code string) {
	harness.Eval[bool](users.Page, fmt.Sprintf(`(localStorage.setItem("rollcall-language", %q), true)`, code))
	users.Reload()
	harness.Eventually(users.t, "the language", func() error {
		got, err := harness.TryEval[string](users.Page, `document.documentElement.lang + " " + Boolean(document.querySelector(".nav-link[aria-current]"))`)
		if err != nil {
			return err
		}
		return harness.Equal("the page", got, code+" true")
	})
}

// reader looks at pages in a language.
type reader struct {
	directory
	code    string
	english string // texts, as JSON
}

// check fails the test if somebody who reads only the language, or has a small screen or a screen reader, is left out.
func (r reader) check(page string) {
	r.t.Helper()
	r.WaitAnimations()
	if left := harness.Eval[string](r.Page, remains+"("+r.english+")"); left != "" {
		r.t.Errorf("%s has English in it:\n%s", page, left)
	}
	for _, screen := range []harness.Screen{narrow, screens["desktop light"]} {
		r.Emulate(screen)
		r.fits(page)
		if squeezed := harness.Eval[string](r.Page, `[...document.querySelectorAll("p")].filter((p) =>
			p.checkVisibility() && p.textContent.length > 40 && p.clientWidth < 130 && !p.closest("td, .unseen")).map((p) => p.textContent).join("\n")`); squeezed != "" {
			r.t.Errorf("%s leaves no room in a window of %d for:\n%s", page, screen.Width, squeezed)
		}
		if rightToLeft := harness.Eval[string](r.Page, `getComputedStyle(document.querySelector("dialog[open]") ?? document.querySelector("main")).direction`) == "rtl"; rightToLeft != (r.code == "ar") {
			r.t.Errorf("%s is written from the right: %v", page, rightToLeft)
		}
		shoot(r.directory, fmt.Sprintf("%s-%s-%d", r.code, page, screen.Width))
	}
	if r.code == "ar" { // the others have English's tree, which is looked at elsewhere
		accessible(r.t, r.Page)
	}
}

// until waits until an expression about the page holds.
func (r reader) until(what, expression string) {
	r.t.Helper()
	harness.Eventually(r.t, what, func() error {
		holds, err := harness.TryEval[bool](r.Page, "Boolean("+expression+")")
		if err == nil && !holds {
			return fmt.Errorf("%s does not hold", expression)
		}
		return err
	})
}

// press presses what a selector finds.
func (r reader) press(selector string) {
	r.t.Helper()
	r.until(selector, fmt.Sprintf(`document.querySelector(%q)?.checkVisibility()`, selector))
	harness.Eval[bool](r.Page, fmt.Sprintf(`(document.querySelector(%q).click(), true)`, selector))
}

// eachLanguage has a browser's pages read in each language.
func eachLanguage(t *testing.T, users directory, read func(r reader)) {
	t.Helper()
	for code := range languages {
		english, err := json.Marshal(englishTexts(t, code))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(code, func(t *testing.T) {
			users.Go("/")
			speak(users, code)
			users.SeeText("Bob Baker")
			here := users
			here.t = t
			read(reader{here, code, string(english)})
		})
	}
}

func TestEachLanguage(t *testing.T) {
	t.Parallel()
	l := openLived(t, harness.OpenBrowser(t))
	eachLanguage(t, l.directory, func(r reader) {
		r.check("list")
		harness.Eval[bool](r.Page, `(rollcall.tool("palette", "k"), true)`)
		r.until("the palette", `document.querySelector("dialog[open] [role=option]")`)
		r.check("palette")
		r.Press(kb.Escape)
		r.until("it is closed", `!document.querySelector("dialog[open]")`)
		harness.Eval[bool](r.Page, `(rollcall.tool("key", "?"), true)`)
		r.until("the keys", `document.querySelector("#shortcuts[open]")`)
		r.check("keys")
		r.Go("/?add=1")
		r.until("the form", `document.querySelector("dialog[open]")`)
		r.press(`#user-form [type=submit]`)
		r.check("form")
		r.Go("/users/" + l.ann)
		r.SeeText("Draws maps")
		r.check("user")
		r.Go("/account")
		r.until("the account", `document.querySelector(".empty-state")`)
		r.check("account")
		r.Go("/sync")
		r.SeeText(languages[r.code].sync)
		r.check("sync")
		r.press(`[id^=discard-operation]`)
		r.check("dialog")
		day := languages[r.code].day
		if got := harness.Eval[string](r.Page, `rollcallLanguage.day("2026-03-01T12:00:00Z")`); got != day && day != "" {
			r.t.Errorf("a day is %q, want %q", got, day)
		}
		categories := harness.Eval[string](r.Page, fmt.Sprintf(`new Intl.PluralRules(%q).resolvedOptions().pluralCategories.join()`, r.code))
		if !hasForms(r.t, r.code, strings.Split(categories, ",")) {
			r.t.Errorf("the browser's categories are %s", categories)
		}
		var manifest struct {
			Lang      string
			Shortcuts []struct{ Name string }
		}
		r.Manifest(&manifest)
		if want := textIn(r.t, r.code, "Add user"); manifest.Lang != r.code || len(manifest.Shortcuts) == 0 || manifest.Shortcuts[0].Name != want {
			r.t.Errorf("the manifest is %+v, want it to offer %q", manifest, want)
		}
	})
}

// refusedLines is a table in which each line is refused for another reason, but the last.
const refusedLines = "Wer;Mailanschrift;Wo\r\nJo;jo;a\r\nKim;\"kim@example.org\r\nLou;lou@example.org;a;b\r\n" +
	"Mo;mo@x.org;\r\nMo;mo@x.org;\r\n;;Ulm\r\nNo;o’neil@x.org;\r\nPia;/o=x/cn=pia;\r\nBob Böhm;bob@example.org;\r\n"

// TestFilesInEachLanguage: also what a program says of somebody's file is in their language.
func TestFilesInEachLanguage(t *testing.T) {
	t.Parallel()
	_, _, users := openThree(t)
	users.filesReady()
	table := fileOf(t, "leute.csv", refusedLines)
	letters := fileOf(t, "letters.csv", "name;email\nJ\xfcrgen;j@example.org\n")
	contacts := fileOf(t, "contacts.csv", googleFile(3)+"Broken,,Name?,,Ã«,,,none,,\n")
	workbook := fileOf(t, "book.xlsx", "PK\x03\x04")
	eachLanguage(t, users, func(r reader) {
		step := func(name string) { r.until(name, fmt.Sprintf(`document.querySelector("[data-step=%s] h2")`, name)) }
		r.Go("/import")
		step("start")
		r.check("import")
		r.Choose("import-file", workbook)
		step("refused")
		r.check("refused")
		r.press(`main .button-primary`)
		r.Choose("import-file", letters)
		step("encoding")
		r.check("letters")
		r.press(`main .button:not(.button-primary)`)
		r.Choose("import-file", contacts)
		step("plan")
		r.until("the lines", `document.querySelector(".thing-why")`)
		r.check("notes")
		r.press(`[aria-labelledby=plan-title] .files-actions .button:not(.button-primary)`)
		r.Choose("import-file", table)
		step("columns")
		r.press(`main .button-primary`)
		step("plan")
		r.until("the lines", `document.querySelectorAll(".thing-why").length >= 7`)
		r.check("plan")
		r.press(`#import-go`)
		step("done")
		r.check("done")
		r.press(`main .button:not(.button-primary)`)
		step("undone")
		r.check("undone")
		r.Go("/export")
		r.until("whom", `document.querySelector("#export-save") && /\S/.test(document.querySelector(".files-group [role=status]").textContent)`)
		r.check("export")
	})
}

// textIn is the text of a language.
func textIn(t *testing.T, code, english string) string {
	t.Helper()
	text, _ := catalogue(t, code)[english].(string)
	return text
}

// hasForms reports whether the plurals of a language have these categories.
func hasForms(t *testing.T, code string, categories []string) bool {
	t.Helper()
	forms, _ := catalogue(t, code)["{n} users"].(map[string]any)
	return !slices.ContainsFunc(categories, func(c string) bool { return forms[c] == nil })
}

func TestArabicCountsInABrowser(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	speak(users, "ar")
	got := harness.Eval[string](users.Page, `[0, 1, 2, 3, 11, 100].map((n) =>
		rollcallLanguage.trn(n, "{n} user", "{n} users").replace(rollcallLanguage.number(n), "#")).join(", ")`)
	if want := "لا أشخاص, شخص واحد, شخصان, # أشخاص, # شخصًا, # شخص"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	site.Add(harness.Person{Name: "Ann Archer", Email: "ann@example.org"})
	users.SeeText("شخص واحد")
}

func TestALanguageIsChosenAndKept(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	site.Add(harness.Person{Name: "Ann Archer", Email: "ann@example.org"})
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	users.Go("/sync")
	users.See("combobox", "Language")
	harness.Eval[bool](users.Page, `(() => {
		const choice = document.querySelector("#language");
		choice.value = "de";
		return choice.dispatchEvent(new Event("change", { bubbles: true }));
	})()`)
	users.See("heading", "Zu klären")
	users.See("combobox", "Sprache")
	for name, screen := range map[string]harness.Screen{"choice-light": {Width: 390, Height: 2400, Phone: true}, "choice-dark": {Width: 1280, Height: 2000, Dark: true}} {
		users.Emulate(screen)
		users.WaitAnimations()
		shoot(users, name)
	}
	users.Reload()
	users.See("heading", "Zu klären")
	harness.Eventually(t, "the texts are kept", func() error {
		kept, err := harness.TryEval[bool](users.Page, `caches.keys().then(async (names) => {
			for (const name of names) for (const { url } of await (await caches.open(name)).keys()) if (/\/de\.\w+\.json$/.test(url)) return true;
			return false;
		})`)
		if err == nil && !kept {
			return fmt.Errorf("they are not in the cache")
		}
		return err
	})
	others := harness.Eval[string](users.Page, `caches.keys().then(async (names) => {
		const found = [];
		for (const name of names) for (const { url } of await (await caches.open(name)).keys()) if (/\/(es|fr|ar|ja)\.\w+\.json$/.test(url)) found.push(url);
		return found.join();
	})`)
	if others != "" {
		t.Errorf("languages that nobody speaks here are kept: %s", others)
	}
	b.Offline(site.Proxy, true)
	users.Go("/")
	users.SeeText("Offline – Änderungen werden synchronisiert")
	users.See("button", "Ann Archer bearbeiten")
}

// TestTheBrowsersLanguage: without a choice, the first of the browser's that is there.
func TestTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	b := harness.OpenBrowser(t)
	page := b.OpenWithScript(site.URL(), `Object.defineProperty(navigator, "languages", { get: () => ["pt-BR", "fr-CA", "en"] })`)
	page.See("heading", "Personnes")
	if got := harness.Eval[string](page, `document.documentElement.lang`); got != "fr" {
		t.Errorf("the page's language is %s", got)
	}
}
