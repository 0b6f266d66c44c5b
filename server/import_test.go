package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
)

// rosterFile is a file as a real program makes it; the README beside it says which.
func rosterFile(name string) string { return filepath.Join("..", "roster", "testdata", name) }

// plain fails the test when the command printed what could drive a terminal.
func (c result) plain() {
	c.t.Helper()
	if strings.ContainsFunc(c.out, func(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Bidi_Control) }) {
		c.t.Errorf("it printed %q", c.out)
	}
}

// TestImportOfRealFiles: each file is first tried, then applied, then imported once more,
// which changes nothing. A database that does not exist is made by the second run.
func TestImportOfRealFiles(t *testing.T) {
	tests := map[string]struct {
		before string // a file that is imported first
		sums   string // of the first two runs; empty when the file is refused as a whole
		says   []string
		kept   string // sums of the third run
		args   []string
	}{
		"01-excel-utf8-bom.csv":                      {sums: "3 created, 0 changed, 0 unchanged, 0 refused", kept: "3 unchanged, 0 refused", says: []string{"line 2: create Zoë Lindqvist <zoe.lindqvist@example.org>"}},
		"02-excel-unicode-text-utf16le.txt":          {sums: "3 created, 0 changed, 0 unchanged, 0 refused", kept: "3 unchanged, 0 refused", says: []string{"line 3: create Łukasz Wrona"}},
		"04-excel-german-semicolon-cp1252.csv":       {says: []string{"it is not UTF-8, as line 2 shows", "Jürgen Groß", "if that is right, add -encoding windows-1252"}},
		"05-sep-line.csv":                            {sums: "3 created, 0 changed, 0 unchanged, 0 refused", kept: "3 unchanged, 0 refused"},
		"06-excel-mac-cr-only.csv":                   {sums: "3 created, 0 changed, 0 unchanged, 0 refused", kept: "3 unchanged, 0 refused", says: []string{"line 4: create Ngozi Adéwale"}},
		"07-crlf-and-newlines-in-cells.csv":          {sums: "4 created, 0 changed, 0 unchanged, 1 refused", kept: "4 unchanged, 1 refused", says: []string{"line 2: create Ivo Kamp", "line 6: create Mia Sand", "line 7: refused : the name has a line break in it", "line 11: create Rex Lund"}},
		"08-two-stray-quotes.csv":                    {sums: "8 created, 0 changed, 0 unchanged, 0 refused", kept: "8 unchanged, 0 refused", says: []string{"create Cleo", "create Dora", "create Emil", "create Fay"}},
		"10-short-rows.csv":                          {sums: "3 created, 0 changed, 0 unchanged, 0 refused", kept: "3 unchanged, 0 refused"},
		"11-trailing-commas.csv":                     {sums: "2 created, 0 changed, 0 unchanged, 0 refused", kept: "2 unchanged, 0 refused"},
		"13-google-contacts-now.csv":                 {sums: "3 created, 0 changed, 0 unchanged, 1 refused", kept: "3 unchanged, 1 refused", says: []string{"create Lena Berg <lena.berg@example.org>", "line 5: create Harbour Office", "line 6: refused Only Phone: email is required"}},
		"14-google-contacts-before-2024-utf16le.csv": {sums: "2 created, 0 changed, 0 unchanged, 0 refused", kept: "2 unchanged, 0 refused", says: []string{"create Åke Ek <ake.ek@example.org>"}},
		"15-outlook-desktop-cp1252.csv":              {says: []string{"it is not UTF-8", "if that is right, add -encoding windows-1252"}},
		"16-outlook-web.csv":                         {sums: "2 created, 0 changed, 0 unchanged, 0 refused", kept: "2 unchanged, 0 refused", says: []string{"create Ravi Menon <ravi.menon@example.org>"}},
		"17-thunderbird.csv":                         {sums: "2 created, 0 changed, 0 unchanged, 0 refused", kept: "2 unchanged, 0 refused", says: []string{"create List without a name <list@example.org>"}},
		"18-powershell-5-export-csv.csv":             {sums: "2 created, 0 changed, 0 unchanged, 0 refused", kept: "2 unchanged, 0 refused", says: []string{`note: the name in 1 line has “?” in it`}},
		"20-saved-again-by-excel-mojibake.csv": {before: "01-excel-utf8-bom.csv", sums: "1 created, 1 changed, 0 unchanged, 0 refused", kept: "2 unchanged, 0 refused",
			says: []string{"note: letters in 2 lines look garbled", "line 2: change ZoÃ« Lindqvist <zoe.lindqvist@example.org>: name"}},
		"24b-chain-freed-in-order.csv": {before: "24a-chain-before.csv", sums: "0 created, 3 changed, 0 unchanged, 0 refused", kept: "3 unchanged, 0 refused", says: []string{"line 4: change Chain A <chain.b@example.org>: email"}},
		"25b-roster-with-blank-bios.csv": {before: "25a-bios-before.csv", sums: "0 created, 2 changed, 0 unchanged, 0 refused", kept: "2 unchanged, 0 refused",
			says: []string{`line 2: change Blank One <blank.one@example.org>: bio emptied, was "keep me"`, `: bio emptied, was "keep me too"`, " 2 bios; an empty cell empties"}},
		"26-two-files-joined.csv": {sums: "2 created, 0 changed, 0 unchanged, 1 refused", kept: "2 unchanged, 1 refused", says: []string{"create Join One", "line 3: refused : the line names columns", "create Join Two"}},
		"27-vcard-2.1.vcf":        {sums: "2 created, 0 changed, 0 unchanged, 0 refused", kept: "2 unchanged, 0 refused", says: []string{"line 1: create Zoë von der Löwe <zoe.loewe@example.org>", "line 9: create Ada Plain <ada.plain@example.org>", "note: left out: EMAIL 2, TEL"}},
		"28-vcard-3.0.vcf":        {sums: "1 created, 0 changed, 0 unchanged, 0 refused", kept: "1 unchanged, 0 refused", says: []string{"create Lía Garcia, Jr. <lia.garcia@example.org>"}},
		"29-vcard-4.0.vcf":        {sums: "1 created, 0 changed, 0 unchanged, 1 refused", kept: "1 unchanged, 1 refused", says: []string{"create Noor Haddad", "line 10: refused : the card is not a person's: its KIND is"}},
		"30-array.json":           {sums: "2 created, 0 changed, 0 unchanged, 0 refused", kept: "2 unchanged, 0 refused", says: []string{"line 7, item 2: create Array Two"}},
		"31-odd-lines.jsonl": {sums: "4 created, 0 changed, 0 unchanged, 10 refused", kept: "4 unchanged, 10 refused", says: []string{
			"line 1: create", "line 2: create", "line 3: create", "line 4: refused : the object has half a character", "line 5: refused Nul ? <line.five@example.org>: name has a control character",
			"line 6: refused line.six@example.org: name is required", "line 7: create", "line 8: refused", "line 9: refused Line Nine <line.nine@example.org>: id must be a lower-case UUID", "line 14: refused",
		}},
		"33-formula-like-cells.csv":             {sums: "9 created, 0 changed, 0 unchanged, 0 refused", kept: "9 unchanged, 0 refused", says: []string{"line 6: create '@handle <quoted"}},
		"35-html-table-named.csv":               {says: []string{"it is a web page or XML"}},
		"36-workbook-renamed.csv":               {says: []string{"it is a workbook"}},
		"40-upsert-moves-email-to-other-id.csv": {before: "25a-bios-before.csv", sums: "0 created, 0 changed, 0 unchanged, 1 refused", kept: "0 unchanged, 1 refused", says: []string{"line 2: refused Moved <blank.one@example.org>: another user has this email"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "r.db")
			if test.before != "" {
				runCommand(t, "import", "-db", db, "-apply", rosterFile(test.before)).says("0 refused")
			}
			planned := runCommand(t, "import", "-db", db, rosterFile(name))
			planned.contains(test.says...)
			planned.plain()
			if test.sums == "" {
				planned.fails("the file can't be read")
				runCommand(t, "import", "-db", db, "-apply", rosterFile(name)).fails("the file can't be read")
				if _, err := os.Stat(db); err == nil {
					t.Error("it made a database")
				}
				return
			}
			planned.contains("would be: " + test.sums)
			if _, err := os.Stat(db); (err == nil) != (test.before != "") {
				t.Errorf("the plan made a database (%v)", err)
			}
			runCommand(t, "import", "-db", db, "-apply", rosterFile(name)).contains("\n" + test.sums + "\n")
			runCommand(t, "import", "-db", db, rosterFile(name), "-apply").contains("0 created, 0 changed, " + test.kept)
			runCommand(t, "check", "-db", db).says("no problems found")
		})
	}
}

// TestImportOfUnusualPeople: names and emails of all kinds. What is refused is named, what is
// taken comes back from an export equal, and a second run changes nothing.
func TestImportOfUnusualPeople(t *testing.T) {
	for name, refused := range map[string][]int{
		"21-invisible-characters.csv": nil,
		"22-unusual-names.csv":        {15, 37}, // a tab, 201 letters
		"23-unusual-emails.csv":       {5, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35},
	} {
		dir := t.TempDir()
		db, export := filepath.Join(dir, "r.db"), filepath.Join(dir, "all.csv")
		first := runCommand(t, "import", "-db", db, "-apply", rosterFile(name))
		first.plain()
		for _, line := range refused {
			first.contains(fmt.Sprintf("line %d: refused ", line))
		}
		if got := strings.Count(first.out, ": refused "); name == "22-unusual-names.csv" && got != len(refused) {
			t.Errorf("%s: %d lines are refused: %s", name, got, first.out)
		}
		runCommand(t, "import", "-db", db, "-apply", rosterFile(name)).contains("0 created, 0 changed, ")
		runCommand(t, "export", "-db", db, "-bom", export).says("exported")
		runCommand(t, "import", "-db", db, export).says("0 created, 0 changed, ", "0 refused")
		other := filepath.Join(dir, "other.db")
		runCommand(t, "import", "-db", other, "-apply", export).says("0 changed, 0 unchanged, 0 refused")
		again := filepath.Join(dir, "again.csv")
		runCommand(t, "export", "-db", other, "-bom", again).says("exported")
		if people(read(t, export)) != people(read(t, again)) {
			t.Errorf("%s came back as\n%s\nof\n%s", name, read(t, again), read(t, export))
		}
	}
}

// people is an export without its times.
func people(export string) string {
	var rows []string
	for row := range strings.SplitSeq(export, "\n") {
		before, _, _ := strings.Cut(row, `,"20`)
		rows = append(rows, before)
	}
	return strings.Join(rows, "\n")
}

func TestImportOfWindows1252(t *testing.T) {
	db := filepath.Join(t.TempDir(), "r.db")
	file := rosterFile("04-excel-german-semicolon-cp1252.csv")
	runCommand(t, "import", "-db", db, "-apply", "-encoding", "Windows-1252", file).says("3 created", "create Jürgen Groß", "note: created a directory in "+db)
	runCommand(t, "import", "-db", db, "-encoding", "windows-1252", file).says("3 unchanged")
	runCommand(t, "import", "-db", db, "-encoding", "utf-8", file).found("1 unchanged, 2 refused")
	runCommand(t, "import", "-db", db, "-format", "vcard", file).fails("it is CSV, not vCard")
}

// TestExportForExcel: with a mark, and without one as it was.
func TestExportForExcel(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "r.db")
	runCommand(t, "import", "-db", db, "-apply", rosterFile("01-excel-utf8-bom.csv")).says("3 created")
	with, without := filepath.Join(dir, "with.csv"), filepath.Join(dir, "without.csv")
	runCommand(t, "export", "-db", db, "-bom", with).says("exported 3")
	runCommand(t, "export", "-db", db, without).says("exported 3")
	if read(t, with) != "\ufeff"+read(t, without) || strings.HasPrefix(read(t, without), "\ufeff") {
		t.Errorf("with a mark %q, without %q", read(t, with), read(t, without))
	}
	runCommand(t, "import", "-db", db, with).says("3 unchanged, 0 refused")
}

// TestImportIntoPostgres: a database without a directory gets one, and addresses are handed
// on in one run there, too, in the order of the file and against it.
func TestImportIntoPostgres(t *testing.T) {
	db := pgtest.Database(t)
	before, after := rosterFile("24a-chain-before.csv"), rosterFile("24b-chain-freed-in-order.csv")
	runCommand(t, "import", "-db", db, before).says("would be: 3 created", "-apply creates it")
	runCommand(t, "export", "-db", db, filepath.Join(t.TempDir(), "x.csv")).fails("there is no directory yet")
	runCommand(t, "import", "-db", db, "-apply", before).says("3 created", "note: created a directory in ")
	runCommand(t, "import", "-db", db, "-apply", after).says("3 changed")
	rows := strings.Split(read(t, before), "\n")
	backwards := strings.Join([]string{rows[0], rows[3], rows[2], rows[1], ""}, "\n")
	file := write(t, filepath.Join(t.TempDir(), "b.csv"), backwards)
	runCommand(t, "import", "-db", db, "-apply", after).says("3 unchanged")
	runCommand(t, "import", "-db", db, "-apply", file).says("3 changed")
	runCommand(t, "import", "-db", db, "-apply", file).says("3 unchanged")
	runCommand(t, "check", "-db", db).says("no problems found")
}

// TestImportOfOtherColumns: whoever knows which column is what says so.
func TestImportOfOtherColumns(t *testing.T) {
	dir := t.TempDir()
	db, file := filepath.Join(dir, "r.db"), filepath.Join(dir, "leute.csv")
	if err := os.WriteFile(file, []byte("Vorname;Nachname;Mail;Telefon\nZoë;Lind;z@example.org;1\nBo;;b@example.org;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "import", "-db", db, file).fails("say which columns are what, such as -columns name=First+Last,email=Mail")
	for columns, want := range map[string]string{
		"name=Vorname+Nachname": "say which column is the email", "email=Post": `the file has no column "Post"; it has "Vorname"`,
		"phone=Telefon,email=Mail": `there is no field "phone"`, "Mail": "write field=column",
	} {
		runCommand(t, "import", "-db", db, "-columns", columns, file).fails(want)
	}
	runCommand(t, "import", "-db", db, "-apply", "-columns", "name=Vorname+Nachname, email=3", file).says("create Zoë Lind <z@example.org>", "create Bo <b@example.org>", "left out: Telefon")
	runCommand(t, "import", "-db", db, "-columns", "Name=vorname+nachname,email=mail", file).says("2 unchanged")
}

// TestImportOfOtherFields: objects of other programs are a table, too.
func TestImportOfOtherFields(t *testing.T) {
	dir := t.TempDir()
	db, file := filepath.Join(dir, "r.db"), filepath.Join(dir, "crew.json")
	if err := os.WriteFile(file, []byte(`{"crew":[{"name":{"first":"Zoë","last":"Lind"},"mails":[{"value":"z@example.org"}],"phone":1},{"name":{"first":"Bo"},"mails":[]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "import", "-db", db, file).fails("most of its objects are not written as people are here; line 1: the object has a field that is not a string: name; or say which columns are what")
	runCommand(t, "import", "-db", db, "-columns", "email=mail", file).fails(`it has "name.first", "name.last", "mails.value", "phone"`)
	runCommand(t, "import", "-db", db, "-apply", "-columns", "name=name.first+name.last,email=mails.value", file).found("create Zoë Lind <z@example.org>", "line 1, item 2: refused Bo: email is required", "left out: phone")
	rows := filepath.Join(dir, "rows.json")
	if err := os.WriteFile(rows, []byte(`[["Wer","Mail"],["Ina","ina@example.org"]]`), 0o600); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "import", "-db", db, "-columns", "name=Wer,email=Mail", rows).says("line 1, item 2: create Ina <ina@example.org>")
}

// TestImportWithHeadingsFurtherDown: whoever knows the line with the headings says so.
func TestImportWithHeadingsFurtherDown(t *testing.T) {
	dir := t.TempDir()
	db, file := filepath.Join(dir, "r.db"), filepath.Join(dir, "report.csv")
	if err := os.WriteFile(file, []byte(strings.Repeat("a;b;c\n", 9)+"name;email\nAnn;ann@example.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "import", "-db", db, "-headings", "10", file).says("create Ann <ann@example.org>", "the headings are in line 10")
	runCommand(t, "import", "-db", db, "-headings", "10", "-columns", "email=email", file).found("line 11: refused ann@example.org: name is required")
	runCommand(t, "import", "-db", db, "-headings", "99", file).fails("line 99 names no columns")
	runCommand(t, "import", "-db", db, "-headings", "none", "-columns", "name=A,email=B", file).found("line 1: refused", "create Ann <ann@example.org>")
	runCommand(t, "import", "-db", db, "-headings", "none", file).fails("say which column is what, such as -columns name=1,email=2")
	runCommand(t, "import", "-db", db, "-headings", "0", file).fails("-headings must be the number of a line, or none")
}
