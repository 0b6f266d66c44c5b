package rest_test

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
)

func TestUserLife(t *testing.T) {
	w := newWorld(t)
	a := w.do("POST", "/api/v1/users", fields{"name": " Ada Lovelace ", "email": "ada@example.org", "bio": "First."}).status(201)
	u := decode[api.User](a)
	if u.Name != "Ada Lovelace" || u.Version != 1 || !api.ValidID(u.ID) || !u.CreatedAt.Equal(u.UpdatedAt) {
		t.Errorf("created %+v", u)
	}
	path := "/api/v1/users/" + u.ID
	if got := a.Header.Get("Location"); got != path {
		t.Errorf("Location %q", got)
	}
	if got := a.Header.Get("ETag"); got != `"1"` {
		t.Errorf("ETag %q", got)
	}

	a = w.do("GET", path, nil).status(200)
	if got := decode[api.User](a); got != u {
		t.Errorf("got %+v, want %+v", got, u)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store, no-transform" {
		t.Errorf("Cache-Control %q", got)
	}
	a = w.do("GET", path, nil, "If-None-Match", `W/"7", "1"`).status(304)
	if len(a.Body) > 0 {
		t.Errorf("304 with a body %q", a.Body)
	}
	w.do("GET", path, nil, "If-None-Match", `"2"`).status(200)

	changed := decode[api.User](w.do("PATCH", path, fields{"bio": "Wrote the first program."}, "If-Match", `"1"`).status(200))
	if changed.Version != 2 || changed.Name != u.Name || changed.Bio != "Wrote the first program." || !changed.UpdatedAt.After(u.UpdatedAt) {
		t.Errorf("changed to %+v", changed)
	}
	changed = decode[api.User](w.do("PATCH", path, fields{"name": "Ada King", "bio": nil}, "If-Match", "*").status(200))
	if changed.Version != 3 || changed.Bio != "Wrote the first program." {
		t.Errorf("changed to %+v", changed)
	}
	changed = decode[api.User](w.do("PATCH", path, fields{"name": "Ada"}, "If-Match", `"1", "3"`).status(200))
	if changed.Version != 4 {
		t.Errorf("changed to %+v", changed)
	}

	if a := w.do("DELETE", path, nil, "If-Match", `"4"`).status(204); len(a.Body) > 0 {
		t.Errorf("204 with a body %q", a.Body)
	}
	w.do("GET", path, nil).problem(404, api.CodeNotFound)
	w.do("DELETE", path, nil, "If-Match", `"4"`).problem(404, api.CodeNotFound)
	w.do("DELETE", path, nil, "If-Match", "*").problem(404, api.CodeNotFound)
	w.do("PATCH", path, fields{"name": "Ada"}, "If-Match", "*").problem(404, api.CodeNotFound)
	w.do("POST", "/api/v1/users", fields{"id": u.ID, "name": "Ada", "email": "ada@example.org"}).problem(409, api.CodeConflict)
}

func TestCreateWithAnIDIsSafeToRepeat(t *testing.T) {
	w := newWorld(t)
	body := fields{"id": uuid.NewString(), "name": "Ada", "email": "ada@example.org"}
	w.do("POST", "/api/v1/users", body).status(201)
	head := w.head()
	w.do("POST", "/api/v1/users", body).status(200)
	body["name"] = "Grace"
	w.do("POST", "/api/v1/users", body).problem(409, api.CodeConflict)
	if w.head() != head {
		t.Error("a repeated or refused create changed something")
	}
}

func TestEmailIsUniqueIgnoringCase(t *testing.T) {
	w := newWorld(t)
	ada := w.create("Ada", "ada@example.org")
	grace := w.create("Grace", "grace@example.org")
	p := w.do("POST", "/api/v1/users", fields{"name": "Other", "email": "ADA@example.org"}).problem(409, api.CodeEmailTaken)
	if !strings.Contains(p.Detail, "ADA@example.org") || len(p.Errors) != 1 || p.Errors[0].Field != "email" {
		t.Errorf("the problem does not name the email: %+v", p)
	}
	w.do("PATCH", "/api/v1/users/"+grace.ID, fields{"email": "Ada@Example.org"}, "If-Match", `"1"`).problem(409, api.CodeEmailTaken)
	w.do("PATCH", "/api/v1/users/"+ada.ID, fields{"email": "Ada@Example.org"}, "If-Match", `"1"`).status(200)
	w.do("DELETE", "/api/v1/users/"+ada.ID, nil, "If-Match", "*").status(204)
	w.do("PATCH", "/api/v1/users/"+grace.ID, fields{"email": "ada@example.org"}, "If-Match", `"1"`).status(200)
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	body := fields{"name": "Ada", "email": "ada@example.org"}
	first := w.do("POST", "/api/v1/users", body, "Idempotency-Key", "k1").status(201)
	u := decode[api.User](first)
	path := "/api/v1/users/" + u.ID
	head := w.head()

	again := w.do("POST", "/api/v1/users", `{ "email":"ada@example.org",  "name":"Ada"}`, "Idempotency-Key", "k1").status(201)
	if string(again.Body) != string(first.Body) || again.Header.Get("Location") != path || again.Header.Get("ETag") != `"1"` {
		t.Errorf("replayed %v %s", again.Header, again.Body)
	}
	if again.Header.Get("Idempotency-Replayed") != "true" || first.Header.Get("Idempotency-Replayed") != "" {
		t.Error("the replay, and only it, must say so")
	}
	w.do("POST", "/api/v1/users", fields{"name": "Eve", "email": "eve@example.org"}, "Idempotency-Key", "k1").problem(422, api.CodeKeyReused)
	w.do("DELETE", path, nil, "If-Match", `"1"`, "Idempotency-Key", "k1").problem(422, api.CodeKeyReused)
	if w.head() != head {
		t.Error("a replay changed something")
	}

	w.do("PATCH", path, fields{"name": "Ada K"}, "If-Match", `"1"`, "Idempotency-Key", "k2").status(200)
	w.do("PATCH", path, fields{"name": "Ada L"}, "If-Match", `"2"`).status(200)
	replayed := decode[api.User](w.do("PATCH", path, fields{"name": "Ada K"}, "If-Match", `"1"`, "Idempotency-Key", "k2").status(200))
	if replayed.Name != "Ada L" || replayed.Version != 3 {
		t.Errorf("the replay shows %+v, want the user as it is by now", replayed)
	}
	w.do("PATCH", path, fields{"name": "Ada K"}, "If-Match", `"3"`, "Idempotency-Key", "k2").problem(422, api.CodeKeyReused)

	w.do("DELETE", path, nil, "If-Match", `"2"`, "Idempotency-Key", "k3").problem(412, api.CodePrecondition)
	w.do("DELETE", path, nil, "If-Match", `"3"`, "Idempotency-Key", "k3").status(204)
	w.do("DELETE", path, nil, "If-Match", `"3"`, "Idempotency-Key", "k3").status(204)
	w.do("DELETE", path, nil, "If-Match", `"3"`, "Idempotency-Key", "k4").problem(404, api.CodeNotFound)

	for _, bad := range []string{" ", "two words", "é", strings.Repeat("k", 256)} {
		w.do("POST", "/api/v1/users", body, "Idempotency-Key", bad).problem(400, api.CodeInvalid)
	}
	w.do("POST", "/api/v1/users", fields{"name": "Bo", "email": "bo@example.org"}, "Idempotency-Key", strings.Repeat("k", 255)).status(201)
}

// TestErasedStayErased: what once created or changed a user who was deleted since does not bring
// them back, nor show them, whether the record is still there or not.
func TestErasedStayErased(t *testing.T) {
	w := newWorld(t)
	ada := fields{"name": "Ada", "email": "ada@example.org", "bio": "about Ada"}
	u := decode[api.User](w.do("POST", "/api/v1/users", ada, "Idempotency-Key", "k1").status(201))
	path := "/api/v1/users/" + u.ID
	w.do("PATCH", path, fields{"name": "Ada L"}, "If-Match", "*", "Idempotency-Key", "k2").status(200)
	w.do("DELETE", path, nil, "If-Match", "*", "Idempotency-Key", "k3").status(204)
	head := w.head()
	replay := func(when string) {
		t.Helper()
		create := w.do("POST", "/api/v1/users", ada, "Idempotency-Key", "k1")
		create.problem(409, api.CodeConflict)
		edit := w.do("PATCH", path, fields{"name": "Ada L"}, "If-Match", "*", "Idempotency-Key", "k2")
		edit.problem(404, api.CodeNotFound)
		for _, a := range []answer{create, edit} {
			if bytes.Contains(a.Body, []byte("Ada")) || bytes.Contains(a.Body, []byte("ada@")) {
				t.Errorf("%s, the answer is %s", when, a.Body)
			}
		}
		if w.head() != head {
			t.Errorf("%s, a replay has changed something", when)
		}
	}
	replay("with its record")
	w.do("DELETE", path, nil, "If-Match", "*", "Idempotency-Key", "k3").status(204)

	// Bo's record is gone by the time of the delete.
	bo := fields{"name": "Bo", "email": "bo@example.org"}
	u = decode[api.User](w.do("POST", "/api/v1/users", bo, "Idempotency-Key", "k4").status(201))
	if _, err := w.store.Prune(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if again := decode[api.User](w.do("POST", "/api/v1/users", bo, "Idempotency-Key", "k4").status(200)); again.ID != u.ID {
		t.Errorf("made %s of %s", again.ID, u.ID)
	}
	w.do("POST", "/api/v1/users", fields{"name": "Eve", "email": "eve@example.org"}, "Idempotency-Key", "k4").problem(422, api.CodeKeyReused)
	if _, err := w.store.Prune(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.do("DELETE", "/api/v1/users/"+u.ID, nil, "If-Match", "*").status(204)
	w.do("POST", "/api/v1/users", bo, "Idempotency-Key", "k4").problem(409, api.CodeConflict)
}

func TestPreconditions(t *testing.T) {
	w := newWorld(t)
	u := w.create("Ada", "ada@example.org")
	path := "/api/v1/users/" + u.ID
	head := w.head()
	for _, method := range []string{"PATCH", "DELETE"} {
		var body any
		if method == "PATCH" {
			body = fields{"name": "Eve"}
		}
		w.do(method, path, body).problem(428, api.CodePreconditionReq)
		for _, foreign := range []string{`"2"`, `"0"`, `"-1"`, `"01"`, `W/"1"`, `1`, `"abc"`, `"1`, `"2", "3"`, `"99999999999999999999"`} {
			a := w.do(method, path, body, "If-Match", foreign)
			a.problem(412, api.CodePrecondition)
			if a.Header.Get("ETag") != `"1"` {
				t.Errorf("%s with If-Match %s: ETag %q of the current version is missing", method, foreign, a.Header.Get("ETag"))
			}
		}
	}
	// Also when the change is already so: a plain client gets an answer about the version it named.
	w.do("PATCH", path, fields{"name": "Ada"}, "If-Match", `"7"`).problem(412, api.CodePrecondition)
	if w.head() != head || decode[api.User](w.do("GET", path, nil)) != u {
		t.Error("a refused write changed something")
	}
}

func TestList(t *testing.T) {
	w := newWorld(t)
	for i, name := range []string{"delta", "Alpha", "charlie", "Bravo", "alpha", "Écho"} {
		w.create(name, fmt.Sprintf("person%d@example.org", i))
	}
	gone := w.create("Aardvark", "gone@example.org")
	w.do("DELETE", "/api/v1/users/"+gone.ID, nil, "If-Match", "*").status(204)

	names := func(page api.UserPage) (names []string) {
		for _, u := range page.Users {
			names = append(names, u.Name)
		}
		return names
	}
	var all []string
	query := url.Values{"limit": {"2"}}
	for {
		page := decode[api.UserPage](w.do("GET", "/api/v1/users?"+query.Encode(), nil).status(200))
		all = append(all, names(page)...)
		if page.NextPageToken == "" {
			break
		}
		query.Set("page_token", page.NextPageToken)
	}
	got := strings.ToLower(strings.Join(all, " "))
	if got != "alpha alpha bravo charlie delta écho" {
		t.Errorf("listed %q", got)
	}
	for q, want := range map[string]string{
		"ALPH": "alpha alpha", "éCHO": "écho", "ECHO": "écho", "e\u0301cho": "écho", "person3@": "bravo", "nobody": "", "gone": "", "%": "", "_": "", " bravo ": "bravo",
	} {
		page := decode[api.UserPage](w.do("GET", "/api/v1/users?q="+url.QueryEscape(q), nil).status(200))
		if got := strings.ToLower(strings.Join(names(page), " ")); got != want {
			t.Errorf("q=%q lists %q, want %q", q, got, want)
		}
	}
	if body := string(w.do("GET", "/api/v1/users?q=nobody", nil).Body); body != `{"users":[],"nextPageToken":""}`+"\n" {
		t.Errorf("empty list is %s", body)
	}
}

func TestPollingByUpdatedAfter(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.create(fmt.Sprintf("P%d", 9-i), fmt.Sprintf("p%d@example.org", i))
	}
	after, token, seen := "1970-01-01T00:00:00Z", "", 0
	for {
		page := decode[api.UserPage](w.do("GET", "/api/v1/users?limit=2&updated_after="+url.QueryEscape(after)+"&page_token="+token, nil).status(200))
		for _, u := range page.Users {
			if want := fmt.Sprintf("P%d", 9-seen); u.Name != want {
				t.Errorf("row %d is %s, want %s", seen, u.Name, want)
			}
			seen++
		}
		if token = page.NextPageToken; token == "" {
			last := page.Users[len(page.Users)-1]
			after = last.UpdatedAt.Format("2006-01-02T15:04:05.999999Z07:00")
			break
		}
	}
	if seen != 5 {
		t.Fatalf("saw %d of 5", seen)
	}
	if page := decode[api.UserPage](w.do("GET", "/api/v1/users?updated_after="+after, nil).status(200)); len(page.Users) != 0 {
		t.Errorf("nothing is newer, got %+v", page.Users)
	}
	late := w.create("Late", "late@example.org")
	page := decode[api.UserPage](w.do("GET", "/api/v1/users?updated_after="+after, nil).status(200))
	if len(page.Users) != 1 || page.Users[0] != late {
		t.Errorf("got %+v, want the late one", page.Users)
	}
}
