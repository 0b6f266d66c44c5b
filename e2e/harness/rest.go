package harness

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func sortRows(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
}

// Answer is an answer of the server.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Code returns the code of a problem, "" if the answer is none.
func (a Answer) Code() string {
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
		return ""
	}
	var p struct{ Code string }
	if json.Unmarshal(a.Body, &p) != nil {
		return ""
	}
	return p.Code
}

// Call sends a request directly to the server, with headers as pairs of name and value.
func (s *Site) Call(method, path, body string, headers ...string) Answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.Server.URL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return Answer{res.StatusCode, res.Header, data}
}

// Person is a user to create.
type Person struct {
	ID    string `json:"id,omitempty"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Bio   string `json:"bio"`
}

// Add creates a user by plain REST and returns the id.
func (s *Site) Add(p Person) string {
	s.t.Helper()
	if p.ID == "" {
		p.ID = uuid.NewString()
	}
	mustStatus(s.t, s.Call(http.MethodPost, "/api/v1/users", encode(s.t, p)), http.StatusCreated)
	return p.ID
}

// Change patches a user by plain REST, whatever the version.
func (s *Site) Change(id string, fields map[string]string) {
	s.t.Helper()
	mustStatus(s.t, s.Call(http.MethodPatch, "/api/v1/users/"+id, encode(s.t, fields), "If-Match", "*"), http.StatusOK)
}

// Remove deletes a user by plain REST, whatever the version.
func (s *Site) Remove(id string) {
	s.t.Helper()
	mustStatus(s.t, s.Call(http.MethodDelete, "/api/v1/users/"+id, "", "If-Match", "*"), http.StatusNoContent)
}

func mustStatus(t testing.TB, a Answer, want int) {
	t.Helper()
	if a.Status != want {
		t.Fatalf("the server answered %d, want %d: %s", a.Status, want, bytes.TrimSpace(a.Body))
	}
}

func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
