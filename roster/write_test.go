package roster_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
)

func written(t tester, format roster.Format, users ...api.User) string {
	t.Helper()
	var file bytes.Buffer
	w, err := roster.NewWriter(&file, format, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if err := w.Write(u); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// TestCardsAndArrays: what is written comes back the same, in lines that others take.
func TestCardsAndArrays(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("ab \\,;:\n\"'=n\tëʒ😀é{}[]")))
	rapid.Check(t, func(t *rapid.T) {
		u := api.User{ID: person(1), Name: "n" + strings.ReplaceAll(text.Draw(t, "name"), "\n", "") + "x", Email: "a;b@x.org", Bio: text.Draw(t, "bio"), UpdatedAt: time.Unix(1, 0)}
		comesBackAs(t, roster.VCard, u)
		comesBackAs(t, roster.JSON, u)
	})
	long := api.User{ID: person(1), Name: strings.Repeat("ë", 200), Email: "a@x.org", Bio: strings.Repeat("😀,\\n;\n", 300)}
	comesBackAs(t, roster.VCard, long)
	for line := range strings.SplitSeq(written(t, roster.VCard, long), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Fatalf("a line has %d bytes: %q", len(line), line)
		}
	}
	for _, n := range []int{0, 1, 2} {
		var all []api.User
		if err := json.Unmarshal([]byte(written(t, roster.JSON, make([]api.User, n)...)), &all); err != nil || len(all) != n {
			t.Errorf("%d users are %v (%v)", n, all, err)
		}
	}
	if got, want := written(t, roster.VCard, api.User{ID: person(1), Name: "Ann", Email: "a@x.org"}),
		"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:"+person(1)+"\r\nFN:Ann\r\nEMAIL:a@x.org\r\nEND:VCARD\r\n"; got != want {
		t.Errorf("a card is\n%s\nwant\n%s", got, want)
	}
}

func comesBackAs(t tester, format roster.Format, u api.User) {
	t.Helper()
	file := written(t, format, u, u)
	f, all, err := read(t, file, roster.Options{})
	if err != nil || len(all) != 2 || f.Format != format {
		t.Fatal(fmt.Sprintf("%q: %+v (%v)", file, all, err))
	}
	for _, l := range all {
		bio := ""
		if l.Entry.Bio != nil {
			bio = *l.Entry.Bio
		}
		if l.Problem != nil || *l.Entry.Name != u.Name || *l.Entry.Email != u.Email || bio != u.Bio {
			t.Fatal(fmt.Sprintf("%+v came back as %s of\n%s", u, shown(l), file))
		}
	}
}

func FuzzCards(f *testing.F) {
	f.Add("Ann", "a@x.org", "bio\\n, x;")
	f.Add("\u200bA:B", "ë@x.org", "\\\\n\n ")
	f.Fuzz(func(t *testing.T, name, email, bio string) {
		// As users are: package api trims their texts, and has no other control characters.
		stored, errs := api.UserPatch{Name: &name, Email: &email, Bio: &bio}.Clean(true)
		if len(errs) > 0 || strings.ContainsFunc(*stored.Name, func(r rune) bool { return r == '\ufeff' || unicode.IsControl(r) }) {
			return
		}
		comesBackAs(t, roster.VCard, api.User{ID: person(1), Name: *stored.Name, Email: *stored.Email, Bio: *stored.Bio})
		comesBackAs(t, roster.JSON, api.User{ID: person(1), Name: *stored.Name, Email: *stored.Email, Bio: *stored.Bio})
	})
}
