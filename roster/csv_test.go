package roster_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/roster"
)

func person(n int) string { return fmt.Sprintf("7c000000-0000-4000-8000-%012d", n) }

// TestCSV: rows as programs and people write them.
func TestCSV(t *testing.T) {
	tests := map[string]struct {
		text  string
		lines []string
	}{
		"ends of all kinds":        {"name,email\r\nA,a@x.org\rB,b@x.org\nC,c@x.org\r\r\nD,d@x.org", []string{"2 A <a@x.org>", "3 B <b@x.org>", "4 C <c@x.org>", "5 D <d@x.org>"}},
		"CR within cells":          {"name,email,bio\rA,a@x.org,\"1\r2\"\rB,b@x.org,x\r", []string{`2 A <a@x.org> "1\n2"`, `4 B <b@x.org> "x"`}},
		"empty rows":               {"\n,,\nname,email,bio\n" + strings.Repeat(",,\n", 16) + strings.Repeat("\r\n", 15) + " , ,\nA,a@x.org,\n;;\n", []string{`36 A <a@x.org> ""`, "37 ;;"}},
		"semicolons":               {"Name;EMAIL;bio\nA;a@x.org;1,2\n", []string{`2 A <a@x.org> "1,2"`}},
		"bars":                     {"name|email\nA|a@x.org\n", []string{"2 A <a@x.org>"}},
		"tabs":                     {"email\tname\na@x.org\tA\n", []string{"2 A <a@x.org>"}},
		"sep with a tab":           {"sep=\t\r\nname\temail\r\nA\ta@x.org\r\n", []string{"3 A <a@x.org>"}},
		"sep in quotes":            {"\ufeff\"SEP=^\"\nname^email\nA^a@x.org\n", []string{"3 A <a@x.org>"}},
		"sep that is wrong":        {"sep=;\nname,email\nA,a@x.org\n", []string{"3 A <a@x.org>"}},
		"sep with nothing":         {"sep=\nname,email\nA,a@x.org\n", []string{"3 A <a@x.org>"}},
		"quoted names":             {"\"Name\" , \"eMail\"\n\"A\" , \"a@x.org\" \n", []string{"2 A <a@x.org>"}},
		"one column":               {"email\na@x.org\n\nb@x.org\nemail\nc@x.org", []string{"2 <a@x.org>", "4 <b@x.org>", "5 !the line names columns", "6 <c@x.org>"}},
		"cells too many":           {"email,name\na@x.org,A,x\nb@x.org,B,,\nc@x.org,C,  \n", []string{"2 !the line has more cells than there are columns: 3 instead of 2", "3 B <b@x.org>", "4 C <c@x.org>"}},
		"a sentence's comma":       {"name,email,bio\nA,a@x.org,one, two, three\nB,b@x.org,one,two\n", []string{`2 A <a@x.org> "one, two, three"`, "3 !the line has more cells than there are columns: 4"}},
		"no name of a column":      {"name,,email,\nA,,a@x.org,\nB,x,b@x.org\nC,,c@x.org,y\n", []string{"2 A <a@x.org>", "3 !the line has a value in column 2, which has no name", "4 !the line has a value in column 4, which has no name"}},
		"rows cut short":           {"email,name,bio,id\na@x.org\nb@x.org,B\n", []string{"2 <a@x.org>", "3 B <b@x.org>"}},
		"quotes that are text":     {"name,email,bio\nA \"Al\" B,a@x.org,5\" pipe, 7\" hose\n", []string{`2 A "Al" B <a@x.org> "5\" pipe, 7\" hose"`}},
		"text behind a quote":      {"name,email,bio\nA,a@x.org,\"big\" one\nB,b@x.org,\"x\"\n", []string{"2 !the line has text after a closing quote", `3 B <b@x.org> "x"`}},
		"a quote never closed":     {"name,email,bio\nA,a@x.org,\"5 pipe\nB,b@x.org,x\nC,c@x.org,y\n", []string{"2 !the line has a quote that is not closed", `3 B <b@x.org> "x"`, `4 C <c@x.org> "y"`}},
		"never closed, long":       {"name,email,bio\nA,a@x.org,\"5 pipe\n" + strings.Repeat(",,\n", 40_000) + "B,b@x.org,\"x\"\n", []string{"2 !the line has a quote that is not closed", `40003 B <b@x.org> "x"`}},
		"two that open":            {"name,email,bio\nA,a@x.org,\"5 pipe\nB,b@x.org,x\nC,c@x.org,\"7 hose\nD,d@x.org,z\n", []string{"2 !the line has a quote that is not closed", `3 B <b@x.org> "x"`, "4 !the line has a quote that is not closed", `5 D <d@x.org> "z"`}},
		"one opens, one closes":    {"name,email,bio\nA,a@x.org,\"5 pipe\nB,b@x.org,x\nC,c@x.org,7\"\nD,d@x.org,z\n", []string{"2 !a quote in this line swallows what looks like people, up to line 4", "3 !the line is inside a quote that line 2 opens", "4 !the line is inside a quote that line 2 opens", `5 D <d@x.org> "z"`}},
		"in the first column":      {"name,email\n\"A,a@x.org\nB,b@x.org\nC\",c@x.org\nD,d@x.org\n", []string{"2 !a quote in this line swallows what looks like people, up to line 4", "3 !the line is inside", "4 !the line is inside", "5 D <d@x.org>"}},
		"with commas in the bios":  {"name,email,bio\nA,a@x.org,\"5, big\nB,b@x.org,x, y\nC,c@x.org,7\"\nD,d@x.org,z\n", []string{"2 !a quote in this line swallows", "3 !the line is inside", "4 !the line is inside", `5 D <d@x.org> "z"`}},
		"in a column between":      {"name,bio,email\nA,\"5,a@x.org\nB,x, y,b@x.org\nC,7\",c@x.org\n", []string{"2 !a quote in this line swallows", "3 !the line is inside", "4 !the line is inside"}},
		"with spaces":              {"name, email, bio\nA, a@x.org, \"5\nB, b@x.org, x\nC, c@x.org, 7\"\n", []string{"2 !a quote in this line swallows", "3 !the line is inside", "4 !the line is inside"}},
		"a sentence with an email": {"name,email,bio\nA,a@x.org,\"ask\nBob, bob@x.org, or\nCy, cy@x.org\"\n", []string{`2 A <a@x.org> "ask\nBob, bob@x.org, or\nCy, cy@x.org"`}},
		"own export with a quote":  {"id,name,email,bio,createdAt,updatedAt,version\n" + person(1) + ",A,a@x.org,\"5, big,,,1\n" + person(2) + ",B,b@x.org,x,,,1\n" + person(3) + ",C,c@x.org,7\",,,1\n", []string{"2 !a quote in this line swallows", "3 !the line is inside", "4 !the line is inside"}},
		"cut short and torn":       {"name,email,bio\nA,\"a@x.org\nB,b@x.org\nC\",x\nD,d@x.org\n", []string{"2 !the email has a line break in it: its quote is closed only in line 4", "5 D <d@x.org>"}},
		"text with an address":     {"name,email,bio\nA,a@x.org,\"ask\nb@x.org\nor call\"\n", []string{`2 A <a@x.org> "ask\nb@x.org\nor call"`}},
		"line too long":            {"name,email\n" + strings.Repeat("x", 70_000) + ",a@x.org\nB,b@x.org\n", []string{"2 !the line is longer than 64 kB", "3 B <b@x.org>"}},
		"joined without an end":    {"name,email\nA,a@x.org\ufeffname,email\nB,b@x.org\n", []string{"2 A <a@x.org>", "3 B <b@x.org>"}},
		"joined, other columns":    {"name,email\nA,a@x.org\nEmail,Name,Bio\nb@x.org,B,x\n", []string{"2 A <a@x.org>", "3 !the line names columns", `4 B <b@x.org> "x"`}},
		"joined, no columns":       {"name,email\nA,a@x.org\n\ufeffB,b@x.org\n", []string{"2 A <a@x.org>", "3 B <b@x.org>"}},
		"a word that is a column":  {"name,email\nemail\nA,a@x.org\n", []string{"2 email", "3 A <a@x.org>"}},
		"the end that copy leaves": {"name,email\r\nA,a@x.org\r\n\x1a", []string{"2 A <a@x.org>"}},
		"lines in quotes":          {"\"name,email,bio\"\n\"A,a@x.org,\"\"x, y\"\"\"\n\"B,b@x.org,\"\nC,c@x.org,z\n", []string{`2 A <a@x.org> "x, y"`, `3 B <b@x.org> ""`, `4 C <c@x.org> "z"`}},
		"own export":               {"id,name,email,bio,createdAt,updatedAt,version\n,'=A,a@x.org,''-,,,\n,'B,b@x.org,'x,,,1\n", []string{`2 =A <a@x.org> "'-"`, `3 'B <b@x.org> "'x"`}},
		"own export, by a program": {"version;updatedAt;createdAt;bio;email;name;id\n1;;;'@h;a@x.org;A\n", []string{`2 A <a@x.org> "@h"`}},
		"part of an export":        {"id,name,email,bio\n,'=A,a@x.org,''-\n", []string{`2 '=A <a@x.org> "''-"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { readAs(t, test.text, roster.Options{}, test.lines...) })
	}
	f := readAs(t, "name,email\nA\ufffd,a@x.org\ufeffname,email\nZo?,?@x.org\n", roster.Options{}, "2 A\ufffd <a@x.org>", "3 Zo? <?@x.org>")
	if got := notesOf(f); !strings.Contains(got, "letters in 1 line were lost") || !strings.Contains(got, "the name in 1 line has “?” in it:") || !strings.Contains(got, "another file begins in line 2") {
		t.Errorf("notes: %s", got)
	}
}

// hasAddress reports whether an entry would not be refused for its email.
func hasAddress(e roster.Entry) bool {
	return e.Email != nil && strings.Count(*e.Email, "@") == 1 && !strings.Contains(*e.Email, ",")
}

// TestNobodyVanishes: whatever quotes, lines' ends and joints are in a file that should
// not be, each person of it is read, or their line is named.
func TestNobodyVanishes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(t, "end")
		header := rapid.SampledFrom([]string{"name,email,bio", "name,bio,email", "email,name,bio", "id,name,email,bio,createdAt,updatedAt,version"}).Draw(t, "header")
		comma := rapid.SampledFrom([]string{",", ",", ", "}).Draw(t, "comma")
		text, line := strings.ReplaceAll(header, ",", comma)+end, 1
		lines := map[string]int{}
		for i := range rapid.IntRange(1, 12).Draw(t, "people") {
			quote := func() string { return rapid.SampledFrom([]string{"", "", "", "", "", `"`, `""`}).Draw(t, "quote") }
			email := fmt.Sprintf("p%d@x.org", i)
			cells := map[string]string{
				"name": quote() + "N" + quote(), "email": email,
				"bio": quote() + "fine" + rapid.SampledFrom([]string{"", "", ", or"}).Draw(t, "sentence") + quote() + " one" + quote(),

				"createdAt": "2026-01-01T00:00:00Z", "version": "1", "id": person(i),
			}
			for j, column := range strings.Split(header, ",") {
				if j > 0 {
					text += comma
				}
				text += cells[column]
			}
			line++
			lines[email] = line
			text += end
			if extra := rapid.SampledFrom([]string{"", "", "", end, ",," + end, header + end, "\ufeff"}).Draw(t, "extra"); extra != "" {
				line += strings.Count(extra, end)
				text += extra
			}
		}
		_, all, err := read(t, text, roster.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for email, number := range lines {
			found := false
			for _, l := range all {
				found = found || (l.Number == number && (l.Problem != nil || !hasAddress(l.Entry))) || (l.Problem == nil && l.Entry.Email != nil && strings.TrimSpace(*l.Entry.Email) == email)
				through := 0
				if _, last, ok := strings.Cut(fmt.Sprint(l.Problem), "closed only in line "); ok {
					_, _ = fmt.Sscan(last, &through)
				}
				found = found || (l.Number <= number && number <= through)
			}
			if !found {
				t.Fatalf("%s of line %d vanished from\n%s\n%+v", email, number, text, all)
			}
		}
	})
}

// TestTitleAboveTheHeadings: it is passed over and said, and nobody is lost for it.
func TestTitleAboveTheHeadings(t *testing.T) {
	const note = "the headings are in line 3; the lines above are skipped"
	for text, want := range map[string]string{
		"Staff list 2026,,\nas of May,,\nname,email,bio\nAnn,a@x.org,b\n":       note,
		"Staff list 2026\n\nname;email\nAnn;a@x.org\n":                          note,
		"Contacts,,\n,,\nFirst Name,Last Name,E-mail 1 - Value\nAnn,,a@x.org\n": note,
		"name,email\nAnn,a@x.org\n":                                             "",
		"email\na@x.org\nname,email\n":                                          "",
	} {
		f, err := roster.Open(strings.NewReader(text), roster.Options{})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := notesOf(f); !strings.HasPrefix(got, want) || want == "" && strings.Contains(got, "headings") {
			t.Errorf("%q is noted: %q", text, got)
		}
		for line, err := f.Next(); ; line, err = f.Next() {
			if err != nil {
				t.Errorf("%q has not Ann's line: %v", text, err)
				break
			}
			if e := line.Entry.Email; e != nil && *e == "a@x.org" {
				break
			}
		}
	}
	// So is one above columns that somebody maps.
	table, err := roster.TableOf(strings.NewReader("Belegschaft;;\n\nRufname;Zuname;E-Mail\nAnn;Arn;a@x.org\n"), roster.Options{})
	if err != nil || strings.Join(table.Columns, " ") != "Rufname Zuname E-Mail" || len(table.Rows) != 1 {
		t.Errorf("the table is %+v, %v", table, err)
	}
}
