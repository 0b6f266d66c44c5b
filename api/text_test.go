package api

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNormalText(t *testing.T) {
	for text, want := range map[string]string{
		"one\r\ntwo\rthree\nfour": "one\ntwo\nthree\nfour",
		"E\u0301tienne":           "Étienne",
		"\u1112\u1161\u11ab":      "한",
		"plain":                   "plain",
	} {
		if got := NormalText(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestWhatAPersonSeesAsOneText(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"one\r\ntwo", "one\ntwo", true},
		{"one\r\n", "one", true},
		{"E\u0301", "É", true},
		{"\u200eAnn\u200b ", "Ann", true},
		{" indented", "indented", false},
		{"one\n\ntwo", "one\ntwo", false},
		{"\u2764\ufe0f", "\u2764", false},
		{"Ann", "ann", false},
	} {
		if got := SameText(c.a, c.b); got != c.same {
			t.Errorf("%q and %q are one: %v", c.a, c.b, got)
		}
	}
}

func TestNamesAreStoredWithoutWhatNobodySees(t *testing.T) {
	for text, want := range map[string]string{
		"  Padded  ":                     "Padded",
		"\u200e\ufeffAnn\u200b":          "Ann",
		"\u2067Ann\u2069":                "Ann",
		"\u00a0Ann\u3000":                "Ann",
		"I \u2764\ufe0f":                 "I \u2764\ufe0f",
		"\U0001f3f4\U000e0067\U000e007f": "\U0001f3f4\U000e0067\U000e007f",
		"می\u200cخواهم":                  "می\u200cخواهم",
		"Double  Space":                  "Double  Space",
		"\u200b":                         "",
	} {
		patch, errs := UserPatch{Name: &text}.Clean(false)
		if *patch.Name != want || (want == "") != (len(errs) > 0) {
			t.Errorf("%q is stored as %q, want %q; %v", text, *patch.Name, want, errs)
		}
	}
	for _, text := range []string{"\u2800", "\u3164", "\u2800\ufe0f", "\u115f\u1160", "a\tb", "a\nb", "a\x00b"} {
		if _, errs := (UserPatch{Name: &text}).Clean(false); len(errs) == 0 {
			t.Errorf("the name %q is taken", text)
		}
	}
}

func TestWhatIsFoundUnderOneText(t *testing.T) {
	for _, group := range [][]string{
		{"Étienne", "E\u0301tienne", "etienne", "ETIENNE"},
		{"İSTANBUL Yılmaz", "istanbul yilmaz", "ISTANBUL YILMAZ", "ıstanbul yılmaz"},
		{"Νίκος", "ΝΙΚΟΣ", "νικοσ", "νικος"},
		{"Großmann", "GROẞMANN", "grossmann", "GROSSMANN"},
		{"\u212aelvin", "kelvin"},
		{"ﬁona", "fiona"},
		{"Ｗｉｄｅ", "wide"},
		{"Søren Ærø", "soren aero"},
		{"Đorđe Łukasz", "dorde lukasz"},
		{"ſam", "sam"},
		{"שָׁלוֹם", "שלום"},
		{"مُحَمَّد", "محمد"},
		{"Ёлка", "елка"},
		{"Ann\u200b Lee", "ann lee"},
		{"O’Brien", "o'brien", "Oʼbrien", "O‘BRIEN"},
		{"Jean–Luc", "jean-luc", "Jean‐Luc", "Jean\u2011Luc"},
		{"علی", "علي", "على"},
		{"کریم", "كريم", "كـريم"},
		{"فاطمة", "فاطمه"},
	} {
		for _, s := range group {
			if got, want := FoldText(s), FoldText(group[0]); got != want {
				t.Errorf("%q is folded to %q, and %q to %q", s, got, group[0], want)
			}
		}
	}
	if FoldText("กำ") == FoldText("กา") || FoldText("कि") == FoldText("क") {
		t.Error("vowels of Thai or Devanagari are lost")
	}
}

func TestFoldingAndNormalFormsAreStable(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("aAéE\u0301\u0323ßẞıİſςΣﬁＡ\u200b\u1112\u1161\r\n😀が\u3099")))
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		if once := FoldText(s); FoldText(once) != once || FoldText(NormalText(s)) != FoldText(s) && !strings.Contains(s, "\r") {
			t.Fatalf("%q is folded to %q, then to %q; its normal form to %q", s, once, FoldText(once), FoldText(NormalText(s)))
		}
		if once := NormalText(s); NormalText(once) != once {
			t.Fatalf("the normal form of %q is %q, then %q", s, once, NormalText(once))
		}
		if key := EmailKey(s + "@x.example"); EmailKey(key) != key {
			t.Fatalf("the key of %q is %q, then %q", s, key, EmailKey(key))
		}
	})
}
