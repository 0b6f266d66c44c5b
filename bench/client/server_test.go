package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/bench/site"
)

// served starts a server with three people.
func served(t *testing.T) *server {
	t.Helper()
	s, err := serve(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
	if err := s.reset(3); err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, address string) (string, http.Header) {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s (%v)", address, answer.Status, err)
	}
	return string(body), answer.Header
}

// TestPages: a page runs its contender, then its workloads, with precise clocks; a visit
// shows the list.
func TestPages(t *testing.T) {
	s := served(t)
	page, header := get(t, s.origin+"/page/sqlite?vfs=opfs")
	first, then := strings.Index(page, "/dist/sqlite.js"), strings.Index(page, "/dist/driver.js")
	if first < 0 || then < first || !strings.Contains(page, `{"vfs":"opfs"}`) || strings.Contains(page, "wasm_exec") {
		t.Errorf("the page is %s", page)
	}
	if header.Get("Cross-Origin-Opener-Policy") != "same-origin" || header.Get("Cross-Origin-Embedder-Policy") != "require-corp" {
		t.Errorf("the page is not isolated: %v", header)
	}
	if page, _ := get(t, s.origin+"/start/rollcall?database=x"); !strings.Contains(page, "/dist/start.js") || !strings.Contains(page, "/dist/wasm_exec.js") {
		t.Errorf("the visit is %s", page)
	}
	if err := os.WriteFile(filepath.Join(s.dist, "a.js.br"), []byte("small"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The client asked for no coding, so it undoes none.
	if text, header := get(t, s.origin+"/dist/a.js"); text != "small" || header.Get("Content-Encoding") != "br" || header.Get("Content-Type") != "text/javascript" {
		t.Errorf("the script is %q with %v", text, header)
	}
}

// TestPeopleAreServed: the page gets the same people as the server has, and can have them
// sorted first.
func TestPeopleAreServed(t *testing.T) {
	s := served(t)
	want := site.People(3, site.Seed)
	for query, first := range map[string]string{"/users": "", fmt.Sprintf("/people?n=3&seed=%d", site.Seed): "", fmt.Sprintf("/people?n=3&seed=%d&first=!", site.Seed): "!"} {
		text, _ := get(t, s.origin+query)
		var got []site.Person
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(got) != 3 {
			t.Fatalf("%s: %s (%v)", query, text, err)
		}
		if got[2].ID != want[2].ID || got[2].Name != first+want[2].Name {
			t.Errorf("%s has %+v, want %+v", query, got[2], want[2])
		}
	}
}

// TestProtocols: what each library sends is counted once, and it gets all people.
func TestProtocols(t *testing.T) {
	s := served(t)
	p, err := json.Marshal(site.People(1, 9)[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, body, want string }{
		{"/operations", "[" + string(p) + "]", `{"applied":1}`},
		{"/rxdb/push", `[{"newDocumentState":` + string(p) + `}]`, `[]`},
		{"/replicache/push", `{"mutations":[{"clientID":"c","id":7,"name":"create","args":` + string(p) + `}]}`, `{}`},
		{"/replicache/pull", `{"cookie":4}`, `"cookie":5,"lastMutationIDChanges":{"c":7},"patch":[{"op":"put","key":"user/`},
	} {
		var answer json.RawMessage
		if err := ask(http.MethodPost, s.origin+test.path, json.RawMessage(test.body), &answer); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(answer), test.want) {
			t.Errorf("%s answers %s, want %s", test.path, answer, test.want)
		}
	}
	if got := s.pushed(); got != 1 {
		t.Errorf("%d people were pushed, want one", got)
	}
	if text, _ := get(t, s.origin+"/rxdb/pull?after=0&limit=2"); strings.Count(text, `"email"`) != 2 || !strings.Contains(text, `"checkpoint":{"after":2}`) {
		t.Errorf("the first page is %s", text)
	}
	if text, _ := get(t, s.origin+"/rxdb/pull?after=2&limit=2"); strings.Count(text, `"email"`) != 1 || !strings.Contains(text, `"checkpoint":{"after":3}`) {
		t.Errorf("the last page is %s", text)
	}
	if err := ask(http.MethodPost, s.origin+"/replicache/push", json.RawMessage(`{"mutations":[{"name":"rename"}]}`), nil); err == nil {
		t.Error("an unknown mutator passes")
	}
}
