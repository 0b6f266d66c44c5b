package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"pgregory.net/rapid"
)

func TestMarks(t *testing.T) {
	for _, c := range []struct{ text, search, want string }{
		{"José Núñez", "jose", "[José] Núñez"},
		{"JOSÉ", "e", "JOS[É]"},
		{"Jose\u0301 Li", "jose", "[Jose\u0301] Li"},
		{"Jose\u0301 Li", "e l", "Jos[e\u0301] [L]i"},
		{"Anna Straße", "strasse", "Anna [Straße]"},
		{"Straße", "s", "[S]tra[ß]e"},
		{"Anna", "an", "[An]na"},
		{"banana", "an", "b[anan]a"},
		{"Ann", "zz", "Ann"},
		{"Ann", "", "Ann"},
		{"ΝΙΚΟΣ", "νικοσ", "[ΝΙΚΟΣ]"},
		{"Łukasz Øst", "ost", "Łukasz [Øst]"},
		{"<b>&amp", "b>&", "<[b>&]amp"},
		{"Ann Archer", "archer ann", "[Ann] [Archer]"},
		{"Hannah Ann", "ann an", "H[ann]ah [Ann]"},
		// What a reader takes for one letter is not split.
		{"ｶﾞｽ", "ガ", "[ｶﾞ]ｽ"},
		{"किरण", "क", "[कि]रण"},
		{"क्षमा", "क", "[क्ष]मा"},
		{"น้ำ", "น", "[น้ำ]"},
		{"מֹשֶׁה", "מש", "[מֹשֶׁ]ה"},
		{"مُحَمَّد", "محمد", "[مُحَمَّد]"},
		{"👩\u200d👩\u200d👧 Ann", "👩", "[👩\u200d👩\u200d👧] Ann"},
		{"👍🏽", "👍", "[👍🏽]"},
		{"🇩🇪🇫🇷", "🇪🇫", ""},
		{"🇩🇪🇫🇷", "🇫🇷", "🇩🇪[🇫🇷]"},
		{"❤️", "❤", "[❤️]"},
	} {
		if c.want == "" { // what is between two letters is part of both
			c.want = "[" + c.text + "]"
		}
		if got := bracketed(c.text, api.FoldText(c.search)); got != c.want && strings.ReplaceAll(got, "][", "") != c.want {
			t.Errorf("%q in %q: got %q, want %q", c.search, c.text, got, c.want)
		}
	}
}

func bracketed(text, search string) string {
	out, at := "", 0
	for _, m := range marks(text, search) {
		out += text[at:m.from] + "[" + text[m.from:m.to] + "]"
		at = m.to
	}
	return out + text[at:]
}

// What the list finds, the row marks; and whatever is marked contains the search.
func TestMarksAreWhatTheSearchFinds(t *testing.T) {
	letters := rapid.SampledFrom([]string{"a", "A", "é", "e\u0301", "ß", "ﬁ", "İ", "ς", "Ø", " ", "\u00ad", "語", "\xff"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(letters, 0, 12).Draw(t, "text"), "")
		search := api.FoldText(strings.Join(rapid.SliceOfN(letters, 1, 3).Draw(t, "search"), ""))
		found := marks(text, search)
		folded := api.FoldText(text)
		if has := slices.ContainsFunc(strings.Fields(search), func(word string) bool { return strings.Contains(folded, word) }); has != (len(found) > 0) {
			t.Fatalf("%q in %q is marked in %v", search, text, found)
		}
		at := 0
		for _, m := range found {
			part := api.FoldText(text[m.from:m.to])
			if m.from < at || m.to <= m.from || !slices.ContainsFunc(strings.Fields(search), func(word string) bool { return strings.Contains(part, word) }) {
				t.Fatalf("%q in %q is marked in %v", search, text, found)
			}
			at = m.to
		}
	})
}

func TestMarkedHTMLEscapes(t *testing.T) {
	if got, want := markedHTML(`<i>"José"&`, "jose"), `&lt;i&gt;&#34;<mark>José</mark>&#34;&amp;`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("She has been with us for a long time. ", 9)
	for _, c := range []struct{ text, want string }{
		{"Sings in the choir", "Sings in the choir"},
		{"Reads maps", ""},
		{"Sings\n in the\tchoir", "Sings in the choir"},
		{long + "Sings in the choir", "…Sings in the choir"},
		{strings.Repeat("x", 50) + "choir", "…" + strings.Repeat("x", 14) + "choir"},
		{"choir " + strings.Repeat("é", 200), "choir " + strings.Repeat("é", 114) + "…"},
		{"choir " + strings.Repeat("👍🏽", 200), "choir " + strings.Repeat("👍🏽", 114) + "…"},
		{strings.Repeat("👍🏽", 50) + "choir", "…" + strings.Repeat("👍🏽", 7) + "choir"},
		{strings.Repeat("👍🏽", 50) + " choir", "…choir"},
	} {
		if got := excerpt(c.text, "choir"); got != c.want {
			t.Errorf("of %q: got %q, want %q", c.text, got, c.want)
		}
	}
}
