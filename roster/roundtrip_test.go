package roster_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/rostertest"
)

// TestWindows1252IsTheLibrarys: the table here is that of golang.org/x/text.
func TestWindows1252IsTheLibrarys(t *testing.T) {
	for b := range 256 {
		want := string(charmap.Windows1252.DecodeByte(byte(b)))
		if b == '\n' || b == '\r' || b == '"' || b == 0 {
			continue
		}
		text := "{\"name\":\"x" + strings.ReplaceAll(string([]byte{byte(b)}), `\`, `\\`) + "\"}"
		_, all, err := read(t, text, roster.Options{Encoding: roster.Windows1252})
		if err != nil || len(all) != 1 {
			t.Fatalf("%#x: %v (%v)", b, all, err)
		}
		switch {
		case b < ' ' && all[0].Problem != nil: // no JSON
		case want == string(utf8.RuneError) && all[0].Problem != nil:
		case all[0].Entry.Name == nil || *all[0].Entry.Name != "x"+want:
			t.Errorf("%#x is %s, want x%s", b, shown(all[0]), want)
		}
	}
}

var ends = strings.NewReplacer("\r\r\n", "\n", "\r\n", "\n", "\r", "\n")

// comesBack writes a person and reads them again; only ends of lines may be others.
func comesBack(t tester, u api.User, byteOrderMark bool) {
	t.Helper()
	var file bytes.Buffer
	w, err := roster.NewCSVWriter(&file, byteOrderMark)
	if err == nil {
		err = errors.Join(w.Write(u), w.Write(u), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	f, all, err := read(t, file.String(), roster.Options{})
	if err != nil || len(all) != 2 || !f.OwnExport || strings.HasPrefix(file.String(), "\ufeff") != byteOrderMark {
		t.Fatal(fmt.Sprintf("%q: %+v (%v)", &file, all, err))
	}
	inert(t, file.String())
	for _, l := range all {
		if l.Problem != nil || l.Entry.ID != u.ID || *l.Entry.Name != u.Name || *l.Entry.Email != u.Email || *l.Entry.Bio != ends.Replace(u.Bio) {
			t.Fatal(fmt.Sprintf("%+v came back as %s of\n%s", u, shown(l), &file))
		}
	}
}

// inert fails the test when a program that splits the file at any separator, with quotes or
// without regard to them, finds a formula at the beginning of a cell, or where a cell is not in
// quotes.
func inert(t tester, file string) {
	t.Helper()
	skipped := func(r rune) bool {
		return r == '"' || unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector) || strings.ContainsRune("\u034f\u115f\u2800\u3164\uffa0", r)
	}
	for cell := range strings.FieldsFuncSeq(file, func(r rune) bool { return strings.ContainsRune(",;|\t\r\n\v\f\u0085\u2028\u2029", r) }) {
		sign, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(cell, skipped))
		if strings.ContainsRune("=+-@＝＋－＠﹦﹢﹣﹫", sign) {
			t.Fatal(fmt.Sprintf("a spreadsheet may run %q of\n%s", cell, file))
		}
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(fmt.Sprintf("no CSV (%v):\n%s", err, file))
	}
	quotes := 0
	for _, row := range rows {
		quotes += 2*len(row) + 2*strings.Count(strings.Join(row, ""), `"`)
	}
	if n := strings.Count(file, `"`); n != quotes {
		t.Fatal(fmt.Sprintf("%d quotes, want %d in\n%s", n, quotes, file))
	}
}

// TestFormulas: an apostrophe stands before whatever a spreadsheet may run, and nowhere else.
func TestFormulas(t *testing.T) {
	for bio, want := range map[string]string{
		"=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0", "x;=cmd": "x;'=cmd", "a\t=1+1": "a\t'=1+1", "a\n=cmd": "a\n'=cmd",
		"a,+1|-2;@x": "a,'+1|'-2;'@x", "x;  =1": "x;'  =1", "x;\u200b\u00a0=1": "x;'\u200b\u00a0=1", `x;"=1"`: `x;'""=1""`,
		"x;＝1,＋1,－1,＠1": "x;'＝1,'＋1,'－1,'＠1", "'=1": "''=1", "x;''=1": "x;'''=1", "x;'quoted'": "x;'quoted'",
		"\tx": "'\tx", "\n\nx": "'\n\nx", "a\n\n- b\n\nc": "a\n\n'- b\n\nc", "\t=1": "'\t'=1", "a - b = c": "a - b = c", "a-b;c=d": "a-b;c=d",
		"'": "'", "x;'": "x;'", " ' =1": "' ' =1", "a\u2028=1": "a\u2028'=1", "x;﹦1": "x;'﹦1", ";=\";=1": ";'=\"\";'=1",
	} {
		var file bytes.Buffer
		u := api.User{ID: person(1), Name: "A", Email: "a@x.org", Bio: bio}
		comesBack(t, u, false)
		w, err := roster.NewCSVWriter(&file, false)
		if err := errors.Join(err, w.Write(u), w.Close()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(file.String(), `,"`+want+`",`) {
			t.Errorf("%q is written as\n%s\nwant %q", bio, &file, want)
		}
	}
}

// TestExportsOfOlderVersions: they have apostrophes at the beginning of a text only.
func TestExportsOfOlderVersions(t *testing.T) {
	text := strings.Join(roster.Columns, ",") + "\n,'=A,a@x.org,\"'=1;=2\",,,\n,'B,b@x.org,\"'- one\n'- two\n- three\",,,\n,C,c@x.org,\"x\n'- two\n- three\",,,\n"
	readAs(t, text, roster.Options{}, `2 =A <a@x.org> "=1;=2"`, `3 'B <b@x.org> "- one\n'- two\n- three"`, `6 C <c@x.org> "x\n'- two\n- three"`)
}

// TestWritten: what was written comes back the same, with a mark and without.
func TestWritten(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("ab'=+-@\t\r\n\",;| ＝é{}\\\ufeff\u200b\u2028")))
	rapid.Check(t, func(t *rapid.T) {
		u := api.User{
			ID:    "7c000000-0000-4000-8000-000000000001",
			Name:  strings.NewReplacer("\r", "", "\n", "").Replace(text.Draw(t, "name")),
			Email: "a@x.org", Bio: text.Draw(t, "bio"), Version: 1,
		}
		comesBack(t, u, rapid.Bool().Draw(t, "marked"))
	})
	// A text that has lines of such a file in it.
	row := "7c000000-0000-4000-8000-000000000002,B,b@x.org,x,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,1"
	comesBack(t, api.User{ID: "7c000000-0000-4000-8000-000000000001", Name: "A", Email: "a@x.org", Bio: "see:\n" + row + "\nB,b@x.org\n" + row}, false)
	comesBack(t, api.User{ID: person(1), Name: "A", Email: "a@x.org", Bio: "x,a,b,5\n" + row}, false)
}

func FuzzWritten(f *testing.F) {
	f.Add("Ann", "a@x.org", "bio\n\"'=1", true)
	f.Add("x;'=1", "a;-@b", "\u200b =1\n\n'@\t'+1;\"=\"", false)
	f.Add("0", "@", "\ufeffemAil,Bio \r", false)
	f.Add("'=A", "'@", "\ufeffid,name,email,bio,createdAt,updatedAt,version", false)
	f.Fuzz(func(t *testing.T, name, email, bio string, marked bool) {
		u := api.User{ID: "7c000000-0000-4000-8000-000000000001", Name: name, Email: email, Bio: bio, CreatedAt: time.Unix(1, 0)}
		if len(name+email+bio) > 20_000 || !utf8.ValidString(name) || !utf8.ValidString(email) || !utf8.ValidString(bio) || strings.ContainsAny(name+email, "\r\n") || strings.ContainsAny(name+email+bio, "\x00\x1a") {
			return // no user can be so, and no file of text
		}
		comesBack(t, u, marked)
	})
}

// FuzzOpen: whatever a file holds, it is refused in words, or each line is told of at
// most once, in order, and twice the same.
func FuzzOpen(f *testing.F) {
	for _, text := range []string{
		"email\na\n", "name;email\r\n\"a\r\nb\";c\r\n", "email\n\"\n\"\"\n\"x", "\xef\xbb\xbfid\tname\n'=1\t\n", "\xff\xfe", `{"name":"A"}`, "{}\n\n[", "",
		"[{},\n{\"a\":{}}", "{\n}{", "BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:=\n a=\nBEGIN:VCARD\nEND:VCARD", "sep=;\nemail", "n\x00a\x00", "name,email\nJ\xfc,a@b\n\"x,b@c\nc\",d@e",
		`{"n":1,"users":[{"email":"a@b"},{}],"x":{"y":[{"` + "\n" + `"}`, `{"names":[{"givenName":"\ud83d"}],"emails":[{"value":"mailto:a@b"}],"x":1}`,
		"[[\"name\",\"email\"],\n[\"A\",\"a@b\"\n[\"B\",[1,null]],[{}],\"", `[["email"],["a@b"]][["c@d"]`,
	} {
		for i := range 5 {
			f.Add(text, uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, text string, said uint8) {
		var o roster.Options
		if n := int(said); n > 0 && n <= len(roster.Encodings) {
			o.Encoding = roster.Encodings[n-1]
		}
		file, all, err := read(t, text, o)
		var refusal *roster.Refusal
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Reason == nil {
				t.Errorf("open: %v", err)
			}
			return
		}
		most := strings.Count(text, "\n") + strings.Count(text, "\r") + 1
		if file.Encoding == roster.UTF16LE || file.Encoding == roster.UTF16BE {
			most = len(text)/2 + 1
		}
		last := roster.Line{}
		for _, line := range all {
			inOrder := line.Number > last.Number || (file.Format == roster.JSON && line.Number == last.Number && line.Item > last.Item)
			if !inOrder || line.Number > most || (line.Problem != nil && !utf8.ValidString(line.Problem.String())) {
				t.Fatalf("after %+v comes %+v", last, line)
			}
			for _, s := range []*string{&line.Entry.ID, line.Entry.Name, line.Entry.Email, line.Entry.Bio} {
				if line.Problem == nil && s != nil && !utf8.ValidString(*s) {
					t.Fatalf("%+v has what is no text: %q", line, *s)
				}
			}
			last = line
		}
	})
}

// TestStreamed: a long file takes no more memory than a short one.
func TestStreamed(t *testing.T) {
	var peak uint64
	g := &rostertest.Long{Lines: 60_000, Each: func(line int) { // 31 MB, read twice
		if line%10_000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}}
	f, err := roster.Open(g, roster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for err == nil {
		if _, err = f.Next(); err == nil {
			n++
		}
	}
	if !errors.Is(err, io.EOF) || n != g.Lines || f.Lines != n {
		t.Errorf("%d lines, said %d (%v)", n, f.Lines, err)
	}
	if peak > 8<<20 {
		t.Errorf("%d kB are in use", peak>>10)
	}
}
