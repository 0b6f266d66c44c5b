package rest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store/memory"
)

// TestBadInput: each request gets its status and code, and nothing is stored.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	u := w.create("Ada", "ada@example.org")
	users, one := "/api/v1/users", "/api/v1/users/"+u.ID
	const operations = "/api/v1/operations"
	const client = `"clientId":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11"`
	match := []string{"If-Match", `"1"`}
	bucket := func(n, more string) string {
		return "/api/v1/buckets/" + n + "?entityType=user&cursor=" + w.head() + more
	}
	tests := []struct {
		name, method, path string
		body               any
		header             []string
		status             int
		code               api.Code
	}{
		{"no body", "POST", users, "", nil, 400, api.CodeMalformed},
		{"not JSON", "POST", users, `{"name":`, nil, 400, api.CodeMalformed},
		{"trailing data", "POST", users, `{"name":"A","email":"a@example.org"}{}`, nil, 400, api.CodeMalformed},
		{"an array", "POST", users, `[]`, nil, 400, api.CodeMalformed},
		{"null", "POST", users, `null`, nil, 400, api.CodeMalformed},
		{"not UTF-8", "POST", users, "{\"name\":\"\xff\",\"email\":\"a@example.org\"}", nil, 400, api.CodeMalformed},
		{"half a surrogate pair", "POST", users, `{"name":"\ud800","email":"a@example.org"}`, nil, 400, api.CodeMalformed},
		{"too deep", "POST", users, `{"name":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`, nil, 400, api.CodeMalformed},
		{"boolean for text", "POST", users, `{"name":true,"email":"a@example.org"}`, nil, 400, api.CodeInvalid},
		{"a field twice", "POST", users, `{"name":"A","email":"a@example.org","name":"B"}`, nil, 400, api.CodeMalformed},
		{"unknown field", "POST", users, `{"name":"A","email":"a@example.org","admin":true}`, nil, 400, api.CodeUnknownField},
		{"field in the wrong case", "POST", users, `{"Name":"A","email":"a@example.org"}`, nil, 400, api.CodeUnknownField},
		{"server's field", "POST", users, `{"name":"A","email":"a@example.org","version":3}`, nil, 400, api.CodeUnknownField},
		{"number for text", "POST", users, `{"name":1,"email":"a@example.org"}`, nil, 400, api.CodeInvalid},
		{"no email", "POST", users, `{"name":"A"}`, nil, 400, api.CodeInvalid},
		{"empty name", "POST", users, `{"name":"  ","email":"a@example.org"}`, nil, 400, api.CodeInvalid},
		{"long name", "POST", users, fmt.Sprintf(`{"name":%q,"email":"a@example.org"}`, strings.Repeat("x", 201)), nil, 400, api.CodeInvalid},
		{"bad email", "POST", users, `{"name":"A","email":"nobody"}`, nil, 400, api.CodeInvalid},
		{"control character", "POST", users, `{"name":"A\u0000","email":"a@example.org"}`, nil, 400, api.CodeInvalid},
		{"long bio", "POST", users, fmt.Sprintf(`{"name":"A","email":"a@example.org","bio":%q}`, strings.Repeat("x", 2001)), nil, 400, api.CodeInvalid},
		{"bad id", "POST", users, `{"id":"7","name":"A","email":"a@example.org"}`, nil, 400, api.CodeInvalid},
		{"empty id", "POST", users, `{"id":"","name":"A","email":"a@example.org"}`, nil, 400, api.CodeInvalid},
		{"upper-case id", "POST", users, fmt.Sprintf(`{"id":%q,"name":"A","email":"a@example.org"}`, strings.ToUpper(uuid.NewString())), nil, 400, api.CodeInvalid},
		{"nil id", "POST", users, fmt.Sprintf(`{"id":%q,"name":"A","email":"a@example.org"}`, uuid.Nil), nil, 400, api.CodeInvalid},
		{"oversized", "POST", users, `{"bio":"` + strings.Repeat("x", api.MaxUserBody) + `"}`, nil, 413, api.CodeTooLarge},
		{"form", "POST", users, `name=A`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, api.CodeMediaType},
		{"plain text", "POST", users, `{"name":"A","email":"a@example.org"}`, []string{"Content-Type", "text/plain"}, 415, api.CodeMediaType},
		{"no content type", "POST", users, `{"name":"A","email":"a@example.org"}`, []string{"Content-Type", ""}, 415, api.CodeMediaType},
		{"cross-site", "POST", users, `{"name":"A","email":"a@example.org"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, api.CodeCrossSite},

		{"path is no id", "GET", users + "/7", nil, nil, 400, api.CodeInvalid},
		{"path in upper case", "GET", users + "/" + strings.ToUpper(u.ID), nil, nil, 400, api.CodeInvalid},
		{"unknown user", "GET", users + "/" + uuid.NewString(), nil, nil, 404, api.CodeNotFound},
		{"patch bad id", "PATCH", users + "/7", `{"name":"B"}`, match, 400, api.CodeInvalid},
		{"patch unknown user", "PATCH", users + "/" + uuid.NewString(), `{"name":"B"}`, match, 404, api.CodeNotFound},
		{"patch without If-Match", "PATCH", one, `{"name":"B"}`, nil, 428, api.CodePreconditionReq},
		{"patch with foreign If-Match", "PATCH", one, `{"name":"B"}`, []string{"If-Match", `"9"`}, 412, api.CodePrecondition},
		{"patch not JSON", "PATCH", one, `name`, match, 400, api.CodeMalformed},
		{"patch unknown field", "PATCH", one, `{"name":"B","id":"x"}`, match, 400, api.CodeUnknownField},
		{"patch empty name", "PATCH", one, `{"name":""}`, match, 400, api.CodeInvalid},
		{"patch wrong type", "PATCH", one, `{"name":"B"}`, []string{"If-Match", `"1"`, "Content-Type", "application/merge-patch+json"}, 415, api.CodeMediaType},
		{"patch oversized", "PATCH", one, `{"bio":"` + strings.Repeat("x", api.MaxUserBody) + `"}`, match, 413, api.CodeTooLarge},
		{"cross-site patch", "PATCH", one, `{"name":"B"}`, []string{"If-Match", `"1"`, "Sec-Fetch-Site", "cross-site"}, 403, api.CodeCrossSite},
		{"delete without If-Match", "DELETE", one, nil, nil, 428, api.CodePreconditionReq},
		{"delete with foreign If-Match", "DELETE", one, nil, []string{"If-Match", `"9"`}, 412, api.CodePrecondition},
		{"delete bad id", "DELETE", users + "/x", nil, match, 400, api.CodeInvalid},
		{"delete unknown", "DELETE", users + "/" + uuid.NewString(), nil, match, 404, api.CodeNotFound},
		{"cross-site delete", "DELETE", one, nil, []string{"If-Match", "*", "Sec-Fetch-Site", "cross-site"}, 403, api.CodeCrossSite},

		{"limit 0", "GET", users + "?limit=0", nil, nil, 400, api.CodeInvalid},
		{"limit too high", "GET", users + "?limit=501", nil, nil, 400, api.CodeInvalid},
		{"limit no number", "GET", users + "?limit=many", nil, nil, 400, api.CodeInvalid},
		{"long query", "GET", users + "?q=" + strings.Repeat("x", 201), nil, nil, 400, api.CodeInvalid},
		{"query with a control character", "GET", users + "?q=a%00b", nil, nil, 400, api.CodeInvalid},
		{"query that can't be parsed", "GET", users + "?q=%zz", nil, nil, 400, api.CodeInvalid},
		{"query with a semicolon", "GET", users + "?limit=5;q=a", nil, nil, 400, api.CodeInvalid},
		{"feed's query that can't be parsed", "GET", "/api/v1/changes?limit=%", nil, nil, 400, api.CodeInvalid},
		{"bucket's query that can't be parsed", "GET", bucket("7", "&after=%g0"), nil, nil, 400, api.CodeInvalid},
		{"page token with a field more", "GET", users + "?page_token=" + token(`{"i":"`+fuzzedID+`","x":1}`), nil, nil, 400, api.CodeInvalid},
		{"page token with a zero byte", "GET", users + "?page_token=" + token(`{"s":"\u0000","i":"`+fuzzedID+`"}`), nil, nil, 400, api.CodeInvalid},
		{"page token of a year too many", "GET", users + "?updated_after=2026-01-01T00:00:00Z&page_token=" + token(`{"i":"`+fuzzedID+`","u":"0001-01-01T00:00:00+23:59"}`), nil, nil, 400, api.CodeInvalid},
		{"query not UTF-8", "GET", users + "?q=%ff", nil, nil, 400, api.CodeInvalid},
		{"bad time", "GET", users + "?updated_after=yesterday", nil, nil, 400, api.CodeInvalid},
		{"bad page token", "GET", users + "?page_token=abc", nil, nil, 400, api.CodeInvalid},
		{"page token of another order", "GET", users + "?updated_after=2026-01-01T00:00:00Z&page_token=eyJzIjoiYSJ9", nil, nil, 400, api.CodeInvalid},

		{"batch not JSON", "POST", operations, `{`, nil, 400, api.CodeMalformed},
		{"batch with trailing data", "POST", operations, `{` + client + `,"operations":[]} x`, nil, 400, api.CodeMalformed},
		{"batch of two lists", "POST", operations, `{` + client + `,"operations":[],"operations":[{}]}`, nil, 400, api.CodeInvalid},
		{"batch too deep", "POST", operations, `{` + client + `,"operations":[{"data":{"name":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}}]}`, nil, 400, api.CodeMalformed},
		{"batch with unknown field", "POST", operations, `{` + client + `,"operations":[],"force":true}`, nil, 400, api.CodeUnknownField},
		{"batch without client", "POST", operations, `{"operations":[]}`, nil, 400, api.CodeInvalid},
		{"batch of a bad client", "POST", operations, `{"clientId":"me","operations":[]}`, nil, 400, api.CodeInvalid},
		{"batch without operations", "POST", operations, `{` + client + `}`, nil, 400, api.CodeInvalid},
		{"batch of no array", "POST", operations, `{` + client + `,"operations":{}}`, nil, 400, api.CodeInvalid},
		{"batch of numbers", "POST", operations, `{` + client + `,"operations":[1]}`, nil, 400, api.CodeMalformed},
		{"batch of 1,001", "POST", operations, `{` + client + `,"operations":[` + strings.Repeat("{},", api.MaxOperations) + `{}]}`, nil, 413, api.CodeTooLarge},
		{"batch oversized", "POST", operations, `{"clientId":"` + strings.Repeat("x", api.MaxBody) + `"}`, nil, 413, api.CodeTooLarge},
		{"batch as text", "POST", operations, `{` + client + `,"operations":[]}`, []string{"Content-Type", "text/plain"}, 415, api.CodeMediaType},
		{"cross-site batch", "POST", operations, `{` + client + `,"operations":[]}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, api.CodeCrossSite},

		{"bad cursor", "GET", "/api/v1/changes?cursor=abc", nil, nil, 400, api.CodeBadCursor},
		{"foreign cursor", "GET", "/api/v1/changes?cursor=AQAAAAAAAAABAQ", nil, nil, 410, api.CodeResync},
		{"feed limit 0", "GET", "/api/v1/changes?limit=0", nil, nil, 400, api.CodeInvalid},
		{"feed limit too high", "GET", "/api/v1/changes?limit=1001", nil, nil, 400, api.CodeInvalid},

		{"bucket 64", "GET", bucket("64", ""), nil, nil, 400, api.CodeInvalid},
		{"bucket below 0", "GET", bucket("-1", ""), nil, nil, 400, api.CodeInvalid},
		{"bucket no number", "GET", bucket("x", ""), nil, nil, 400, api.CodeInvalid},
		{"bucket written oddly", "GET", bucket("+07", ""), nil, nil, 400, api.CodeInvalid},
		{"bucket of no type", "GET", "/api/v1/buckets/7?cursor=" + w.head(), nil, nil, 400, api.CodeInvalid},
		{"bucket of an unknown type", "GET", "/api/v1/buckets/7?entityType=group&cursor=" + w.head(), nil, nil, 400, api.CodeInvalid},
		{"bucket after no id", "GET", bucket("7", "&after=7"), nil, nil, 400, api.CodeInvalid},
		{"bucket limit 0", "GET", bucket("7", "&limit=0"), nil, nil, 400, api.CodeInvalid},
		{"bucket limit too high", "GET", bucket("7", "&limit=1001"), nil, nil, 400, api.CodeInvalid},
		{"bucket without cursor", "GET", "/api/v1/buckets/7?entityType=user", nil, nil, 400, api.CodeInvalid},
		{"bucket with a bad cursor", "GET", "/api/v1/buckets/7?entityType=user&cursor=abc", nil, nil, 400, api.CodeBadCursor},
		{"bucket with a foreign cursor", "GET", "/api/v1/buckets/7?entityType=user&cursor=AQAAAAAAAAABAQ", nil, nil, 410, api.CodeResync},
		{"wrong method for a bucket", "POST", bucket("7", ""), `{}`, nil, 405, api.CodeMethod},

		{"no such address", "GET", "/api/v2/users", nil, nil, 404, api.CodeNoRoute},
		{"no such address to write", "POST", "/api/v1/user", `{}`, nil, 404, api.CodeNoRoute},
		{"trailing slash", "GET", users + "/", nil, nil, 404, api.CodeNoRoute},
		{"wrong method", "PUT", one, `{}`, nil, 405, api.CodeMethod},
		{"wrong method for the list", "DELETE", users, nil, nil, 405, api.CodeMethod},
		{"wrong method for the batch", "GET", operations, nil, nil, 405, api.CodeMethod},
	}
	head := w.head()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inner := *w
			inner.t = t
			a := inner.do(test.method, test.path, test.body, test.header...)
			p := a.problem(test.status, test.code)
			if test.code == api.CodeInvalid && len(p.Errors) == 0 {
				t.Errorf("the problem names no field: %s", a.Body)
			}
			if test.status == 405 && a.Header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if inner.head() != head {
				t.Error("something was stored")
			}
		})
	}
	if got := decode[api.User](w.do("GET", one, nil)); got != u {
		t.Errorf("the user is %+v now, was %+v", got, u)
	}
}

// TestBadOperations: an operation that makes no sense is rejected alone.
func TestBadOperations(t *testing.T) {
	w := newWorld(t)
	w.create("Ada", "ada@example.org")
	good := func() fields {
		return operation(uuid.NewString(), api.Create, 0, fields{"name": "N", "email": uuid.NewString() + "@example.org"})
	}
	with := func(name string, value any) fields {
		op := good()
		op[name] = value
		return op
	}
	tests := []struct {
		name string
		op   fields
		code api.Code
	}{
		{"id", with("id", "7"), api.CodeInvalid},
		{"numeric id", with("id", 7), api.CodeInvalid},
		{"entity id", with("entityId", "x"), api.CodeInvalid},
		{"entity type", with("entityType", "group"), api.CodeInvalid},
		{"type", with("type", "upsert"), api.CodeInvalid},
		{"negative version", with("baseVersion", -1), api.CodeInvalid},
		{"version as text", with("baseVersion", "1"), api.CodeInvalid},
		{"fractional version", with("baseVersion", 1.5), api.CodeInvalid},
		{"time", with("createdAt", "today"), api.CodeInvalid},
		{"stamp", with("stamp", "now"), api.CodeInvalid},
		{"stamp with a zero byte", with("stamp", "019de368f6c3-0000-a\x00"), api.CodeInvalid},
		{"time before all years", with("createdAt", "0001-01-01T00:00:00+23:59"), api.CodeInvalid},
		{"time after all years", with("createdAt", "9999-12-31T23:59:59-23:59"), api.CodeInvalid},
		{"unknown field", with("urgent", true), api.CodeUnknownField},
		{"data as text", with("data", "x"), api.CodeInvalid},
		{"data without email", with("data", fields{"name": "N"}), api.CodeInvalid},
		{"data with a number", with("data", fields{"name": 5, "email": "n@example.org"}), api.CodeInvalid},
		{"data with an unknown field", with("data", fields{"name": "N", "email": "n@example.org", "age": 5}), api.CodeUnknownField},
		{"no data", with("data", nil), api.CodeInvalid},
		{"taken email", with("data", fields{"name": "N", "email": "ADA@example.org"}), api.CodeEmailTaken},
		{"delete with data", with("type", "delete"), api.CodeUnknownField},
		{"empty operation", fields{}, api.CodeInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inner := *w
			inner.t = t
			before, after := good(), good()
			results := inner.push(before, test.op, after)
			for i, want := range []api.Status{api.Applied, api.Rejected, api.Applied} {
				if results[i].Status != want {
					t.Errorf("operation %d is %s, want %s", i, results[i].Status, want)
				}
			}
			r := results[1]
			if r.Problem == nil || r.Problem.Code != test.code {
				t.Fatalf("problem %+v, want code %s", r.Problem, test.code)
			}
			if id, text := test.op["id"].(string); text && r.ID != id {
				t.Errorf("the result is of %q, want %q", r.ID, id)
			}
			if string(r.Document) != "null" || r.Version != 0 {
				t.Errorf("a rejected operation has version %d, document %s", r.Version, r.Document)
			}
			entity, _ := test.op["entityId"].(string)
			if api.ValidID(entity) {
				inner.do("GET", "/api/v1/users/"+entity, nil).problem(404, api.CodeNotFound)
			}
		})
	}
}

// TestBracketsInText: what is text nests nothing.
func TestBracketsInText(t *testing.T) {
	w := newWorld(t)
	name := strings.Repeat(`["\`, 60)
	if u := w.create(name, "brackets@example.org"); u.Name != name {
		t.Errorf("the name is %q", u.Name)
	}
}

// TestMalformedOperations: so is one that JSON leaves open what it means.
func TestMalformedOperations(t *testing.T) {
	w := newWorld(t)
	for name, data := range map[string]string{
		"a field twice":         `{"name":"A","email":"a@example.org","name":"B"}`,
		"half a surrogate pair": `{"name":"\ud83d","email":"a@example.org"}`,
		"not UTF-8":             `{"name":"` + "\xff" + `","email":"a@example.org"}`,
	} {
		t.Run(name, func(t *testing.T) {
			inner := *w
			inner.t = t
			op := func(data string) string {
				return `{"id":"` + uuid.NewString() + `","entityType":"user","entityId":"` + uuid.NewString() + `","type":"create","baseVersion":0,"createdAt":"2026-01-31T12:00:00Z","data":` + data + `}`
			}
			good := func() string { return op(`{"name":"N","email":"` + uuid.NewString() + `@example.org"}`) }
			bad := op(data)
			body := `{"clientId":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11","operations":[` + good() + `,` + bad + `,` + good() + `]}`
			results := decode[api.BatchResult](inner.do("POST", "/api/v1/operations", body).status(200)).Results
			if len(results) != 3 || results[0].Status != api.Applied || results[2].Status != api.Applied {
				t.Fatalf("%+v", results)
			}
			r := results[1]
			if r.Status != api.Rejected || r.Problem == nil || r.Problem.Code != api.CodeMalformed || !strings.HasPrefix(bad, `{"id":"`+r.ID+`"`) {
				t.Errorf("%+v, %+v", r, r.Problem)
			}
		})
	}
}

func TestEmptyBatch(t *testing.T) {
	w := newWorld(t)
	body := `{"clientId":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11","operations":[]}`
	if got := string(w.do("POST", "/api/v1/operations", body).status(200).Body); got != `{"results":[]}`+"\n" {
		t.Errorf("an empty batch is answered %s", got)
	}
}

// TestManySmallOperations: a body of a million operations of one byte takes the memory of the
// body, not of a million operations.
func TestManySmallOperations(t *testing.T) {
	hub := feed.NewHub()
	defer hub.Close()
	h := rest.New(rest.Config{Store: memory.New(memory.Options{}), Hub: hub})
	const start = `{"clientId":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11","operations":[`
	for name, body := range map[string]string{
		"too many": start + strings.Repeat("0,", 1_000_000) + "0]}",
		"cut off":  start + strings.Repeat("{},", 650_000),
		"broken":   start + strings.Repeat("{},", 650_000) + "]}",
	} {
		r := httptest.NewRequest("POST", "/api/v1/operations", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h.ServeHTTP(w, r)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 30<<20 {
			t.Errorf("%s: %d MB were allocated for a body of %d", name, took>>20, len(body)>>20)
		}
		want := map[string]int{"too many": 413}[name]
		if w.Code != want && (want != 0 || w.Code != 400) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestBatchOfTheLimit(t *testing.T) {
	w := newWorld(t)
	var ops []any
	for i := range api.MaxOperations {
		ops = append(ops, operation(uuid.NewString(), api.Create, 0, fields{"name": "N", "email": fmt.Sprintf("n%d@example.org", i)}))
	}
	for i, r := range w.push(ops...) {
		if r.Status != api.Applied {
			t.Errorf("operation %d: %+v", i, r)
		}
	}
	// The same again, byte for byte: nothing happens, and each has its version and document.
	head := w.head()
	for i, r := range w.push(ops...) {
		if r.Status != api.Duplicate || r.Version != 1 || !json.Valid(r.Document) || string(r.Document) == "null" {
			t.Errorf("replayed operation %d: %+v", i, r)
		}
	}
	if w.head() != head {
		t.Error("a replay changed something")
	}
}

func token(position string) string { return base64.RawURLEncoding.EncodeToString([]byte(position)) }

// TestRefusedIDs: the id of an operation that is refused comes back only if it can be shown.
func TestRefusedIDs(t *testing.T) {
	w := newWorld(t)
	for id, want := range map[string]string{
		"7": "7", "two words": "", "\x1b[2J": "", "a\x00": "", strings.Repeat("x", 64): strings.Repeat("x", 64), strings.Repeat("x", 65): "",
	} {
		op := operation(uuid.NewString(), api.Create, 0, fields{"name": "N", "email": "n@example.org"})
		op["id"] = id
		if r := w.push(op)[0]; r.Status != api.Rejected || r.ID != want {
			t.Errorf("id %q: %s as %q, want it rejected as %q", id, r.Status, r.ID, want)
		}
	}
}
