package roster_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/roster"
)

// TestOutlookOnADesk: what Exchange addresses by is no email, and the notes keep their lines.
func TestOutlookOnADesk(t *testing.T) {
	f := readAs(t, file(t, "15-outlook-desktop-cp1252.csv"), roster.Options{Encoding: roster.Windows1252},
		`2 Søren Dahl <soren.dahl@example.org> "two lines\nof notes"`, "5 !the line has an address that works only within Exchange")
	if f.Program != "Outlook" || !f.Mapped {
		t.Errorf("it is %+v", f.Info)
	}
}

// TestKnownExports: names are put together, and what is empty says nothing.
func TestKnownExports(t *testing.T) {
	for text, want := range map[string][]string{
		"First Name,Last Name,Email Address,Company,Position,Connected On\nAnn,Archer,a@x.org,Acme,,01 May 2026\n": {"2 Ann Archer <a@x.org>"},
		"Name Prefix;First Name;Last Name;Notes;E-mail 1 - Value;E-mail 2 - Value\nDr.;Ann;Archer;;;b@x.org\n":     {"2 Dr. Ann Archer <b@x.org>"},
		"first name,last name,display name,primary email\n,,,c@x.org\n,,,\n":                                       {"2 <c@x.org>"},
		// Outlook and Thunderbird speak the language of the computer.
		"\"Anrede\",\"Vorname\",\"Weitere Vornamen\",\"Nachname\",\"Suffix\",\"Firma\",\"Telefon geschäftlich\",\"E-Mail-Adresse\",\"E-Mail-Typ\",\"E-Mail: Angezeigter Name\",\"E-Mail 2: Adresse\",\"Notizen\"\n" +
			"\"\",\"Jörg\",\"\",\"Groß\",\"\",\"ACME\",\"1\",\"/o=ExchangeLabs/cn=x\",\"EX\",\"J\",\"j@x.org\",\"da\"\n\"\",\"\",\"\",\"\",\"\",\"Hafen\",\"\",\"h@x.org\",\"SMTP\",\"\",\"\",\"\"\n": {`2 Jörg Groß <j@x.org> "da"`, "3 Hafen <h@x.org>"},
		"Titre,Prénom,Deuxième prénom,Nom,Suffixe,Société,Adresse de messagerie,Type de messagerie,Notes\nM.,Zoé,Anne,Petit,,,z@x.org,SMTP,là\n":     {`2 Zoé Anne Petit <z@x.org> "là"`},
		"Tratamiento,Nombre,Segundo nombre,Apellidos,Dirección de correo electrónico,Tipo de correo electrónico,Notas\n,Íñigo,,Peña,i@x.org,SMTP,\n": {"2 Íñigo Peña <i@x.org>"},
		"Vorname,Nachname,Anzeigename,Spitzname,Primäre E-Mail-Adresse,Sekundäre E-Mail-Adresse,Notizen\nUte,Ek,,,,u@x.org,\n":                       {"2 Ute Ek <u@x.org>"},
		"Prénom,Nom de famille,Nom à afficher,Surnom,Adresse électronique principale\n,,Léa,,l@x.org\n":                                              {"2 Léa <l@x.org>"},
		"E-MAIL TYPE;e-mail address;LAST NAME;first name\nSMTP;a@x.org;Archer;Ann\n":                                                                 {"2 Ann Archer <a@x.org>"},
		// Addresses as people and programs write them into a cell.
		"First Name,Last Name,E-mail 1 - Value\nA,A,mailto:a@x.org\nB,B,Bo B <b@x.org>\nC,C,\"C, C <c@x.org>; d@x.org\"\nE,E, e@x.org f@x.org \nG,G,g x@x.org\nH,H,\"h@x,org\"\nI,I,<MAILTO:i@x.org?subject=x>\nJ,J,j@x.org ::: J@X.org\n": {
			"2 A A <a@x.org>", "3 B B <b@x.org>", "4 C C <c@x.org>", "5 E E <e@x.org>", "6 G G <g x@x.org>", "7 H H <h@x,org>", "8 I I <i@x.org>", "9 J J <j@x.org>",
		},
		"Name,Yomi Name,E-mail 1 - Value\nAnn,,a@x.org\nName,Yomi Name,E-mail 1 - Value\n":           {"2 Ann <a@x.org>", "3 !the line names columns"},
		"Name,Yomi Name,E-mail 1 - Value\nAnn,,a@x.org\n\"Bo,,b@x.org\nCy,,c@x.org\nDi,\",d@x.org\n": {"2 Ann <a@x.org>", "3 !a quote in this line swallows what looks like people, up to line 5", "4 !the line is inside a quote", "5 !the line is inside a quote"},
	} {
		readAs(t, text, roster.Options{}, want...)
	}
}

// TestFurtherEmails: of those that are not taken whoever imports the file is told.
func TestFurtherEmails(t *testing.T) {
	f := readAs(t, "First Name,E-mail 1 - Value,E-mail 2 - Value\nA,a@x.org,b@x.org\nB,c@x.org,\nC,d@x.org ::: e@x.org,\nD,f@x.org,F@x.org\n", roster.Options{},
		"2 A <a@x.org>", "3 B <c@x.org>", "4 C <d@x.org>", "5 D <f@x.org>")
	if len(f.Notes) != 1 || notesOf(f) != "left out: email 2. Rollcall keeps only name, email and bio" {
		t.Errorf("noted: %q", f.Notes)
	}
}

// TestColumnsAreGuessed: by their names, however they are written, and by what is in them.
func TestColumnsAreGuessed(t *testing.T) {
	const no = roster.NoRole
	for text, want := range map[string][]roster.Role{
		"ID,First_Name,LAST NAME,E-Mail:,Phone\n1,Ann,Archer,a@x.org,2\n":               {no, roster.GivenRole, roster.FamilyRole, roster.EmailRole, no},
		"id,Full Name,email_address\n" + person(1) + ",Ann,a@x.org\n":                   {roster.IDRole, roster.NameRole, roster.EmailRole},
		"Prefix;First;Middle Name;Last;Suffix;Mail\nDr.;A;B;C;Jr.;a@x.org\n":            {roster.GivenRole, roster.GivenRole, roster.GivenRole, roster.FamilyRole, roster.FamilyRole, roster.EmailRole},
		"Who|Where|Reach\nAnn|Rome|a@x.org\n":                                           {roster.NameRole, no, roster.EmailRole},
		"Apellidos\tNombre\tCorreo electrónico *\tObservaciones\nPeña\tÍ\ti@x.org\tx\n": {roster.FamilyRole, roster.GivenRole, roster.EmailRole, roster.BioRole},
	} {
		table, err := roster.TableOf(strings.NewReader(text), roster.Options{})
		if err != nil || !slices.Equal(table.Roles, want) {
			t.Errorf("%q looks like %+v (%v)", text, table, err)
		}
	}
}

// TestColumnsAreSaid: a table with names of its own is refused, looked at, and read as whoever knows
// it says.
func TestColumnsAreSaid(t *testing.T) {
	text := "Vorname;Nachname;E-Mail-Adresse;Telefon;Notizen\nJürgen;Groß;j@x.org;1;\nZoë;;z@x.org;;da\n;;;2;\n"
	_, err := roster.Open(strings.NewReader(text), roster.Options{})
	var refusal *roster.Refusal
	if !errors.As(err, &refusal) || !refusal.Columns {
		t.Fatalf("it is refused as %v", err)
	}
	table, err := roster.TableOf(strings.NewReader(text), roster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []roster.Role{roster.GivenRole, roster.FamilyRole, roster.EmailRole, roster.NoRole, roster.BioRole}
	if !slices.Equal(table.Roles, want) || table.Headings != 1 || len(table.Rows) != 3 || table.Rows[0][1] != "Groß" {
		t.Errorf("it looks like %+v", table)
	}
	mapping, ok := roster.MappingOf(table.Roles)
	if !ok {
		t.Fatal("it finds nobody")
	}
	f := readAs(t, text, roster.Options{Mapping: mapping}, "2 Jürgen Groß <j@x.org>", `3 Zoë <z@x.org> "da"`, "4 !the line has no name, email or note")
	if notes := notesOf(f); !strings.Contains(notes, "Telefon") {
		t.Errorf("noted: %q", notes)
	}
	if _, ok := roster.MappingOf([]roster.Role{roster.NameRole}); ok {
		t.Error("people are found by their names")
	}
}

// TestCellsWithoutHeadings: what is pasted from a spreadsheet may have people from its first row on.
func TestCellsWithoutHeadings(t *testing.T) {
	text := "Ann Archer\tann@x.org\nBob\tbob@x.org\n"
	table, err := roster.TableOf(strings.NewReader(text), roster.Options{})
	if err != nil || table.Headings != roster.NoHeadings || len(table.Rows) != 2 || !slices.Equal(table.Columns, []string{"A", "B"}) {
		t.Fatalf("it looks like %+v (%v)", table, err)
	}
	mapping, _ := roster.MappingOf(table.Roles)
	readAs(t, text, roster.Options{Mapping: mapping, Headings: roster.NoHeadings}, "1 Ann Archer <ann@x.org>", "2 Bob <bob@x.org>")
	readAs(t, "sep=;\na;b@x.org", roster.Options{Mapping: mapping, Headings: roster.NoHeadings}, "2 a <b@x.org>")
	// A column alone, and a quote that is never closed.
	readAs(t, "c@x.org\nd@x.org", roster.Options{Mapping: &roster.Mapping{Emails: []int{0}}, Headings: roster.NoHeadings}, "1 <c@x.org>", "2 <d@x.org>")
	readAs(t, "\"c@x.org\nd@x.org", roster.Options{Mapping: &roster.Mapping{Emails: []int{0}}, Headings: roster.NoHeadings}, "1 !the line has a quote that is not closed", "2 <d@x.org>")
	if _, err := roster.TableOf(strings.NewReader("Name;Ort;Mail\nJ\xfcrgen;K\xf6ln;j@x.org\n"), roster.Options{}); err == nil || !strings.Contains(err.Error(), "not UTF-8") {
		t.Errorf("broken letters are shown: %v", err)
	}
}

// FuzzTable: whatever is said of a table's columns, each line is read or refused, and none is lost.
func FuzzTable(f *testing.F) {
	f.Add("Vorname;E-Mail\nJo;j@x.org\n", "gn", 0)
	f.Add("a@x.org\tAnn\n\"\n", "en", -1)
	f.Add("sep=|\n#TYPE x\n,,\n\"x\"\"", "ibe", 6)
	f.Add("x,y\n\"1,a@b\n2,c@d\n\",e@f\n", "ne", 2)
	for _, text := range []string{
		`[{"a":{"b":[1,true,{"c":"x@y"}]},"a.b":null},{"a":{"b":{"c":""}}}]`, "{\"who\":\"A\"}\n{\"who\":\"\\ud83d\",\"at\":[[\"a@x.org\"]]}\n", `{"x":{"y":[{"m":"a@x.org"}],"z":[1,[2]]}}`, `{"x":{"a":{"m":"a@x.org"},"b":{"m":"b@x.org"}},"y":1}`, "\"a\nb\",c\n",
		`[["a","b@c"],["d","e@f",[1,{}]],["g"`,
	} {
		f.Add(text, "en", 0)
	}
	known := map[rune]roster.Role{'n': roster.NameRole, 'g': roster.GivenRole, 'f': roster.FamilyRole, 'e': roster.EmailRole, 'b': roster.BioRole, 'i': roster.IDRole}
	f.Fuzz(func(t *testing.T, text, said string, headings int) {
		var roles []roster.Role
		for _, r := range said {
			roles = append(roles, known[r])
		}
		table, err := roster.TableOf(strings.NewReader(text), roster.Options{Headings: headings})
		if err != nil {
			return
		}
		if len(table.Roles) != len(table.Columns) || len(table.Columns) == 0 {
			t.Fatalf("it looks like %+v", table)
		}
		mapping, _ := roster.MappingOf(roles)
		_, all, err := read(t, text, roster.Options{Mapping: mapping, Headings: headings})
		if err != nil {
			var refusal *roster.Refusal
			if !errors.As(err, &refusal) {
				t.Errorf("open: %v", err)
			}
			return
		}
		last := roster.Line{}
		for _, line := range all {
			if line.Number < last.Number || (line.Number == last.Number && line.Item <= last.Item) {
				t.Fatalf("after %+v comes %+v", last, line)
			}
			last = line
		}
	})
}
