package rest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/contracttest"
)

// TestCompression: list and feed are compressed as the client likes best, small
// answers are left alone, and what comes out is the same.
func TestCompression(t *testing.T) {
	w := newWorld(t)
	for i := range 60 {
		w.do("POST", "/api/v1/users", fields{"name": fmt.Sprint("Person ", i), "email": fmt.Sprintf("p%d@example.org", i),
			"bio": strings.Repeat("Knows the way. ", i)}).status(201)
	}
	for _, path := range []string{"/api/v1/users", "/api/v1/changes"} {
		plain := w.do("GET", path, nil, "Accept-Encoding", "identity").status(200)
		for accept, want := range map[string]string{
			"zstd, br, gzip":       "zstd",
			"gzip, deflate, br":    "gzip",
			"gzip;q=1, zstd;q=0.5": "gzip",
			"zstd;q=0, gzip;q=0.1": "gzip",
			"x-gzip":               "gzip",
			"*":                    "zstd",
			"br":                   "",
			"identity":             "",
			"gzip;q=0":             "",
			"gzip;q=nonsense":      "",
			"identity;q=0, br":     "", // nothing is acceptable: better as it is than not at all
			"":                     "",
		} {
			a := w.do("GET", path, nil, "Accept-Encoding", accept).status(200)
			if got := a.Header.Get("Content-Encoding"); got != want || a.Header.Get("Vary") != "Accept, Accept-Encoding, Rollcall-Accept-Encoding" {
				t.Errorf("%s for %q: coded %q, want %q; Vary %q", path, accept, got, want, a.Header.Get("Vary"))
			}
			body, err := contracttest.Response{Header: a.Header, Body: a.Body}.Plain()
			if err != nil || !bytes.Equal(body, plain.Body) {
				t.Errorf("%s for %q: the decoded body is another one (%v)", path, accept, err)
			}
			if want != "" && len(a.Body) > len(plain.Body)/3 {
				t.Errorf("%s for %q: %d bytes of %d", path, accept, len(a.Body), len(plain.Body))
			}
		}
		asked := w.do("GET", path, nil, "Accept-Encoding", "zstd, gzip", "Rollcall-Accept-Encoding", "identity").status(200)
		if asked.Header.Get("Content-Encoding") != "" || !bytes.Equal(asked.Body, plain.Body) {
			t.Errorf("%s: asked for a plain answer, has header %v", path, asked.Header)
		}
		small := w.do("GET", path+"?limit=1", nil, "Accept-Encoding", "zstd, gzip").status(200)
		if small.Header.Get("Content-Encoding") != "" || small.Header.Get("Vary") != "Accept, Accept-Encoding, Rollcall-Accept-Encoding" {
			t.Errorf("%s: a small answer has header %v", path, small.Header)
		}
	}
	if a := w.do("GET", "/api/v1/changes?cursor=x", nil, "Accept-Encoding", "zstd"); a.Header.Get("Content-Encoding") != "" {
		t.Errorf("a problem is coded: %v", a.Header)
	}
	if a := w.do("HEAD", "/api/v1/changes", nil, "Accept-Encoding", "zstd").status(200); len(a.Body) > 0 || a.Header.Get("Content-Encoding") != "zstd" {
		t.Errorf("HEAD answers %v, %d bytes", a.Header, len(a.Body))
	}
}

// TestStreamsAreNotCompressed: an event that waits in an encoder is no event.
func TestStreamsAreNotCompressed(t *testing.T) {
	w := newWorld(t)
	lines := w.events("Accept-Encoding", "zstd, gzip")
	if _, ended := await(t, lines, "event: change"); ended {
		t.Error("the stream can't be read as it is")
	}
}

// TestPageOfTheLimit: the page with most changes comes whole, plain and compressed.
func TestPageOfTheLimit(t *testing.T) {
	w := newWorld(t)
	for i := 0; i < api.MaxChanges; i += api.MaxOperations {
		var ops []any
		for j := range api.MaxOperations {
			ops = append(ops, operation(newID(), api.Create, 0, fields{"name": "N", "email": fmt.Sprintf("n%d@example.org", i+j),
				"bio": strings.Repeat("ü", 500)}))
		}
		w.push(ops...)
	}
	for accept, media := range map[string]string{"identity": "application/json", "zstd": "application/json", "gzip": api.LinesType} {
		a := w.do("GET", fmt.Sprintf("/api/v1/changes?limit=%d", api.MaxChanges), nil, "Accept-Encoding", accept, "Accept", media).status(200)
		body, err := contracttest.Response{Header: a.Header, Body: a.Body}.Plain()
		if err != nil {
			t.Fatal(err)
		}
		var page api.ChangePage
		if media == api.LinesType {
			page, err = api.ParseLines(body)
		} else {
			err = json.Unmarshal(body, &page)
		}
		if err != nil || len(page.Changes) != api.MaxChanges || page.HasMore {
			t.Errorf("%s: %d changes, more: %v (%v)", accept, len(page.Changes), page.HasMore, err)
		}
		if len(body) < 1<<20 {
			t.Errorf("%s: only %d bytes", accept, len(body))
		}
	}
}
