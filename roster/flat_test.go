package roster_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/roster"
)

// mapped is a file whose fields are what they are guessed to be.
func mapped(t *testing.T, text string, wantColumns string, want ...string) *roster.File {
	t.Helper()
	table, err := roster.TableOf(strings.NewReader(text), roster.Options{})
	if err != nil {
		t.Errorf("%.60q: %v", text, err)
		return &roster.File{}
	}
	var columns []string
	for i, c := range table.Columns {
		if table.Roles[i] != roster.NoRole {
			c += "=" + string(table.Roles[i])
		}
		columns = append(columns, c)
	}
	if got := strings.Join(columns, " "); got != wantColumns {
		t.Errorf("%.60q has the columns\n%s\nwant\n%s", text, got, wantColumns)
	}
	mapping, ok := roster.MappingOf(table.Roles)
	if !ok {
		t.Errorf("%.60q: nobody is found", text)
		return &roster.File{}
	}
	return readAs(t, text, roster.Options{Mapping: mapping}, want...)
}

// TestJSONOfOthers: objects with fields of their own are a table, whatever they are in.
func TestJSONOfOthers(t *testing.T) {
	for name, test := range map[string]struct {
		text, columns string
		lines         []string
	}{
		"other names":         {"[{\"fullName\":\"Ann\",\"mail_address\":\"a@x.org\",\"phone\":17},\n{\"fullName\":\"Bo\",\"about\":\"x\",\"mail_address\":null}]", "fullName=name mail_address phone about=bio", nil},
		"found by an @":       {"[{\"who\":\"Ann\",\"reach\":\"a@x.org\"},{\"who\":\"Bo\",\"reach\":\"b@x.org\"}]", "who=name reach=email", []string{"1 Ann <a@x.org>", "1 Bo <b@x.org>"}},
		"capitals":            {`[{"Name":"Ann","Email":"a@x.org"}]`, "Name=name Email=email", []string{"1 Ann <a@x.org>"}},
		"an id of theirs":     {`[{"id":7,"name":"Ann","email":"a@x.org"}]`, "id name=name email=email", []string{"1 Ann <a@x.org>"}},
		"nested":              {`{"people":[{"name":{"title":"Dr.","first":"Ann","last":"Archer"},"emails":[{"value":"a@x.org","kind":"work"},{"value":"b@x.org"}],"company":{"name":"Acme"}}]}`, "name.title name.first=given name.last=family emails.value=email emails.kind company.name", []string{"1 Ann Archer <a@x.org>"}},
		"under any key":       {`{"exportedBy":"admin@x.org","tags":["a",{"b":[]}],"crew":{"all":[{"first":"Ann","contact":{"email":"a@x.org"}},{"first":"Bo","contact":{"email":"b@x.org"}}]},"colours": [ "red","blue"], "none": [ ],"matrix":[[1,2],[3]]}`, "first=given contact.email=email", []string{"1 Ann <a@x.org>", "1 Bo <b@x.org>"}},
		"by their ids":        {`{"export":{"at":"today"},"users":{"-a\"":{"first":"Ann","at":"a@x.org"},` + "\n" + `"-b" : {"first":"Bo","at":"b@x.org"},"-c":{"first":"Cy"}},"more":[{"x":[]}]}`, "first=given at=email", []string{"1 Ann <a@x.org>", "2 Bo <b@x.org>", "2 Cy", "2 !the object has no name, email or note"}},
		"ids alone":           {`{"1":{"first":"Ann","at":"a@x.org"},"2":{"first":"Bo","at":"b@x.org"}}`, "first=given at=email", []string{"1 Ann <a@x.org>", "1 Bo <b@x.org>"}},
		"lines":               {"{\"given_name\":\"Ann\",\"mail\":[\"a@x.org\"]}\n\n{\"given_name\":\"Bo\",\"mail\":[\"b@x.org\"]}\n", "given_name=given mail=email", []string{"1 Ann <a@x.org>", "3 Bo <b@x.org>"}},
		"one after the other": {"{\n\"given_name\":\"Ann\",\n\"post\":\"a@x.org\"}\n{\n\"given_name\":\"Bo\",\n\"post\":\"b@x.org\"}", "given_name=given post=email", []string{"1 Ann <a@x.org>", "4 Bo <b@x.org>"}},
		"GeoJSON":             {`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[1.5,-2e3]},"properties":{"name":"Ann","email":"a@x.org"}}]}`, "type geometry.type geometry.coordinates properties.name=name properties.email=email", []string{"1 Ann <a@x.org>"}},
		"known in part":       {`[{"fullName":"Ann","emails":[{"value":"a@x.org"}]}]`, "fullName=name emails.value=email", []string{"1 Ann <a@x.org>"}},
		"bad ones":            {"{\"who\":\"Ann\",\"at\":\"a@x.org\"}\n{\"who\":\"B\",\"who\":\"C\"}\n{\"who\":{\"a\":1,\"a\":2}}\n{\"who\":\"\\ud83d\"}\n{\"who\":[[\n7\n{\"who\":\"D\"}{}\n{}\n{\"who\":\" \"}\n{\"who\":\"E\",\"at\":[\"e@x.org\",\"f@x.org\"]}", "who=name at=email who.a", []string{"1 Ann <a@x.org>", `2 !the object has the field "who" twice`, `3 !the object has the field "a" twice`, "4 !the object has half a character", "5 !the line is not a JSON object: it ends too early", "6 !there is \"7\" where an object should be", "7 !there is something after the JSON object: \"{}\"", "8 !the object has no name, email or note", "9 !the object has no name, email or note", "10 E <e@x.org>"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := roster.Open(strings.NewReader(test.text), roster.Options{})
			var refusal *roster.Refusal
			if !errors.As(err, &refusal) || !refusal.Columns || !strings.HasPrefix(refusal.Reason.String(), "most of its objects are not written as people are here; line ") {
				t.Errorf("it is refused as %v", err)
			}
			if test.lines == nil { // no field is said to be the email
				table, err := roster.TableOf(strings.NewReader(test.text), roster.Options{})
				if err != nil || !slices.Equal(table.Columns, []string{"fullName", "mail_address", "phone", "about"}) || !slices.Equal(table.Rows[0], []string{"Ann", "a@x.org", "17"}) || table.Headings != 0 {
					t.Errorf("it looks like %+v (%v)", table, err)
				}
				return
			}
			f := mapped(t, test.text, test.columns, test.lines...)
			if !f.Mapped {
				t.Errorf("it is %+v", f.Info)
			}
		})
	}
	f := mapped(t, `[{"who":["Ann","Annie"],"at":["a@x.org","b@x.org"],"tag":[1,true,null,{}]}]`, "who=name at=email tag", "1 Ann <a@x.org>")
	if got := notesOf(f); got != "left out: email 2, tag, who 2. Rollcall keeps only name, email and bio" {
		t.Errorf("noted: %q", got)
	}
	// Where most objects are ours, the others are named; so are those of known programs.
	readAs(t, `[{"name":"Ann"},{"name":"Bo","phone":"1"},{"emails":[{"value":"c@x.org"}],"phone":"1"}]`, roster.Options{}, "1 Ann", `1 !the object has an unknown field "phone"`, "1 <c@x.org>")
	// Each object is a person where there are several, also if they have lists of others.
	for _, rows := range []string{`{"a":"x","friends":[{"at":"f@x.org"}]}` + "\n{}", `{"name":"Ann","emails":[{"value":"a@x.org"},{"value":"b@x.org"}]}`} {
		if _, all, err := read(t, rows, roster.Options{Mapping: &roster.Mapping{}}); err != nil || strings.Count(rows, "\n")+1 != len(all) {
			t.Errorf("%s is read as %+v (%v)", rows, all, err)
		}
	}
	for _, text := range []string{"[]", "[{},{}]", "[1]", `[[{}]]`, "{", `{"a":null}`} {
		if _, err := roster.TableOf(strings.NewReader(text), roster.Options{}); err == nil || !strings.Contains(err.Error(), "it has no object with anything in it") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := roster.TableOf(strings.NewReader("BEGIN:VCARD\n"), roster.Options{}); err == nil || !strings.Contains(err.Error(), "it is vCard, not CSV") {
		t.Errorf("a card: %v", err)
	}
	if _, err := roster.TableOf(strings.NewReader("{\"who\":\"J\xfcrgen\"}"), roster.Options{}); err == nil || !strings.Contains(err.Error(), "not UTF-8") {
		t.Errorf("broken letters are shown: %v", err)
	}
}

// TestBoundsOfObjects: what is beyond them is named, and costs nothing.
func TestBoundsOfObjects(t *testing.T) {
	var b strings.Builder
	for n := range 2000 {
		fmt.Fprintf(&b, "{\"to\":\"p%d@x.org\",\"key%d\":\"x\",\"deep\":%s1%s,\"%0300d\":2}\n", n, n, strings.Repeat("[", 20), strings.Repeat("]", 20), n)
	}
	table, err := roster.TableOf(strings.NewReader(b.String()), roster.Options{})
	if err != nil || len(table.Columns) != 1000 || table.Columns[0] != "to" || table.Columns[999] != "key998" {
		t.Fatalf("%d columns (%v)", len(table.Columns), err)
	}
	f, all, err := read(t, b.String(), roster.Options{Mapping: &roster.Mapping{Emails: []int{0}}})
	if err != nil || len(all) != 2000 || all[1999].Problem != nil || !strings.Contains(notesOf(f), "deep") {
		t.Errorf("%d lines, noted %q (%v)", len(all), notesOf(f), err)
	}
	// As much memory for many as for few.
	row := fmt.Sprintf("{\"who\":{\"first\":\"Ann\"},\"to\":[\"a@x.org\"],\"x\":\"%0500d\"}\n", 0)
	long := strings.Repeat(row, 40_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	file, err := roster.Open(strings.NewReader(long), roster.Options{Mapping: &roster.Mapping{Emails: []int{1}}})
	if err != nil || file.Lines != 40_000 {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("%d kB are in use", grown>>10)
	}
	runtime.KeepAlive(file)
}

// TestLongObjectsAroundAList: what comes before the list may be long, and the list longer than an object.
func TestLongObjectsAroundAList(t *testing.T) {
	text := `{"about":"` + strings.Repeat("x", 30_000) + `","crew":[` + strings.Repeat(`{"name":"Ann","email":"a@x.org"},`, 5000) + `{}]}`
	_, all, err := read(t, text, roster.Options{})
	if err != nil || len(all) != 5001 || all[4999].Problem != nil {
		t.Errorf("%d lines (%v)", len(all), err)
	}
}

// TestHeadingsAreSaid: whoever knows the line with the headings says so; nothing above it is read.
func TestHeadingsAreSaid(t *testing.T) {
	text := "sep=;\nStaff;of;all;sites\n\nPrinted;12 May;by a@x.org;\n\"two\nlines\";;;\nWer;Wo;Post;Note\nAnn;Rome;ann@x.org;\n"
	table, err := roster.TableOf(strings.NewReader(text), roster.Options{})
	if err != nil || table.Headings != 2 {
		t.Fatalf("it looks like %+v (%v)", table, err)
	}
	want := []roster.TopLine{{2, "Staff · of · all · sites"}, {4, "Printed · 12 May · by a@x.org"}, {5, "\"two"}, {6, `lines"`}, {7, "Wer · Wo · Post · Note"}, {8, "Ann · Rome · ann@x.org"}}
	if !slices.Equal(table.Top, want) {
		t.Errorf("it begins with %+v", table.Top)
	}
	table, err = roster.TableOf(strings.NewReader(text), roster.Options{Headings: 7})
	if err != nil || !slices.Equal(table.Columns, []string{"Wer", "Wo", "Post", "Note"}) || len(table.Rows) != 1 || table.Headings != 7 || !slices.Equal(table.Top, want) {
		t.Fatalf("it looks like %+v (%v)", table, err)
	}
	mapping, _ := roster.MappingOf(table.Roles)
	f := readAs(t, text, roster.Options{Headings: 7, Mapping: mapping}, "8 Ann <ann@x.org>")
	if !strings.HasPrefix(notesOf(f), "the headings are in line 7; the lines above are skipped") {
		t.Errorf("noted: %q", f.Notes)
	}
	// Columns of ours, and of known programs, need no mapping.
	readAs(t, strings.Repeat("x\n", 30)+"name,email\nAnn,a@x.org\n", roster.Options{Headings: 31}, "32 Ann <a@x.org>")
	// A first line with an address may have the headings all the same.
	readAs(t, "ask@x.org,name\na@x.org,Ann\n", roster.Options{Headings: 1, Mapping: &roster.Mapping{Emails: []int{0}}}, "2 <a@x.org>")
	for _, line := range []int{1, 3, 9, 1 << 40} {
		refusedAs(t, text, roster.Options{Headings: line}, fmt.Sprintf("line %d names no columns", line))
	}
	readAs(t, "name,email\nAnn,a@x.org", roster.Options{Headings: 1}, "2 Ann <a@x.org>")
	// A heading may have several lines in its cell; one that is never closed takes in nobody.
	text = "\"Full\nname\",\"E-mail\r\n(work)\",Phone\nAnn,a@x.org,1\n\"Full\nname\",\"E-mail\n(work)\",Phone\n"
	table, err = roster.TableOf(strings.NewReader(text), roster.Options{})
	if err != nil || !slices.Equal(table.Columns, []string{"Full name", "E-mail (work)", "Phone"}) || table.Headings != 1 || table.Rows[0][0] != "Ann" {
		t.Errorf("it looks like %+v (%v)", table, err)
	}
	readAs(t, text, roster.Options{Mapping: &roster.Mapping{Names: [][]int{{0}}, Emails: []int{1}}}, "4 Ann <a@x.org>", "5 !the Full name has a line break in it")
	readAs(t, "\"who,at\nAnn,a@x.org\nBo,b@x.org\n", roster.Options{Mapping: &roster.Mapping{Names: [][]int{{0}}, Emails: []int{1}}}, "2 !the line has more cells", "3 !the line has more cells")
	long, err := roster.TableOf(strings.NewReader(strings.Repeat("\x1b[31m"+strings.Repeat("é", 100)+",\n", 50)), roster.Options{})
	if err != nil || len(long.Top) != 20 || len([]rune(long.Top[0].Text)) != 61 {
		t.Errorf("it begins with %+v (%v)", long.Top, err)
	}
}
