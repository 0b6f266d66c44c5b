package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
)

// TestWhatIsWrongIsASentence: each detail is found again as the sentence that it was made of, also after it was sent.
func TestWhatIsWrongIsASentence(t *testing.T) {
	text := func(s string) *string { return &s }
	found := map[string]bool{}
	for _, p := range []api.UserPatch{
		{}, {Name: text(""), Email: text("")}, {Name: text("\u200b"), Email: text("a b")}, {Name: text("\xff"), Email: text("a@b@c")},
		{Name: text("a\x01"), Email: text("a@"), Bio: text("\x02")}, {Name: text(strings.Repeat("a", 2000)), Email: text(strings.Repeat("a", 2000) + "@b.c"), Bio: text(strings.Repeat("b", 50_000))},
		{Email: text("a@-.x")}, {Email: text("a\u200bb@b.c")}, {Email: text("\uff41@b.c")}, {Email: text("a’b@b.c")},
		{Email: text("a@" + strings.Repeat("b", 70) + ".c")}, {Email: text("\xff@b.c")}, {Email: text("a@{1}{2}-.x")},
	} {
		_, errs := p.Clean(true)
		for _, e := range errs {
			sentence, places := e.Sentence()
			if !strings.HasPrefix(sentence, "{0} ") || strings.Count(sentence, "{")-1 != len(places) || api.Wrong(e.Field, sentence, places...) != e {
				t.Errorf("%+v is %q with %q", e, sentence, places)
			}
			found[sentence] = true
		}
	}
	if len(found) < 11 {
		t.Errorf("only these went wrong: %v", found)
	}
	if sentence, places := (api.FieldError{Field: "email", Detail: "is {1} odd"}).Sentence(); sentence != "{0} is {1} odd" || places != nil {
		t.Errorf("one that is not known is %q with %q", sentence, places)
	}
	if got := api.Wrong("name", api.IsShortPassword, "8").Detail; got != "must have at least 8 characters; a few words make a good one" {
		t.Errorf("it says %q", got)
	}
	if _, places := (api.FieldError{Detail: "is 12 characters long; at most 8 are allowed"}).Sentence(); !slices.Equal(places, []string{"12", "8"}) {
		t.Errorf("its numbers are %q", places)
	}
}
