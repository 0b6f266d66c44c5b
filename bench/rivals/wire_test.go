package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
)

// served starts a server and connects to it.
func served(t *testing.T, h http.HandlerFunc) *wire {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	w, err := dial(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestWireReadsWholeAnswers(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	w := served(t, func(out http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil || in.Header.Get("Accept-Encoding") != "" {
			t.Errorf("got %q (%v) with %v", body, err, in.Header)
		}
		text := in.Method + " " + in.URL.String() + " " + in.Header.Get("Content-Type") + " " + string(body) + long
		if in.URL.Path == "/length" {
			out.Header().Set("Content-Length", strconv.Itoa(len(text)))
		}
		out.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(out, text) // the client checks it
	})
	var r request
	for range 3 { // on one connection
		r.post("/chunked?a=1")
		r.body = append(r.body, `{"a":"b"}`...)
		if a, err := w.do(&r); err != nil || a.status != http.StatusCreated || string(a.body) != `POST /chunked?a=1 application/json {"a":"b"}`+long {
			t.Fatalf("got %d %.80q (%v)", a.status, a.body, err)
		}
		r.get("/length")
		if a, err := w.do(&r); err != nil || a.status != http.StatusCreated || string(a.body) != `GET /length  `+long {
			t.Fatalf("got %d %.80q (%v)", a.status, a.body, err)
		}
	}
}

// TestWireRejectsIncomparableAnswers: compressed ones, ones that close the connection, and
// truncated ones.
func TestWireRejectsIncomparableAnswers(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"coded":  func(out http.ResponseWriter, _ *http.Request) { out.Header().Set("Content-Encoding", "gzip") },
		"closed": func(out http.ResponseWriter, _ *http.Request) { out.Header().Set("Connection", "close") },
		"cut off": func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Length", "10")
			panic(http.ErrAbortHandler)
		},
	} {
		w := served(t, h)
		var r request
		r.get("/")
		if a, err := w.do(&r); err == nil {
			t.Errorf("%s: answered %d %q", name, a.status, a.body)
		}
	}
}

func TestAnswersAreChecked(t *testing.T) {
	page := answer{http.StatusOK, []byte(`{"changes":[{"document":{"email":"a"}},{"document":{"email":"b"}}],"cursor":"1-2","hasMore":false}` + "\n")}
	if at, err := (rollcall{}).turn(page, changes, place{page: 4}, 2); err != nil || at != (place{5, "1-2"}) {
		t.Errorf("got %v (%v)", at, err)
	}
	if _, err := (rollcall{}).turn(page, changes, place{}, 3); err == nil {
		t.Error("a page with a missing row passes")
	}
	if _, err := (rollcall{}).turn(answer{http.StatusServiceUnavailable, page.body}, changes, place{}, 2); err == nil {
		t.Error("a page with another status passes")
	}
	if at, err := (pouchDB{}).turn(answer{http.StatusOK, []byte(`{"results":[{"doc":{"email":"a"},"seq":7}],"last_seq":7}` + "\n")}, changes, place{}, 1); err != nil || at != (place{1, "7"}) {
		t.Errorf("got %v (%v)", at, err)
	}
	for d, a := range map[dialect]answer{
		rollcall{}:   {http.StatusOK, []byte(`{"results":[{"status":"applied"},{"status":"rejected"}]}`)},
		pocketBase{}: {http.StatusOK, []byte(`[{"status":200},{"status":400}]`)},
		pouchDB{}:    {http.StatusCreated, []byte(`[{"ok":true},{"error":"conflict"}]`)},
	} {
		if d.saved(a, 2) == nil {
			t.Errorf("%T: one saved of two passes", d)
		}
		if err := d.saved(a, 1); err != nil {
			t.Error(err)
		}
	}
}

// TestPeopleAreUnique: every person is valid, with a new id and email.
func TestPeopleAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		p := newPerson()
		patch := api.UserPatch{Name: &p.name, Email: &p.email, Bio: &p.bio}
		if _, problems := patch.Clean(true); len(problems) > 0 || !api.ValidID(p.id) || seen[p.id] || seen[p.email] {
			t.Fatalf("%+v: %v", p, problems)
		}
		seen[p.id], seen[p.email] = true, true
	}
}

// TestReadingWrapsAround: reading starts over after the last page.
func TestReadingWrapsAround(t *testing.T) {
	s := work{readList, 16, 100}.session(pocketBase{}, 300)
	body := answer{http.StatusOK, []byte(strings.Repeat(`"email":`, 100))}
	var r request
	for i := range 7 {
		s.next(&r)
		if want := records + "?perPage=100&page=" + strconv.Itoa(i%3+1); string(r.path) != want {
			t.Fatalf("request %d asks for %s, not %s", i, r.path, want)
		}
		if err := s.check(body); err != nil {
			t.Fatal(err)
		}
	}
}
