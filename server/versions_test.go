package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/static"
)

func TestWhereVersionsAreKept(t *testing.T) {
	for _, test := range []struct{ db, versions, want string }{
		{"data/r.db", "", "data/r.db.app"},
		{"data/r.db", "/var/cache/rollcall", "/var/cache/rollcall"},
		{"data/r.db", "none", ""},
		{"postgres://localhost/r", "", ""},
		{"postgres://localhost/r", "/var/cache/rollcall", "/var/cache/rollcall"},
	} {
		o := serveOptions{db: test.db, versions: test.versions}
		if got := o.versionsDir(); got != test.want {
			t.Errorf("-db %s -app-versions %q: %q, want %q", test.db, test.versions, got, test.want)
		}
	}
}

// programSite is a site with nothing but programs, by name. It returns their addresses.
func programSite(t *testing.T, programs map[string]string) (files *static.Handler, urls map[string]string) {
	t.Helper()
	site, urls := fstest.MapFS{}, map[string]string{}
	var entries []string
	for program, text := range programs {
		sum := sha256.Sum256([]byte(text))
		name := "assets/" + program + "." + hex.EncodeToString(sum[:8]) + ".wasm"
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(text)); err != nil || z.Close() != nil {
			t.Fatal(err)
		}
		entries = append(entries, fmt.Sprintf(`"/%s":{"type":"application/wasm","immutable":true,"encodings":["gzip"]}`, name))
		site[name], site[name+".gz"] = &fstest.MapFile{Data: []byte(text)}, &fstest.MapFile{Data: b.Bytes()}
		urls[program] = "/" + name
	}
	site["assets.json"] = &fstest.MapFile{Data: fmt.Appendf(nil, `{"files":{%s}}`, strings.Join(entries, ","))}
	files, err := static.New(site)
	if err != nil {
		t.Fatal(err)
	}
	return files, urls
}

// TestANewVersionIsOfferedAsAPatchOfTheLast: of each program.
func TestANewVersionIsOfferedAsAPatchOfTheLast(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "versions")
	of := func(change string) map[string]string {
		return map[string]string{
			"app":   strings.Repeat("a program ", 50) + change + strings.Repeat("a program ", 50),
			"files": strings.Repeat("another one ", 50) + change + strings.Repeat("another one ", 50),
		}
	}
	first, was := programSite(t, of(""))
	second, is := programSite(t, of("has changed "))
	for _, files := range []*static.Handler{first, second} {
		keepVersion(dir, files, slog.New(slog.DiscardHandler))
	}
	for program, url := range is {
		_, from, _ := strings.Cut(strings.TrimSuffix(was[program], ".wasm"), ".")
		w := httptest.NewRecorder()
		second.ServeHTTP(w, httptest.NewRequest("GET", url+"?from="+from, nil))
		if media := w.Header().Get("Content-Type"); media != api.MediaPatch || w.Body.Len() > 200 {
			t.Errorf("%s: the answer is %d bytes of %s", program, w.Body.Len(), media)
		}
	}
}

func TestVersionsThatCannotBeKeptAreSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	files, _ := programSite(t, map[string]string{"app": "a program"})
	keepVersion(file, files, slog.New(slog.NewTextHandler(&log, nil)))
	if !strings.Contains(log.String(), "-app-versions") {
		t.Errorf("the log says %q", log.String())
	}
}
