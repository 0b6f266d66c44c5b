package app

import (
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
)

// shouting is a language of which only these texts are known.
type shouting struct {
	english
	known []string
}

func (s shouting) Text(text string) string {
	for _, k := range s.known {
		if k == text {
			return strings.ToUpper(text)
		}
	}
	return text
}

func TestProblemsAreExplainedAsFarAsTheyAreKnown(t *testing.T) {
	speak(t, shouting{known: []string{"Name taken.", "Server busy: try later.", "Invalid user.", "{0} is required", "{0}.", "Name"}})
	for want, p := range map[string]*api.Problem{
		"NAME TAKEN.":                        api.NewProblem(api.CodeConflict, "Name taken", "another account has the name ann"),
		"SERVER BUSY: TRY LATER.":            api.NewProblem(api.CodeUnavailable, "Server busy", "try later"),
		"Unheard of: it happens.":            api.NewProblem(api.CodeInternal, "Unheard of", "it happens"),
		"INVALID USER. NAME IS REQUIRED.":    api.NewProblem(api.CodeInvalid, "Invalid user", "", api.FieldError{Field: "name", Detail: "is required"}),
		"Not quite. email is quite strange.": api.NewProblem(api.CodeInvalid, "Not quite", "", api.FieldError{Field: "email", Detail: "is quite strange"}),
	} {
		if got := problemText(p); got != want && got != strings.Replace(want, "email", "Email", 1) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestWhatIsWrongWithAFieldIsASentence: what package api says of one is known here.
func TestWhatIsWrongWithAFieldIsASentence(t *testing.T) {
	text := func(s string) *string { return &s }
	found := map[string]bool{}
	for _, p := range []api.UserPatch{
		{}, {Name: text(""), Email: text("")}, {Name: text("\u200b"), Email: text("a b")}, {Name: text("\xff"), Email: text("a@b@c")},
		{Name: text("a\x01"), Email: text("a@"), Bio: text("\x02")}, {Name: text(strings.Repeat("a", 2000)), Email: text(strings.Repeat("a", 2000) + "@b.c"), Bio: text(strings.Repeat("b", 50_000))},
		{Name: text("a"), Email: text("no address")}, {Name: text("a"), Email: text("a@-.x")}, {Name: text("a"), Email: text("ä@b.c")},
		{Name: text("a"), Email: text("a\u200bb@b.c")}, {Name: text("a"), Email: text("\uff41@b.c")}, {Name: text("a"), Email: text("a’b@b.c")},
		{Name: text("a"), Email: text("a@" + strings.Repeat("b", 70) + ".c")}, {Name: text("a"), Email: text("\xff@b.c")},
	} {
		_, errs := p.Clean(true)
		for _, e := range errs {
			found[e.Detail] = true
		}
	}
	if len(found) < 12 {
		t.Fatalf("only these are known to go wrong: %v", found)
	}
	for detail := range found {
		if got := strings.ReplaceAll(fieldErrorText("Name", detail), ",", ""); got != "Name "+strings.ReplaceAll(detail, ",", "") {
			t.Errorf("%q is said as %q", detail, got)
		}
	}
}
