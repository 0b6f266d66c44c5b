package roster_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/roster"
)

// TestJSON: objects a line, in an array or one after the other, and what people's
// editors and cut-off downloads make of them.
func TestJSON(t *testing.T) {
	tests := map[string]struct {
		text  string
		lines []string
	}{
		"lines":                   {"{\"email\":\"a@x.org\"}\r\n\n \r{\"email\":\"b@x.org\"}", []string{"1 <a@x.org>", "4 <b@x.org>"}},
		"lines, joined":           {"{\"email\":\"a@x.org\"}\n\ufeff{\"email\":\"b@x.org\"}\n", []string{"1 <a@x.org>", "2 <b@x.org>"}},
		"another bracket":         {`[["name":"A","email":"a@x.org"},{"email":"b@x.org"}]`, []string{`1 !there is`, `1 !there is`, "1 <b@x.org>"}},
		"lines, the first cut":    {"{\"email\":", []string{"1 !the line is not a JSON object: it ends too early"}},
		"no object":               {"{}\n[]\n7\n", []string{"1", `2 !there is "[]" where an object should be`, `3 !there is "7" where`}},
		"what the server gives":   {`{"id":"x","createdAt":"now","updatedAt":7,"version":{"a":[1]},"email":"a@x.org","bio":null}`, []string{"1 x <a@x.org>"}},
		"a field twice":           {`{"name":"A","name":"B"}`, []string{`1 !the object has the field "name" twice`}},
		"halves of letters":       {"{\"bio\":\"\\ud83d\\ude00 \\\\ud83d\"}\n{\"bio\":\"\\ud83d\"}\n{\"bio\":\"\\ude00\"}\n{\"bio\":\"\\ud83d\\n\\ude00\"}\n{\"bio\":\"\\ude00\\ud83d\"}\n{\"bio\":\"\\ud83d\\ud83d\\ude00\"}", []string{`1 "😀 \\ud83d"`, "2 !the object has half", "3 !the object has half", "4 !the object has half", "5 !the object has half", "6 !the object has half"}},
		"a list within an object": {`{"users":[{"email":"a@x.org"},{"email":"b@x.org"}],"more":false,"x":"\\\"{","paging":{"next":"[{}"}}`, []string{"1 <a@x.org>", "1 <b@x.org>"}},
		"a list far within":       {"{\r\n\"total\": 2, \"links\": {\"self\": [1, {}]},\r\n\"Data\":\r\n{\"people\": [\r\n{\"email\":\"a@x.org\"},\r\n{\"email\":\"b@x.org\"}\r\n]\r\n}\r\n}\r\n", []string{"5 <a@x.org>", "6 <b@x.org>"}},
		"an empty list within":    {`{"users": [ ]}`, nil},
		"a list that ends early":  {"{\"users\":[{\"email\":\"a@x.org\"}],\n{\"email\":\"b@x.org\"}]}", []string{"1 <a@x.org>", "2 <b@x.org>"}},
		"two lists within":        {`{"users":[{"email":"a@x.org"}],"contacts":[{"email":"b@x.org"}]}`, []string{"1 <a@x.org>", "1 <b@x.org>"}},
		"another list within":     {`{"friends":[{"email":"a@x.org"}],"more":false}`, []string{"1 <a@x.org>"}},
		"Google's People API": {`{"connections":[{"resourceName":"people/c1","etag":"x","names":[{"displayName":"Other"},{"metadata":{"primary":true},"displayName":"Ann Archer","familyName":"Archer"}],` +
			`"emailAddresses":[{"value":"mailto:a@x.org"},{"value":"x@x.org"}],"phoneNumbers":[{"value":"1"}],"biographies":[{"value":"Reads\nmaps"}]},` +
			`{"resourceName":"people/c2","names":[{"givenName":"Bo","familyName":"Ek"}]},{"resourceName":"people/c3","emailAddresses":[]}],"nextPageToken":"t"}`,
			[]string{`1 Ann Archer <a@x.org> "Reads\nmaps"`, "1 Bo Ek", "1 !the object has no name, email or note"}},
		"Google's, a line each": {"{\"names\":[{\"displayName\":\"A\"}],\"emailAddresses\":[{\"value\":\"a@x.org\"}]}\n{\"names\":[{\"displayName\":\"\\ud83d\"}],\"emailAddresses\":[{\"value\":\"b@x.org\"}]}\n", []string{"1 A <a@x.org>", "2 !the object has half a character"}},
		"Microsoft Graph": {`{"@odata.context":"c","value":[{"@odata.etag":"e","id":"AAM=","displayName":"Ann Archer","emailAddresses":[{"name":"Ann","address":"a@x.org"}],"personalNotes":"n"},` +
			`{"id":"1","givenName":"Bo","surname":"Ek","mail":"b@x.org","jobTitle":null}]}`, []string{`1 Ann Archer <a@x.org> "n"`, "1 Bo Ek <b@x.org>"}},
		"SCIM":                     {`{"schemas":["x"],"Resources":[{"id":"2819c223","name":{"formatted":"","givenName":"Ann","familyName":"Archer"},"emails":[{"value":"x@x.org"},{"value":"a@x.org","primary":true}]}]}`, []string{"1 Ann Archer <a@x.org>"}},
		"nested deeply":            {"{\"version\":" + strings.Repeat("[", 30_000), []string{"1 !the line is not a JSON object"}},
		"array":                    {"[{\"email\":\"a@x.org\"},\r\n\r\n {\"email\":\r\"b@x.org\"}]", []string{"1 <a@x.org>", "3 <b@x.org>"}},
		"array in one line":        {" [ {\"email\":\"a@x.org\"} , {\"email\":\"b]},{@x.org\"},{\"bio\":\"\\\"{\"}]\n", []string{"1 <a@x.org>", "1 <b]},{@x.org>", `1 "\"{"`}},
		"empty array":              {"[]", nil},
		"arrays, joined":           {"[{\"email\":\"a@x.org\"}]\n\ufeff[{\"email\":\"b@x.org\"}]", []string{"1 <a@x.org>", "2 <b@x.org>"}},
		"objects of several lines": {"{\n\"email\":\"a@x.org\"\n}\n{\n\"email\":\"b@x.org\"}", []string{"1 <a@x.org>", "4 <b@x.org>"}},
		"no objects":               {"[1,\n\"a\", null,{}]", []string{"1 !there is \"1\" where an object should be", `2 !there is "\"a\"" where`, `2 !there is "null" where`, "2"}},
		"nested":                   {"[{\"version\":{\"a\":[{},{\"b\":[]}]},\"email\":\"a@x.org\"},{\"tags\":[{}]},{\"email\":\"b@x.org\"}]", []string{"1 <a@x.org>", `1 !the object has an unknown field "tags"`, "1 <b@x.org>"}},
		"a bracket missing":        {"[\n{\"email\":\"a@x.org\",\n{\"email\":\"b@x.org\"}\n]", []string{"2 !the object is not closed before the next one begins", "3 <b@x.org>"}},
		"the last one missing":     {"[\n{\"email\":\"a@x.org\"\n]", []string{"2 !the object is not closed before"}},
		"a quote missing":          {"[\n{\"name\":\"A,\n\"email\":\"a@x.org\"},\n{\"email\":\"b@x.org\"}\n]", []string{"2 !the line is not a JSON object", "4 <b@x.org>"}},
		"cut off":                  {"[{\"email\":\"a@x.org\"},\n{\"email\":", []string{"1 <a@x.org>", "2 !the object is not closed where the file ends"}},
		"too long":                 {"[\n{\"bio\":\"" + strings.Repeat("x", 70_000) + "\"},{\"email\":\"b@x.org\"}]", []string{"2 !the object is longer than 64 kB", "2 <b@x.org>"}},
		"not text":                 {"[{\"name\":\"\xff\"},{\"name\":\"é\"}]", []string{"1 !the line has bytes that are not text", "1 é"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { readAs(t, test.text, roster.Options{}, test.lines...) })
	}
	if f := readAs(t, "[{},", roster.Options{}, "1"); len(f.Notes) != 1 || !strings.Contains(notesOf(f), "its list is not closed") {
		t.Errorf("notes: %q", f.Notes)
	}
	f := readAs(t, `[{"displayName":"A","mail":"a@x.org","jobTitle":"Cook","faxNumber":null,"emails":[{"value":"a@x.org"},{"value":"b@x.org"}]}]`, roster.Options{}, "1 A <a@x.org>")
	if len(f.Notes) != 1 || notesOf(f) != "left out: email 2, jobTitle. Rollcall keeps only name, email and bio" {
		t.Errorf("notes: %q", f.Notes)
	}
	_, all, err := read(t, "[{},{},\n{}]", roster.Options{})
	if err != nil || len(all) != 3 || all[1].Item != 2 || all[2].Item != 3 {
		t.Errorf("items: %+v (%v)", all, err)
	}
}

// TestNobodyVanishesFromJSON: where a byte is missing, doubled or another, each person is
// read, or a line of theirs is named.
func TestNobodyVanishesFromJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		form := rapid.SampledFrom([]string{
			"\n  {\n    \"name\": \"N\",\n    \"email\": %q,\n    \"bio\": \"x\"\n  }", "\n{\"name\":\"N\",\"email\":%q,\"bio\":\"x\"}",
		}).Draw(t, "form")
		text := "["
		people := rapid.IntRange(1, 6).Draw(t, "people")
		for i := range people {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf(form, fmt.Sprintf("p%d@x.org", i))
		}
		text += "\n]"
		var signs []int
		for i := range text {
			if strings.IndexByte("{}\":,", text[i]) >= 0 {
				signs = append(signs, i)
			}
		}
		at := rapid.SampledFrom(signs).Draw(t, "at")
		instead := rapid.SampledFrom([]string{"", `"`, "{", "}", "[", "]", ",", "\n"}).Draw(t, "instead")
		damaged := text[:at] + instead + text[at+rapid.IntRange(0, 1).Draw(t, "of"):]
		_, all, err := read(t, damaged, roster.Options{})
		var refusal *roster.Refusal
		if errors.As(err, &refusal) && refusal.Columns {
			return // it asks what a field is
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range people {
			email := fmt.Sprintf("p%d@x.org", i)
			whole := slices.ContainsFunc(all, func(l roster.Line) bool { return l.Entry.Email != nil && *l.Entry.Email == email })
			if hit := strings.Count(text[:at], "@x.org\"") + strings.Count(form, "@x.org\""); !whole && hit != i && hit != i-1 && hit != i+1 {
				t.Fatalf("damaged at %d, %s is not read from\n%s\n%+v", at, email, damaged, all)
			}
			if !whole && !slices.ContainsFunc(all, func(l roster.Line) bool {
				return l.Problem != nil || l.Entry.Email == nil || !hasAddress(l.Entry) || len(*l.Entry.Email) != len(email)
			}) {
				t.Fatalf("%s vanished from\n%s\n%+v", email, damaged, all)
			}
		}
	})
}
