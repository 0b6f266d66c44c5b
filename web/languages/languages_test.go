// Package languages_test holds the catalogues to the texts that are in use, and to what CLDR says of
// each language.
package languages_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// entry is a text, or one for each category of a plural.
type entry map[string]string

func (e *entry) UnmarshalJSON(b []byte) error {
	if b[0] == '{' {
		type plain entry
		return json.Unmarshal(b, (*plain)(e))
	}
	var s string
	err := json.Unmarshal(b, &s)
	*e = entry{"": s}
	return err
}

func catalogues(t *testing.T) map[string]map[string]entry {
	t.Helper()
	names, err := filepath.Glob("*.json")
	if err != nil || len(names) != 5 {
		t.Fatalf("the catalogues are %v (%v)", names, err)
	}
	all := map[string]map[string]entry{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var c map[string]entry
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[strings.TrimSuffix(name, ".json")] = c
	}
	return all
}

func TestEveryTextIsTranslated(t *testing.T) {
	inUse := inUse(t)
	if len(inUse) < 500 {
		t.Fatalf("only %d texts were found", len(inUse))
	}
	for code, c := range catalogues(t) {
		for english, text := range inUse {
			translated, ok := c[english]
			if !ok {
				t.Errorf("%s lacks %q (%s)", code, english, text.where)
				continue
			}
			if isPlural := translated[""] == "" && english != " "; isPlural != (text.one != "") {
				t.Errorf("%s: of %q one is a plural and the other is not", code, english)
			}
			for category, form := range translated {
				samePlaces(t, code, english, category, form)
			}
		}
		for english := range c {
			if _, ok := inUse[english]; !ok {
				t.Errorf("%s translates %q, which nobody says", code, english)
			}
		}
	}
}

var place = regexp.MustCompile(`\{(\d|n)\}`)

func samePlaces(t *testing.T, code, english, category, form string) {
	t.Helper()
	want, got := place.FindAllString(english, -1), place.FindAllString(form, -1)
	slices.Sort(want)
	slices.Sort(got)
	if slices.Contains([]string{"zero", "one", "two"}, category) && !slices.Contains(got, "{n}") {
		want = slices.DeleteFunc(want, func(s string) bool { return s == "{n}" }) // the words say it
	}
	if !slices.Equal(want, got) {
		t.Errorf("%s: %q has other places than %q", code, form, english)
	}
	if strings.TrimSpace(form) != form && english != " " {
		t.Errorf("%s: %q has space around it", code, form)
	}
}

// categoriesOf are the plural categories of whole numbers, as CLDR has them.
func categoriesOf(code string) map[string]bool {
	names := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}
	categories := map[string]bool{}
	for n := range 1000 {
		categories[names[plural.Cardinal.MatchPlural(language.MustParse(code), n, 0, 0, 0, 0)]] = true
	}
	return categories
}

func TestEveryPluralHasTheLanguagesCategories(t *testing.T) {
	if n := len(categoriesOf("ar")); n != 6 {
		t.Fatalf("Arabic has %d categories", n)
	}
	for code, c := range catalogues(t) {
		categories := categoriesOf(code)
		for english, e := range c {
			if _, plain := e[""]; plain {
				continue
			}
			for category := range categories {
				if e[category] == "" {
					t.Errorf("%s: %q has no form for %q", code, english, category)
				}
			}
		}
	}
}

func TestArabicCounts(t *testing.T) {
	users := catalogues(t)["ar"]["{n} users"]
	for n, want := range map[int]string{0: "لا أشخاص", 1: "شخص واحد", 2: "شخصان", 3: "{n} أشخاص", 11: "{n} شخصًا", 100: "{n} شخص"} {
		form := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}[plural.Cardinal.MatchPlural(language.Arabic, n, 0, 0, 0, 0)]
		if users[form] != want {
			t.Errorf("%d is %q, want %q", n, users[form], want)
		}
	}
}

// TestTheScriptOffersTheCatalogues: each by its own name, and English.
func TestTheScriptOffersTheCatalogues(t *testing.T) {
	script, err := os.ReadFile("../language.js")
	if err != nil {
		t.Fatal(err)
	}
	var offered []string
	_, list, _ := strings.Cut(string(script), "const offered = [")
	list, _, _ = strings.Cut(list, ";")
	for _, m := range regexp.MustCompile(`\["(\w\w)", "`).FindAllStringSubmatch(list, -1) {
		offered = append(offered, m[1])
	}
	want := []string{"en"}
	for code := range catalogues(t) {
		want = append(want, code)
	}
	slices.Sort(want)
	slices.Sort(offered)
	if !slices.Equal(offered, want) {
		t.Errorf("offered are %v, want %v", offered, want)
	}
}
