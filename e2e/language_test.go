//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
	b, err := os.ReadFile(filepath.Join("..", "web", "languages", code+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var catalogue map[string]any
	if err := json.Unmarshal(b, &catalogue); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Collect(maps.Keys(catalogue)), func(english string) bool {
		words := strings.TrimSpace(strings.NewReplacer("{0}", "", "{1}", "", "{n}", "", ":", "", ".", "", ",", "").Replace(english))
		return len(words) < 3 || catalogue[english] == english
	})
}

// remains finds the texts of a page that are still English, among those that a person sees or hears.
const remains = `(texts => {
	const escaped = (s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
	const english = new RegExp("^(?:" + texts.map((s) => escaped(s).replace(/\\\{(\d|n)\\\}/g, ".+?")).join("|") + ")$");
	const own = (node) => node.parentElement?.closest("[translate=no], .notranslate, script, style, noscript, svg");
	const found = [];
	const look = (text) => { if (text && english.test(text.trim())) found.push(text.trim()); };
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node; (node = walker.nextNode()); ) if (!own(node) && !node.parentElement.closest("[hidden]")) look(node.data);
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

func TestEachLanguage(t *testing.T) {
	t.Parallel()
	l := openLived(t)
	users, ann := l.directory, l.ann
	for code, want := range languages {
		t.Run(code, func(t *testing.T) {
			english, err := json.Marshal(englishTexts(t, code))
			if err != nil {
				t.Fatal(err)
			}
			check := func(page string) {
				t.Helper()
				users.WaitAnimations()
				if left := harness.Eval[string](users.Page, remains+"("+string(english)+")"); left != "" {
					t.Errorf("%s has English in it:\n%s", page, left)
				}
				for _, screen := range []harness.Screen{narrow, screens["desktop light"]} {
					users.Emulate(screen)
					users.fits(page)
					if squeezed := harness.Eval[string](users.Page, `[...document.querySelectorAll("p")].filter((p) =>
						p.checkVisibility() && p.textContent.length > 40 && p.clientWidth < 130 && !p.closest("td, .unseen")).map((p) => p.textContent).join("\n")`); squeezed != "" {
						t.Errorf("%s leaves no room in a window of %d for:\n%s", page, screen.Width, squeezed)
					}
					shoot(users, fmt.Sprintf("%s-%s-%d", code, page, screen.Width))
				}
				if code == "ar" { // the others have English's tree, which is looked at elsewhere
					accessible(t, users.Page)
				}
			}
			users.Go("/")
			speak(users, code)
			users.SeeText("Bob Baker")
			check("list")
			users.Go("/?add=1")
			harness.Eventually(t, "the form", func() error {
				open, err := harness.TryEval[bool](users.Page, `Boolean(document.querySelector("dialog[open]"))`)
				if err == nil && !open {
					return fmt.Errorf("it is closed")
				}
				return err
			})
			harness.Eval[bool](users.Page, `(document.querySelector("#user-form [type=submit]").click(), true)`)
			check("form")
			users.Go("/users/" + ann)
			users.SeeText("Draws maps")
			check("user")
			users.Go("/account")
			harness.Eventually(t, "the account", func() error {
				return harness.Equal("there is an answer", harness.Eval[bool](users.Page, `Boolean(document.querySelector(".empty-state"))`), true)
			})
			check("account")
			users.Go("/sync")
			users.SeeText(want.sync)
			check("sync")
			harness.Eval[bool](users.Page, `(document.querySelector("[id^=discard-operation]").click(), true)`)
			check("dialog")
			if got := harness.Eval[string](users.Page, `rollcallLanguage.day("2026-03-01T12:00:00Z")`); got != want.day && want.day != "" {
				t.Errorf("a day is %q, want %q", got, want.day)
			}
			if lacking := harness.Eval[string](users.Page, fmt.Sprintf(`new Intl.PluralRules(%q).resolvedOptions().pluralCategories.join()`, code)); !hasForms(t, code, strings.Split(lacking, ",")) {
				t.Errorf("the browser's categories are %s", lacking)
			}
			rightToLeft := harness.Eval[string](users.Page, `getComputedStyle(document.body).direction`) == "rtl"
			if rightToLeft != (code == "ar") {
				t.Errorf("written from the right: %v", rightToLeft)
			}
		})
	}
}

// hasForms reports whether the plurals of a language have these categories.
func hasForms(t *testing.T, code string, categories []string) bool {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "web", "languages", code+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var catalogue map[string]any
	if err := json.Unmarshal(b, &catalogue); err != nil {
		t.Fatal(err)
	}
	forms, _ := catalogue["{n} users"].(map[string]any)
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
	users.looksRight("language choice")
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
