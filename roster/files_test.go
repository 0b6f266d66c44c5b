package roster_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/roster"
)

// tester is a test, or one of rapid.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// read opens a file and reads all of it.
func read(t tester, text string, o roster.Options) (*roster.File, []roster.Line, error) {
	t.Helper()
	f, err := roster.Open(strings.NewReader(text), o)
	if err != nil {
		return nil, nil, err
	}
	var all []roster.Line
	for {
		line, err := f.Next()
		if errors.Is(err, io.EOF) {
			if len(all) != f.Lines {
				t.Errorf("%d lines, and %d were said", len(all), f.Lines)
			}
			return f, all, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
}

// shown is a line as the tests write it: "2 name <email> bio", a bio only where one is
// said, or "2 !problem".
func shown(l roster.Line) string {
	if l.Problem != nil {
		return fmt.Sprintf("%d !%s", l.Number, l.Problem)
	}
	s := fmt.Sprint(l.Number)
	if l.Entry.ID != "" {
		s += " " + l.Entry.ID
	}
	if l.Entry.Name != nil {
		s += " " + *l.Entry.Name
	}
	if l.Entry.Email != nil {
		s += " <" + *l.Entry.Email + ">"
	}
	if l.Entry.Bio != nil {
		s += fmt.Sprintf(" %q", *l.Entry.Bio)
	}
	return s
}

// readAs fails the test unless a text is read as these lines. A problem may be named by
// its beginning.
func readAs(t *testing.T, text string, o roster.Options, want ...string) *roster.File {
	t.Helper()
	f, all, err := read(t, text, o)
	if err != nil {
		t.Errorf("%.60q: %v", text, err)
		return &roster.File{}
	}
	for i := range max(len(all), len(want)) {
		got, wanted := "(nothing)", "(nothing)"
		if i < len(all) {
			got = shown(all[i])
		}
		if i < len(want) {
			wanted = want[i]
		}
		if got != wanted && (!strings.Contains(wanted, "!") || !strings.HasPrefix(got, wanted)) {
			t.Errorf("%.60q is read as\n%s\nwant\n%s", text, got, wanted)
		}
	}
	return f
}

func notesOf(f *roster.File) string {
	var all []string
	for _, note := range f.Notes {
		all = append(all, note.String())
	}
	return strings.Join(all, "\n")
}

// refusedAs fails the test unless the file is refused as a whole, in words that can be
// printed. It returns the encoding that the refusal offers.
func refusedAs(t *testing.T, text string, o roster.Options, want string) roster.Encoding {
	t.Helper()
	_, all, err := read(t, text, o)
	var refusal *roster.Refusal
	if !errors.As(err, &refusal) {
		t.Errorf("%.60q is read as %+v (%v), want it refused as %q", text, all, err, want)
		return ""
	}
	reason := refusal.Reason.String()
	if !strings.Contains(reason, want) || strings.ContainsFunc(reason, func(r rune) bool { return r < ' ' || r == '�' }) {
		t.Errorf("%.60q is refused with %q, want %q", text, reason, want)
	}
	return refusal.Encoding
}

const (
	zoe    = " Zoë Lindqvist <zoe.lindqvist@example.org> \"Keeps the keys\""
	lukasz = " Łukasz Wrona <lukasz.wrona@example.org> \"Night shift\""
	ngozi  = " Ngozi Adéwale <ngozi@example.org> \"Interpreter; four languages\""
)

// TestFiles: what real programs make is read, or refused as a whole with words that
// help. testdata/README.md says which program makes which.
func TestFiles(t *testing.T) {
	tests := map[string]struct {
		refused string
		format  roster.Format
		read    roster.Encoding
		lines   []string
		note    string
	}{
		"01-excel-utf8-bom.csv":                {lines: []string{"2" + zoe, "3" + lukasz, "4" + ngozi}},
		"02-excel-unicode-text-utf16le.txt":    {read: roster.UTF16LE, lines: []string{"2" + zoe, "3" + lukasz, "4" + ngozi}},
		"04-excel-german-semicolon-cp1252.csv": {refused: `it is not UTF-8, as line 2 shows; save it as UTF-8, in Excel as “CSV UTF-8”. Taken as Windows-1252, the line is "Jürgen Groß;`},
		"05-sep-line.csv":                      {lines: []string{"3" + zoe, "4" + lukasz, "5" + ngozi}},
		"06-excel-mac-cr-only.csv":             {lines: []string{"2" + zoe, "3" + lukasz, "4" + ngozi}},
		"10-short-rows.csv":                    {lines: []string{"2 Ona Short <ona.short@example.org>", `3 Uma Full <uma.full@example.org> "here"`, "4 Ina Short <ina.short@example.org>"}},
		"11-trailing-commas.csv":               {lines: []string{`2 Tess Comma <tess.comma@example.org> "x"`, `3 Tom Comma <tom.comma@example.org> ""`}},
		"13-google-contacts-now.csv": {lines: []string{
			`2 Lena Berg <lena.berg@example.org> "two lines\nof notes"`, "4 Otto <otto@example.org>", "5 Harbour Office <harbour@example.org>", "6 Only Phone",
		}, note: "left out: Labels, "},
		"14-google-contacts-before-2024-utf16le.csv": {read: roster.UTF16LE, lines: []string{"2 Lena Berg <lena.berg@example.org>", "3 Åke Ek <ake.ek@example.org>"}, note: "left out"},
		"15-outlook-desktop-cp1252.csv":              {refused: `it is not UTF-8, as line 2 shows`},
		"16-outlook-web.csv":                         {lines: []string{"2 Ravi Menon <ravi.menon@example.org>", "3 Ula Brandt <ula.brandt@example.org>"}, note: "left out: Categories"},
		"17-thunderbird.csv":                         {lines: []string{"2 Vera Stone <vera.stone@example.org>", "3 List without a name <list@example.org>"}},
		"18-powershell-5-export-csv.csv":             {lines: []string{"3 Zo? Lindqvist <zoe.l@example.org>", "4 Plain Name <plain.name@example.org>"}, note: `the name in 1 line has “?” in it`},
		"20-saved-again-by-excel-mojibake.csv":       {lines: []string{`2 ZoÃ« Lindqvist <zoe.lindqvist@example.org> "Keeps the keys"`, `3 JÃ¼rgen GroÃŸ <juergen.gross@example.org> "SchlÃ¼ssel"`}, note: "letters in 2 lines look garbled"},
		"26-two-files-joined.csv":                    {lines: []string{`2 Join One <join.one@example.org> "x"`, "3 !the line names columns again, as when files are joined", `4 Join Two <join.two@example.org> "y"`}},
		"30-array.json":                              {format: roster.JSON, lines: []string{`2 Array One <array.one@example.org> ""`, `7 Array Two <array.two@example.org> "x"`}},
		"35-html-table-named.csv":                    {refused: "it is a web page or XML"},
		"36-workbook-renamed.csv":                    {refused: "it is a workbook"},
		"25b-roster-with-blank-bios.csv":             {lines: []string{`2 Blank One <blank.one@example.org> ""`, `3 Blank Two <blank.two@example.org> ""`}},
		"40-upsert-moves-email-to-other-id.csv":      {lines: []string{`2 7c000000-0000-4000-8000-000000000009 Moved <blank.one@example.org> ""`}},
		"07-crlf-and-newlines-in-cells.csv": {lines: []string{
			`2 Ivo Kamp <ivo.kamp@example.org> "first line\nsecond line\n\nfourth line, after an empty one"`,
			`6 Mia Sand <mia.sand@example.org> "with \"quotes\" and, a comma"`,
			"7 !the name has a line break in it: its quote is closed only in line 8",
			`9 Pia Holm <pia.holm@example.org> "ends with a line end\n"`,
			`11 Rex Lund <rex.lund@example.org> "last"`,
		}},
		"08-two-stray-quotes.csv": {lines: []string{
			`2 Alba Reyes <alba.reyes@example.org> "fine"`, `3 Bert Olsen <bert.olsen@example.org> "has the 5\" adapter"`,
			`4 Cleo Varga <cleo.varga@example.org> "fine"`, `5 Dora Winter <dora.winter@example.org> "fine"`,
			`6 Emil Tanaka <emil.tanaka@example.org> "fine"`, `7 Fay Mbeki <fay.mbeki@example.org> "fine"`,
			`8 Gus Ferreira <gus.ferreira@example.org> "has the 7\" adapter"`, `9 Hana Kral <hana.kral@example.org> "fine"`,
		}},
		"27-vcard-2.1.vcf": {format: roster.VCard, lines: []string{"1 Zoë von der Löwe <zoe.loewe@example.org>", "9 Ada Plain <ada.plain@example.org>"}, note: "left out: EMAIL 2, TEL"},
		"28-vcard-3.0.vcf": {format: roster.VCard, lines: []string{`1 Lía Garcia, Jr. <lia.garcia@example.org> "a note that is folded after seventy-five octets, and goes on in the next line\nand has an umlaut that the fold cuts in two: ü"`}},
		"29-vcard-4.0.vcf": {format: roster.VCard, lines: []string{`1 Noor Haddad <noor.haddad@example.org> "first\nsecond; third\\"`, "10 !the card is not a person's: its KIND is"}},
		"31-odd-lines.jsonl": {format: roster.JSONLines, lines: []string{
			`1 Line One <line.one@example.org> "CRLF\r\nin the text\r\n"`, "2 Line \u2028Two <line.two@example.org>", "3 Line 😀 <line.three@example.org>",
			"4 !the object has half a character in the field name", "5 Nul \x00 <line.five@example.org>", "6 <line.six@example.org>",
			"7 Line Seven <line.seven@example.org>", "8 !the object has a field that is not a string: id",
			"9 7C000000-0000-4000-8000-0000000000A2 Line Nine <line.nine@example.org>", `10 !the object has a field "Name", which should be name`,
			`11 !the object has an unknown field "phone"`, `12 !there is something after the JSON object: ","`,
			"13 !the line is not a JSON object: it can't be read from", "14 !there is something after the JSON object",
		}},
		"33-formula-like-cells.csv": {lines: []string{
			`2 ="00123" <eq@example.org> "a number kept as text by Excel users"`, `3 +49 Hotline <plus.name@example.org> ""`, `4 -Anna- <dash@example.org> ""`,
			`5 @handle <handle@example.org> ""`, `6 '@handle <quoted.handle@example.org> "an apostrophe that is the person's own"`,
			`7 ''=x <two@example.org> ""`, `8 '- <apo.dash@example.org> ""`, "9 \t=tab <tab@example.org> \"\"", `10 ＝wide <wide@example.org> ""`,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := file(t, name)
			if test.refused != "" {
				refusedAs(t, text, roster.Options{}, test.refused)
				return
			}
			f := readAs(t, text, roster.Options{}, test.lines...)
			if test.format == "" {
				test.format = roster.CSV
			}
			if test.read == "" {
				test.read = roster.UTF8
			}
			if f.Format != test.format || f.Encoding != test.read || f.OwnExport {
				t.Errorf("it is %+v", f.Info)
			}
			if notes := notesOf(f); !strings.Contains(notes, test.note) || (test.note == "") != (notes == "") {
				t.Errorf("noted: %q, want %q", notes, test.note)
			}
		})
	}
}

func file(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestUnusualPeople: whatever the names and emails are, each row is read as it is; which
// of them may be is not decided here.
func TestUnusualPeople(t *testing.T) {
	for _, name := range []string{"21-invisible-characters.csv", "22-unusual-names.csv", "23-unusual-emails.csv", "24a-chain-before.csv", "24b-chain-freed-in-order.csv", "25a-bios-before.csv"} {
		text := file(t, name)
		_, all, err := read(t, text, roster.Options{})
		rows := strings.Split(strings.TrimSuffix(text, "\n"), "\n")[1:]
		if err != nil || len(all) != len(rows) {
			t.Fatalf("%s: %d entries of %d rows (%v)", name, len(all), len(rows), err)
		}
		for i, l := range all {
			plain := strings.NewReplacer(`"`, "", "\r", "")
			got := *l.Entry.Name + "," + *l.Entry.Email + "," + *l.Entry.Bio
			if l.Entry.ID != "" {
				got = l.Entry.ID + "," + got
			}
			if l.Number != i+2 || l.Problem != nil || plain.Replace(got) != plain.Replace(rows[i]) {
				t.Errorf("%s: %q is read as %s", name, rows[i], shown(l))
			}
		}
	}
}

// TestWindows1252: a file that is not Unicode is taken when whoever imports it says what
// it is, and is refused as a whole when nobody does.
func TestWindows1252(t *testing.T) {
	text := file(t, "04-excel-german-semicolon-cp1252.csv")
	readAs(t, text, roster.Options{Encoding: roster.Windows1252},
		`2 Jürgen Groß <juergen.gross@example.org> "Schlüssel"`, `3 Anna Plain <anna.plain@example.org> ""`, `4 Chloé Durand <chloe.durand@example.org> "Café – 10 €"`)
	if offered := refusedAs(t, text, roster.Options{}, "line 2"); offered != roster.Windows1252 {
		t.Errorf("it could be %q", offered)
	}
	// The first letter beyond ASCII is far behind.
	long := "name,email\n" + strings.Repeat("Ann,ann@example.org\n", 40_000) + "J\xfcrgen,j@example.org\n"
	refusedAs(t, long, roster.Options{}, "as line 40002 shows")
	// A byte that Windows-1252 hasn't either.
	if offered := refusedAs(t, "name,email\n\x81,a@example.org\n", roster.Options{}, "line 2"); offered != "" {
		t.Errorf("it could be %q", offered)
	}
	readAs(t, "name,email\n\x81,a@example.org\n\x80,b@example.org\n", roster.Options{Encoding: roster.Windows1252}, "2 !the line has bytes that are not text", "3 € <b@example.org>")
	// Where other lines or a mark show that it is UTF-8, only the line is bad.
	readAs(t, "name,email\nÜte,a@example.org\nJ\xfcrgen,b@example.org\n", roster.Options{}, "2 Üte <a@example.org>", "3 !the line has bytes that are not text")
	readAs(t, "\ufeffname,email\nJ\xfcrgen,b@example.org\nBo,c@example.org\n", roster.Options{}, "2 !the line has bytes that are not text", "3 Bo <c@example.org>")
	readAs(t, "name,email\nJ\xfcrgen,b@example.org\n", roster.Options{Encoding: roster.UTF8}, "2 !the line has bytes that are not text")
	refusedAs(t, "\ufeffname,email\n", roster.Options{Encoding: roster.Windows1252}, "it is utf-8, not windows-1252")
	refusedAs(t, "name,str\xe4t,email\n", roster.Options{}, "it is not UTF-8, as line 1 shows")
	// Said so of a file that is not: the letters show it.
	f := readAs(t, "name,email\nZoë,z@example.org\n", roster.Options{Encoding: roster.Windows1252}, "2 ZoÃ« <z@example.org>")
	if !strings.HasPrefix(notesOf(f), "letters in 1 line look garbled") {
		t.Errorf("notes: %q", f.Notes)
	}
	// In JSON and vCard, too.
	refusedAs(t, "{\"name\":\"J\xfcrgen\",\"email\":\"j@example.org\"}\n", roster.Options{}, "it is not UTF-8, as line 1 shows")
	refusedAs(t, "[{\"name\":\"J\xfcrgen\",\"email\":\"j@example.org\"}]", roster.Options{}, "it is not UTF-8, as line 1 shows")
	refusedAs(t, "BEGIN:VCARD\nFN:J\xfcrgen\nEMAIL:j@example.org\nEND:VCARD\n", roster.Options{}, "it is not UTF-8, as line 2 shows")
}

func utf16Of(text string, little bool) string {
	var b bytes.Buffer
	for _, r := range text {
		units := []uint16{uint16(r)}
		if r > 0xffff {
			units = []uint16{uint16(0xd800 + (r-0x10000)>>10), uint16(0xdc00 + (r-0x10000)&0x3ff)}
		}
		for _, u := range units {
			if little {
				b.Write([]byte{byte(u), byte(u >> 8)})
			} else {
				b.Write([]byte{byte(u >> 8), byte(u)})
			}
		}
	}
	return b.String()
}

// TestUTF16: with a mark and without, in either order, in every format.
func TestUTF16(t *testing.T) {
	for _, little := range []bool{true, false} {
		want := roster.UTF16BE
		if little {
			want = roster.UTF16LE
		}
		for _, marked := range []string{"", "\ufeff"} {
			for _, text := range []string{"name\temail\r\nZoë 😀\tz@example.org\r\n", `{"name":"Zoë 😀","email":"z@example.org"}`, "[\n{\"name\":\"Zoë 😀\",\"email\":\"z@example.org\"}]", "BEGIN:VCARD\r\nFN:Zoë 😀\r\nEMAIL:z@example.org\r\nEND:VCARD\r\n"} {
				f, all, err := read(t, utf16Of(marked+text, little), roster.Options{})
				if err != nil || f.Encoding != want || len(all) != 1 || !strings.HasSuffix(shown(all[0]), " Zoë 😀 <z@example.org>") {
					t.Errorf("%q in %s: %+v (%v)", text, want, all, err)
				}
			}
		}
	}
	// Without a mark, and not an ASCII letter in the first names.
	for _, little := range []bool{true, false} {
		text := "名前;Имя;email\r\n山田 😀;Яна;y@example.org\r\n"
		table, err := roster.TableOf(strings.NewReader(utf16Of(text, little)), roster.Options{})
		if err != nil || len(table.Columns) != 3 || table.Columns[0] != "名前" || len(table.Rows) != 1 || table.Rows[0][0] != "山田 😀" {
			t.Errorf("little end first (%t): %+v (%v)", little, table, err)
		}
	}
	readAs(t, "name,email\nA\x00B,a@x.org\n", roster.Options{}, "2 A\x00B <a@x.org>") // which package api refuses
	half := utf16Of("name,email\nx\nBo,b@example.org", true)
	half = strings.Replace(half, "x\x00", "\x3d\xd8", 1) // the first half of an emoji
	readAs(t, half+"\x00", roster.Options{}, "2 !the line has bytes that are not text", "3 !the line has bytes that are not text")
	refusedAs(t, "\xff\xfe\x00\x00n\x00\x00\x00", roster.Options{}, "UTF-32")
	refusedAs(t, utf16Of("name,email\n", true), roster.Options{Encoding: roster.UTF16BE}, "it is utf-16le, not utf-16be")
}

// TestRecognised: files that are something else are named as a whole, whatever they are called.
func TestRecognised(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "it is empty",
		" \r\n\r\n":                        "it is empty",
		"\ufeff":                           "it is empty",
		",,,\n":                            "it has no line that names the columns",
		"sep=;\n":                          "it has no line that names the columns",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "a workbook of an older Excel",
		"%PDF-1.7\n":                       "a PDF",
		"\x1f\x8b\x08":                     "gzip",
		"{\\rtf1\\ansi":                    "rich text",
		"SQLite format 3\x00":              "a database",
		"a\x00\x00\x00b\x00\x00\x00":       "not a text file",
		"\n<?xml version=\"1.0\"?>":        "a web page or XML",
		"<table><tr>":                      "a web page or XML",
		"MIME-Version: 1.0\nX: y":          "a web page in one file",
		"BEGIN:VCALENDAR\n":                "a calendar",
		`{"format":"rollcall-changes","version":1,"operations":[]}`: "load it on the page “Sync”",
		"dn: cn=Ann,dc=example\nobjectclass: top":                   "LDIF",
		"version: 1\ndn: x":                 "LDIF",
		"Staff list 2026\nname,mailing\n":   "its first line must name the columns, with email or id among them, but it is \"Staff list 2026\"",
		"Vorname;Nachname;E-Mail-Adresse\n": "its first line must name the columns",
		"name,email,phone\n":                `column 3 is "phone"; possible are id, name, email, bio`,
		"name,email,Name\n":                 "column name is there twice",
		strings.Repeat("email,", 20000):     "the line that names its columns is longer than 64 kB",
		"name,email\x1b[31m\n":              "it is \"name,email\\x1b[31m\"",
	} {
		refusedAs(t, text, roster.Options{}, want)
	}
	refusedAs(t, "name,email\n", roster.Options{Format: roster.VCard}, "it is CSV, not vCard")
	readAs(t, "name,email\n", roster.Options{Format: roster.CSV})
}
