package roster_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/roster"
)

// TestRowsOfJSON: a list of lists is a table, whose first row has the headings. Each row is a person, or is named.
func TestRowsOfJSON(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		lines []string
	}{
		"in one line":        {`[["Name","Email"],["Ann","a@x.org"],["Bo","b@x.org"]]`, []string{"1 Ann <a@x.org>", "1 Bo <b@x.org>"}},
		"a line each":        {"\ufeff[\n [\"email\", \"bio\"],\n [\"a@x.org\", \"one\\ntwo\"],\n [\"b@x.org\"]\n]\n", []string{`3 <a@x.org> "one\ntwo"`, "4 <b@x.org>"}},
		"other values":       {`[[],["id","name","email","bio"],[null,"Ann",["a@x.org"],17],["",null],[true,"",""]]`, []string{`1 Ann <a@x.org> "17"`, "1 true  <>"}},
		"a known program's":  {`[["First Name","Last Name","E-mail 1 - Value","Labels"],["Ann","Archer","a@x.org ::: b@x.org","* x"]]`, []string{"1 Ann Archer <a@x.org>"}},
		"headings twice":     {`[["name","email"],["Ann","a@x.org"],["name","email"],["Bo","b@x.org"]]`, []string{"1 Ann <a@x.org>", "1 !the line names columns again", "1 Bo <b@x.org>"}},
		"too many cells":     {`[["name","email"],["Ann","a@x.org","x"]]`, []string{"1 !the line has more cells than there are columns: 3 instead of 2"}},
		"no rows among them": {"[[\"name\",\"email\"],\n7,\n{\"name\":\"Ann\"},\n[\"Bo\",{\"at\":\"b@x.org\"}],\n[\"Cy\" \"c@x.org\"],\n[\"\\ud83d\",\"d@x.org\"],\n[\"Eve\",\"e@x.org\"]]", []string{"2 !the row is not a list", "3 !the row is not a list", "4 !the row is not a list", "5 !the row is not a list", "6 !the object has half a character", "7 Eve <e@x.org>"}},
		"brackets missing":   {"[[\"name\",\"email\"],\n[\"Ann\",\"a@x.org\"\n[\"Bo\",\"b@x.org\"],\n[\"Cy\",\"c@x.org\n]", []string{"2 !the row is not a list", "3 Bo <b@x.org>", "4 !the row is not a list"}},
		"a long one":         {`[["name","email"],["Ann","a@x.org` + strings.Repeat("x", 70<<10) + `"],["Bo","b@x.org"]]`, []string{"1 !the line is longer than 64 kB", "1 Bo <b@x.org>"}},
	} {
		t.Run(name, func(t *testing.T) {
			if f := readAs(t, test.text, roster.Options{}, test.lines...); f.Format != roster.JSON {
				t.Errorf("it is %+v", f.Info)
			}
		})
	}
	f := readAs(t, `[["name","email"],["Ann","a@x.org"]`, roster.Options{}, "1 Ann <a@x.org>")
	if got := notesOf(f); !strings.HasPrefix(got, "its list is not closed") {
		t.Errorf("noted: %q", got)
	}
	refusedAs(t, `[["who","where"],["Ann","Rome"]]`, roster.Options{}, `its first line must name the columns, with email or id among them, but it is "who,where"`)
	refusedAs(t, `[["name",{}],["Ann","a@x.org"]]`, roster.Options{}, "the row is not a list")
	refusedAs(t, "[[\"name\",\"J\xfcrgen\"],[\"Ann\",\"a@x.org\"]]", roster.Options{}, "it is not UTF-8, as line 1 shows")
	refusedAs(t, `[[],[]]`, roster.Options{}, "it has no line that names the columns")
}

// TestRowsOfJSONAreMapped: whoever knows the columns says so, also where no row has headings.
func TestRowsOfJSONAreMapped(t *testing.T) {
	mapped(t, `[["Wer","Wo","Post"],["Ann","Rom","a@x.org"]]`, "Wer=name Wo Post=email", "1 Ann <a@x.org>")
	table, err := roster.TableOf(strings.NewReader(`[["Ann","a@x.org"],["Bo","b@x.org"]]`), roster.Options{})
	if err != nil || table.Headings != roster.NoHeadings || strings.Join(table.Columns, "") != "AB" || len(table.Rows) != 2 || len(table.Top) > 0 {
		t.Fatalf("it looks like %+v (%v)", table, err)
	}
	mapping, _ := roster.MappingOf(table.Roles)
	readAs(t, `[["Ann","a@x.org"],["Bo","b@x.org"]]`, roster.Options{Mapping: mapping, Headings: table.Headings}, "1 Ann <a@x.org>", "1 Bo <b@x.org>")
	_, err = roster.Open(strings.NewReader(`[["Wer","Post"],["Ann","a@x.org"]]`), roster.Options{})
	var refusal *roster.Refusal
	if !errors.As(err, &refusal) || !refusal.Columns {
		t.Errorf("it is refused as %v", err)
	}
}
