package api

import (
	"encoding/json"
	"testing"
)

// documents are near the border of what is read without encoding/json.
var documents = []string{
	`{"id":"a","name":"Ada Lovelace","email":"ada@example.org","bio":"","createdAt":"2026-03-01T09:00:00Z","updatedAt":"2026-03-01T09:00:00.123Z","version":7}`,
	`{"name":"Zoë 😀","email":"z"}`, `{"name":"a","name":"b"}`, `{"name":"a","NAME":"b"}`, `{"ſ":"x","name":"a"}`, `{"name":5}`, `{"version":"5"}`,
	`{"name":null}`, `{"name":"a\nb"}`, `{"name":"a\u00e9"}`, "{\"name\":\"a\x01\"}", "{\"name\":\"\xff\"}", `{"name" :"a"}`, `{"name":"a"} `, `{"name":"a"}x`,
	`{"name":"a",}`, `{"name":"a"`, `{"name":"a"}}`, `{}`, ``, `[]`, `{"other":12,"name":"a"}`, `{"other":012}`, `{"other":-1}`, `{"version":1e3}`,
	`{"version":999999999999999999}`, `{"version":9223372036854775808}`, `{"createdAt":"yesterday"}`, `{"createdAt":""}`, `{"createdAt":"0001-01-01T00:00:00Z"}`,
	`{"other":{"name":"b"},"name":"a"}`, `{"name":"a","other":true}`, `{"version":}`, `{"version":`, `{"a":"b":"c"}`, `{"createdAt":"2026-03-01T24:00:00Z"}`,
}

// FuzzPlainDocuments compares what is read without encoding/json with what it reads.
func FuzzPlainDocuments(f *testing.F) {
	for _, d := range documents {
		f.Add([]byte(d))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		var want User
		wantErr := json.Unmarshal(document, &want)
		got, err := ParseUser(document)
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			t.Errorf("%q: %+v, %v; encoding/json has %+v, %v", document, got, err, want, wantErr)
		}
		var texts struct{ Name, Email string }
		sort, search := "", ""
		if json.Unmarshal(document, &texts) == nil {
			sort = FoldText(texts.Name)
			search = sort + "\n" + FoldText(texts.Email)
		}
		if gotSort, gotSearch := UserIndex(document); gotSort != sort || gotSearch != search {
			t.Errorf("%q is listed under %q, %q, want %q, %q", document, gotSort, gotSearch, sort, search)
		}
	})
}

// TestUsualDocumentsArePlain: else reading them takes ten times as long.
func TestUsualDocumentsArePlain(t *testing.T) {
	for _, d := range documents[:2] {
		if !readPlain([]byte(d)) {
			t.Errorf("%s is not plain", d)
		}
	}
}
