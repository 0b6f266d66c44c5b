package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/api/jsoncodec/codectest"
)

var documents = []string{
	`{"id":"a","name":"Ada Lovelace","email":"ada@example.org","bio":"","createdAt":"2026-03-01T09:00:00Z","updatedAt":"2026-03-01T09:00:00.123Z","version":7}`,
	`{"name":"Zoë 😀","email":"z"}`, `{"name":"a","name":"b"}`, `{"name":"a","NAME":"b"}`, `{"ſ":"x","name":"a"}`, `{"name":5}`, `{"version":"5"}`,
	`{"other":{"name":"b"},"name":"a"}`, `{"name":"a","other":true}`, `{"version":1e3}`, `{"createdAt":"yesterday"}`,
}

// FuzzUser compares how documents are read with how encoding/json reads them.
func FuzzUser(f *testing.F) {
	codectest.Seed(f, "id", "name", "createdAt", "version")
	for _, d := range documents {
		f.Add([]byte(d))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		codectest.Reads(t, document, ReadUser)
		u, err := ParseUser(document)
		if err != nil {
			return
		}
		codectest.Writes(t, u, u.WriteJSON)
		patch := UserPatch{Name: &u.Name, Bio: &u.Bio}
		codectest.Writes(t, patch, patch.WriteJSON)
		if sort, search := UserIndex(document); sort != FoldText(u.Name) || search != sort+"\n"+FoldText(u.Email) {
			t.Errorf("%q is listed under %q, %q", document, sort, search)
		}
	})
}

// FuzzBatch compares what is sent with what encoding/json makes of it.
func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"clientId":"c","operations":[{"id":"a","entityType":"user","entityId":"b","type":"update","data":{"name":"<Ann>"},"baseVersion":3,"createdAt":"2026-03-01T09:00:00Z","stamp":"s"},{}]}`))
	f.Add([]byte(`{"operations":[{"data":null,"createdAt":"2026-03-01T09:00:00.5+02:00"},{"data":"\ud800","id":"\ud800"}]}`))
	f.Add([]byte(`{"operations":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var b Batch
		if json.Unmarshal(text, &b) == nil {
			codectest.Writes(t, b, b.WriteJSON)
		}
	})
}

// FuzzAnswer compares how the server's answers are read with how encoding/json reads them.
func FuzzAnswer(f *testing.F) {
	codectest.Seed(f, "results", "changes", "cursor", "hasMore", "contentDigests", "epoch", "status", "errors", "maxOperations")
	sums := `"` + strings.Repeat("A", 683) + `="`
	for _, text := range []string{
		`{"results":[{"id":"a","status":"applied","version":4,"stamp":"s","document":{"name":"Ann"}},{"id":"b","status":"rejected","version":0,"document":null,"problem":{"title":"No","status":409,"code":"email_taken"}}]}`,
		`{"results":null}`, `{"results":[null]}`, `{"results":[{"problem":null,"document":[1, 2]}]}`, `{"results":[{"version":1.5}]}`,
		`{"type":"t","title":"No","status":400,"detail":"d","code":"invalid","errors":[{"field":"name","detail":"is required"}],"maxOperations":100}`,
		`{"changes":[{"entityType":"user","entityId":"a","version":3,"deleted":false,"stamp":"s","document":{"id":"a"}},{"deleted":true}],"cursor":"c","hasMore":true}`,
		`{"changes":[],"contentDigests":{"user":{"count":3,"buckets":` + sums + `}},"epoch":"1f"}`, `{"contentDigests":{"user":null}}`, `{"contentDigests":{"user":{"count":-1,"buckets":` + sums + `}}}`,
		`{"contentDigests":{"user":{"count":1,"buckets":"AAAA"}}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		codectest.Reads(t, text, ReadBatchResult)
		codectest.Reads(t, text, ReadProblem)
		codectest.Reads(t, text, ReadChangePage)
		codectest.Reads(t, text, ReadBucketPage)
		if p, err := jsoncodec.Parse(text, ReadProblem); err == nil {
			codectest.Writes(t, p, p.WriteJSON)
		}
	})
}
