//go:build e2e

package e2e_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/e2e/harness"
)

const (
	usersPath      = "/api/v1/users"
	operationsPath = "/api/v1/operations"
)

func TestInvalidInputIsRejectedAndStoresNothing(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	one := usersPath + "/" + ann
	huge := `{"name":"Zed","email":"zed@example.org","bio":"` + strings.Repeat("x", 70<<10) + `"}`
	batch := func(operations string) string {
		return `{"clientId":"` + uuid.NewString() + `","operations":[` + operations + `]}`
	}
	tests := map[string]struct {
		method, path, body string
		headers            []string
		status             int
		code               string
	}{
		"no JSON":                   {"POST", usersPath, `{"name":`, nil, 400, "malformed"},
		"JSON of another kind":      {"POST", usersPath, `["name"]`, nil, 400, "malformed"},
		"a field of another type":   {"POST", usersPath, `{"name":1,"email":"zed@example.org"}`, nil, 400, "invalid"},
		"two values":                {"POST", usersPath, `{"name":"Zed","email":"zed@example.org"} {}`, nil, 400, "malformed"},
		"nothing":                   {"POST", usersPath, "", []string{"Content-Type", "application/json"}, 400, "malformed"},
		"an unknown field":          {"POST", usersPath, `{"name":"Zed","email":"zed@example.org","admin":true}`, nil, 400, "unknown_field"},
		"another content type":      {"POST", usersPath, `{"name":"Zed","email":"zed@example.org"}`, []string{"Content-Type", "text/plain"}, 415, "unsupported_media"},
		"too large":                 {"POST", usersPath, huge, nil, 413, "too_large"},
		"no name":                   {"POST", usersPath, `{"name":"  ","email":"zed@example.org"}`, nil, 400, "invalid"},
		"no email":                  {"POST", usersPath, `{"name":"Zed"}`, nil, 400, "invalid"},
		"a long name":               {"POST", usersPath, `{"name":"` + strings.Repeat("x", 201) + `","email":"zed@example.org"}`, nil, 400, "invalid"},
		"an email that is none":     {"POST", usersPath, `{"name":"Zed","email":"Zed <zed@example.org>"}`, nil, 400, "invalid"},
		"an id that is none":        {"POST", usersPath, `{"id":"zed","name":"Zed","email":"zed@example.org"}`, nil, 400, "invalid"},
		"an email that is taken":    {"POST", usersPath, `{"name":"Zed","email":"ANN@example.org"}`, nil, 409, "email_taken"},
		"an id that is taken":       {"POST", usersPath, `{"id":"` + ann + `","name":"Zed","email":"zed@example.org"}`, nil, 409, "conflict"},
		"an address with no id":     {"GET", usersPath + "/zed", "", nil, 400, "invalid"},
		"nobody's address":          {"GET", usersPath + "/" + uuid.NewString(), "", nil, 404, "not_found"},
		"no such address":           {"GET", "/api/v1/people", "", nil, 404, "no_route"},
		"another method":            {"PUT", one, `{"name":"Zed"}`, nil, 405, "method_not_allowed"},
		"no If-Match":               {"PATCH", one, `{"name":"Zed"}`, nil, 428, "precondition_required"},
		"a foreign If-Match":        {"PATCH", one, `{"name":"Zed"}`, []string{"If-Match", `"99"`}, 412, "precondition_failed"},
		"delete, no If-Match":       {"DELETE", one, "", nil, 428, "precondition_required"},
		"delete, foreign If-Match":  {"DELETE", one, "", []string{"If-Match", `"99"`}, 412, "precondition_failed"},
		"a change of nothing known": {"PATCH", one, `{"nick":"Z"}`, []string{"If-Match", "*"}, 400, "unknown_field"},
		"a bad cursor":              {"GET", "/api/v1/changes?cursor=nonsense", "", nil, 400, "bad_cursor"},
		"a bad limit":               {"GET", "/api/v1/changes?limit=0", "", nil, 400, "invalid"},
		"a bad page token":          {"GET", usersPath + "?page_token=nonsense", "", nil, 400, "invalid"},
		"a batch that is none":      {"POST", operationsPath, `{"operations":5}`, nil, 400, "invalid"},
		"a batch without client":    {"POST", operationsPath, `{"operations":[]}`, nil, 400, "invalid"},
		"a batch of too many":       {"POST", operationsPath, batch(strings.Repeat(`{},`, api.MaxOperations) + `{}`), nil, 413, "too_large"},
		"a batch as a form":         {"POST", operationsPath, "operations=1", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media"},
		"a batch that is huge":      {"POST", operationsPath, batch(strings.Repeat(" ", 3<<20)), nil, 413, "too_large"},
	}
	before, mark := site.Rows(), countersOf(site)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := site.Call(test.method, test.path, test.body, test.headers...)
			if a.Status != test.status || a.Code() != test.code {
				t.Errorf("answered %d %q, want %d %q: %s", a.Status, a.Code(), test.status, test.code, a.Body)
			}
			var problem struct {
				Title  string
				Status int
				Errors []struct{ Field string }
			}
			if err := json.Unmarshal(a.Body, &problem); err != nil || problem.Title == "" || problem.Status != a.Status {
				t.Errorf("the problem is %s (%v)", a.Body, err)
			}
			for _, e := range problem.Errors {
				if !regexp.MustCompile(`^[a-z][a-zA-Z_]*$`).MatchString(e.Field) {
					t.Errorf("the problem blames a field %q that is none of the request's", e.Field)
				}
			}
		})
	}
	if after := site.Rows(); !slices.Equal(before, after) {
		t.Errorf("the database went from %v to %v", before, after)
	}
	if got := countersOf(site); got != mark {
		t.Errorf("the database's counters went from %v to %v", mark, got)
	}
}

func TestInvalidOperationIsRejectedAlone(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	good := uuid.NewString()
	op := func(id, kind, entityType, entityID, data string) string {
		return `{"id":` + strconv.Quote(id) + `,"type":"` + kind + `","entityType":"` + entityType + `","entityId":"` + entityID +
			`","data":` + data + `,"baseVersion":0,"createdAt":"2026-01-01T00:00:00Z"}`
	}
	person := `{"name":"Zed","email":"zed@example.org"}`
	operations := []string{
		op(uuid.NewString(), "create", "user", "no-id", person),
		op(uuid.NewString(), "create", "planet", uuid.NewString(), person),
		op(uuid.NewString(), "paint", "user", uuid.NewString(), person),
		op(uuid.NewString(), "create", "user", uuid.NewString(), `{"name":"","email":"zed@example.org"}`),
		op(uuid.NewString(), "create", "user", good, person),
		op(uuid.NewString(), "create", "user", uuid.NewString(), `{"name":"Other Zed","email":"ZED@example.org"}`),
	}
	a := site.Call(http.MethodPost, operationsPath,
		`{"clientId":"`+uuid.NewString()+`","operations":[`+strings.Join(operations, ",")+`]}`)
	var answer struct {
		Results []struct {
			Status  string
			Problem *struct{ Code string }
		}
	}
	if err := json.Unmarshal(a.Body, &answer); err != nil || a.Status != http.StatusOK {
		t.Fatalf("answered %d %s (%v)", a.Status, a.Body, err)
	}
	var got []string
	for _, r := range answer.Results {
		s := r.Status
		if r.Problem != nil {
			s += " " + r.Problem.Code
		}
		got = append(got, s)
	}
	want := []string{"rejected invalid", "rejected invalid", "rejected invalid", "rejected invalid", "applied", "rejected email_taken"}
	if !slices.Equal(got, want) {
		t.Errorf("the results are %q, want %q", got, want)
	}
	rows := site.Rows()
	if len(rows) != 1 || rows[0].ID != good {
		t.Errorf("the server has %+v", rows)
	}
}
