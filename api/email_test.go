package api

import (
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"pgregory.net/rapid"
)

// byNetMail is what the standard library accepts as an address and gives back
// unchanged.
func byNetMail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s && !strings.Contains(s, "[")
}

func bothDotAtoms(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && utf8.ValidString(s) && isDotAtom(local) && isDotAtom(domain)
}

func TestDotAtomsAgreeWithNetMail(t *testing.T) {
	for _, s := range []string{
		"ann@example.org", "a.b+c@x", "ann", "@x", "a@", "a@@b", "a..b@x", ".a@x", "a.@x", "a@x.", "Ann <ann@x>", "<a@x>",
		`"a b"@x`, "a b@x", "a@x y", "a@[192.0.2.1]", "ä@exämple.org", "a(c)@x", "a,b@x", "a\xff@x", " a@x", "a@x\n", "",
	} {
		if got, want := bothDotAtoms(s), byNetMail(s); got != want {
			t.Errorf("%q: %v, net/mail says %v", s, got, want)
		}
	}
	text := rapid.StringOfN(rapid.SampledFrom([]rune(`ab1.@@.-+_"<>(),;: []é\`)), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		if got, want := bothDotAtoms(s), byNetMail(s); got != want {
			t.Fatalf("%q: %v, net/mail says %v", s, got, want)
		}
	})
}

func TestWhatMakesTwoEmailsOne(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"UPPER.Case@Example.ORG", "upper.case@example.org", true},
		{" ann@example.org\u200b", "\ufeffann@example.org", true},
		{"idn@bücher.example", "IDN@xn--bcher-kva.example", true},
		{"idn@BÜCHER.example", "idn@bu\u0308cher.example", true},
		{"\u212aelvin@\u212a.example", "kelvin@k.example", true},
		{"ange\u0301@x.example", "angé@x.example", true},
		{"groß@x.example", "gross@x.example", false},
		{"a@straße.example", "a@strasse.example", false},
		{"ann@example.org", "an@example.org", false},
		{"ı@x.example", "i@x.example", false},
	} {
		if got := EmailKey(c.a) == EmailKey(c.b); got != c.same {
			t.Errorf("%q and %q are one: %v; keys %q and %q", c.a, c.b, got, EmailKey(c.a), EmailKey(c.b))
		}
	}
}

func TestEmailsThatAreRefused(t *testing.T) {
	for email, want := range map[string]string{
		"ann@example.org": "", "o'brien+tag@example.org": "", "üser@example.org": "", "用户@例子.example": "", "idn@xn--bcher-kva.example": "",
		"root@localhost": "", "x@a_b.example": "", "a@ıstanbul.example": "", "a@l·l.example": "",
		"":                       "is required",
		"an\u200bn@example.org":  "nobody sees",
		"ann@exam\u00adple.org":  "nobody sees",
		"ann\u00a0b@example.org": "nobody sees",
		"a\u202eb@example.org":   "nobody sees",
		"o’brien@example.org":    "no address has",
		"jean–luc@example.org":   "no address has",
		"“ann”@example.org":      "no address has",
		"l·l@example.org":        "", "שלום״א@example.org": "", "אב३@example.org": "",
		"ſam@example.org":                           "only looks like",
		"ａｎｎ@example.org":                           "only looks like",
		"ann@ｅxample.org":                           "only looks like",
		"ann＠example.org":                           "not an email address",
		"ﬁ@example.org":                             "only looks like",
		"tail@example.org.":                         "not an email address",
		"two@@example.org":                          "not an email address",
		"ip@[192.0.2.1]":                            "not an email address",
		"x@exam!ple.org":                            "the part",
		"x@-a.example":                              "the part",
		"x@xn--zzzzzzzz999.example":                 "the part",
		"x@xn--abc.example":                         "the part",
		"x@☃.example":                               "the part",
		"x@" + strings.Repeat("a", 64) + ".example": "over 63",
	} {
		patch, errs := UserPatch{Email: &email}.Clean(false)
		got := ""
		if len(errs) > 0 {
			got = errs[0].Detail
		}
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q (%q): %q, want %q", email, *patch.Email, got, want)
		}
	}
}

// TestDomainsAgreeWithIDNA holds the labels' ASCII forms to golang.org/x/net/idna,
// which knows IDNA 2008 whole: what both take is one.
func TestDomainsAgreeWithIDNA(t *testing.T) {
	letters := []rune("aAzZ09-_üÜßéñçøıİæσςΣжЖшعبשלהहिन例子中国한국กข\u0308\u0301\u0131\u1e9e\u00b7\u0149")
	text := rapid.StringOfN(rapid.SampledFrom(letters), 1, 20, -1)
	both := 0
	rapid.Check(t, func(t *rapid.T) {
		label := text.Draw(t, "label")
		theirs, err := idna.Lookup.ToASCII(label)
		ours, wrong := aLabel(label)
		if err != nil || wrong != nil || norm.NFKC.String(label) != norm.NFC.String(label) {
			return
		}
		if strings.ContainsAny(label, "İ\u1e9e") {
			return // mapped to two letters there, to one here, letter by letter
		}
		both++
		if ours != theirs {
			t.Fatalf("%q is %q, and idna has %q", label, ours, theirs)
		}
		if decoded, err := decodePunycode(strings.TrimPrefix(ours, acePrefix)); strings.HasPrefix(ours, acePrefix) &&
			(err != nil || acePrefix+must(encodePunycode(decoded)) != ours) {
			t.Fatalf("%q decodes to %q (%v)", ours, decoded, err)
		}
	})
	if both < 20 {
		t.Errorf("only %d labels were compared", both)
	}
}

func must(s string, err error) string {
	if err != nil {
		return err.Error()
	}
	return s
}
