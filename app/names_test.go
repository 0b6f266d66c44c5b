package app

import (
	"net/url"
	"strings"
	"testing"
)

func TestAMailGoesToOneAddressAndSetsNoHeader(t *testing.T) {
	for email, want := range map[string]string{
		"ann@example.org":                     "mailto:ann@example.org",
		"ann.lee+news@example.org":            "mailto:ann.lee%2Bnews@example.org",
		"who?bcc=x@example.org":               "mailto:who%3Fbcc%3Dx@example.org",
		"a,b@example.org":                     "mailto:a%2Cb@example.org",
		"a&subject=x;b@example.org":           "mailto:a%26subject%3Dx%3Bb@example.org",
		"100%41@example.org":                  "mailto:100%2541@example.org",
		`"a@b c"@example.org`:                 "mailto:%22a%40b%20c%22@example.org",
		"#fragment@example.org?cc=y@evil.org": "mailto:%23fragment%40example.org%3Fcc%3Dy@evil.org",
		"jo@bücher.example":                   "mailto:jo@b%C3%BCcher.example",
		"no address":                          "mailto:no%20address",
	} {
		got := mailto(email)
		if got != want {
			t.Errorf("%s: got %s, want %s", email, got, want)
		}
		u, err := url.Parse(got)
		if err != nil || u.RawQuery != "" || u.Fragment != "" || u.String() != got {
			t.Errorf("%s is parsed as %#v (%v)", got, u, err)
		}
		if back, err := url.PathUnescape(strings.TrimPrefix(got, "mailto:")); err != nil || back != email {
			t.Errorf("%s leads to %q", got, back)
		}
	}
}

func TestATextTurnsNothingAroundIt(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		"Ann Archer":           "Ann Archer",
		"Żółć 李":               "Żółć 李",
		"שרה":                  "\u2068שרה\u2069",
		"علي":                  "\u2068علي\u2069",
		"Ann \u202ereversed":   "\u2068Ann \u202ereversed\u2069",
		"a\u2069b":             "\u2068ab\u2069",
		"a\u2067b":             "\u2068a\u2067b\u2069\u2069",
		"a\u2066b\u2069\u2069": "\u2068a\u2066b\u2069\u2069",
	} {
		if got := isolate(text); got != want {
			t.Errorf("%+q: got %+q, want %+q", text, got, want)
		}
	}
}

// TestPeoplesTextIsNoMarkup: a row is written as HTML, and what people type stays text in it.
func TestPeoplesTextIsNoMarkup(t *testing.T) {
	b := open(t, "/")
	const name = `</bdi><img src=x onerror="alert(1)">&amp;'`
	b.add(name, "ann@example.org")
	b.untilText(name)
	if b.has("img", "") {
		t.Error("a name became an element")
	}
	if !b.has("button", "Edit "+name) {
		t.Errorf("no button edits %s", name)
	}
}
