package rest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/contracttest"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store/memory"
)

const fuzzedID = "00000000-0000-4000-8000-000000000001"

// FuzzBodies: whatever body comes to whatever address, the answer is JSON, its
// errors are problems with a code, and none is the server's fault.
func FuzzBodies(f *testing.F) {
	contract := contracttest.Load(f)
	const client = `"clientId":"` + fuzzedID + `"`
	for _, body := range []string{
		`{"name":"Ann","email":"ann@example.org"}`, `{"id":"` + fuzzedID + `","name":"Ann","email":"ann@example.org","bio":"\u2028"}`,
		`{"name":"Ann","name":"Bea","email":"ann@example.org"}`, `{"name":"\ud800"}`, `{"name":[[[[{"a":[[]]}]]]]}`,
		`{` + client + `,"operations":[{"data":{"name":"\ud800","name":"` + "\xff" + `"},"createdAt":"2026-01-31T9:00:00,5Z"}],"operations":null}`,
		`{"bio":null}`, `{"name":7}`, `{`, ``, `null`, `[]`, `{"nobody":"knows"}`, "\xff", `{"name":"` + "\x00" + `"}`,
		`{` + client + `,"operations":[]}`,
		`{` + client + `,"operations":[{"id":"` + fuzzedID + `","entityType":"user","entityId":"` + fuzzedID +
			`","type":"create","data":{"name":"Ann","email":"ann@example.org"},"baseVersion":0,"createdAt":"2026-05-01T12:00:00Z","stamp":""}]}`,
		`{` + client + `,"operations":[{"id":"x"},{"type":"delete","baseVersion":-1},7]}`,
		`{` + client + `,"operations":[{"id":"` + fuzzedID + `","entityType":"user","entityId":"` + fuzzedID +
			`","type":"update","data":"x","baseVersion":9007199254740993,"createdAt":"never"}]}`,
	} {
		for kind := range uint8(4) {
			f.Add([]byte(body), kind, `"1"`, fuzzedID)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, kind uint8, tag, key string) {
		handler := contract.Handler(t, rest.New(rest.Config{Store: memory.New(memory.Options{Epoch: 1}), Hub: feed.NewHub()}))
		requests := []*http.Request{
			httptest.NewRequest("POST", "/api/v1/operations", bytes.NewReader(body)),
			httptest.NewRequest("POST", "/api/v1/users", bytes.NewReader(body)),
			httptest.NewRequest("PATCH", "/api/v1/users/"+fuzzedID, bytes.NewReader(body)),
			httptest.NewRequest("DELETE", "/api/v1/users/"+fuzzedID, bytes.NewReader(body)),
		}
		r := requests[int(kind)%len(requests)]
		r.Header.Set("Content-Type", "application/json")
		r.Header["If-Match"], r.Header["Idempotency-Key"] = []string{tag}, []string{key}
		answered(t, handler, r)
	})
}

// FuzzQueries: the same for what comes in an address.
func FuzzQueries(f *testing.F) {
	contract := contracttest.Load(f)
	for _, q := range []string{"", "limit=5", "limit=-1", "q=%ff", "page_token=e30", "updated_after=2026-05-01T12:00:00Z&page_token=eyJ1IjoiMjAyNi0wNS0wMVQxMjowMDowMFoifQ", "cursor=AQAAAAAAAAABAA", "cursor=x", "a=b;c"} {
		f.Add("/api/v1/users", q)
		f.Add("/api/v1/changes", q)
		f.Add("/api/v1/buckets/7", "entityType=user&"+q)
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		if path != "/api/v1/changes" && path != "/api/v1/buckets/7" {
			path = "/api/v1/users"
		}
		handler := contract.Handler(t, rest.New(rest.Config{Store: memory.New(memory.Options{Epoch: 1}), Hub: feed.NewHub()}))
		r := httptest.NewRequest("GET", path, http.NoBody)
		r.URL.RawQuery = query
		answered(t, handler, r)
	})
}

func answered(t *testing.T, handler http.Handler, r *http.Request) {
	t.Helper()
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, r)
	switch {
	case rec.Code >= 500:
		t.Errorf("%s %s: status %d, %s", r.Method, r.URL, rec.Code, rec.Body)
	case rec.Code == http.StatusNoContent || rec.Code == http.StatusNotModified:
	case !json.Valid(rec.Body.Bytes()):
		t.Errorf("%s %s: status %d, no JSON: %s", r.Method, r.URL, rec.Code, rec.Body)
	case rec.Code >= 400:
		var p api.Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || p.Code == "" || p.Title == "" || p.Status != rec.Code ||
			rec.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: status %d with problem %+v (%v)", r.Method, r.URL, rec.Code, p, err)
		}
	}
}
