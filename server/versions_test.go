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

// programSite is a site with nothing but a program.
func programSite(t *testing.T, text string) (files *static.Handler, hash string) {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	hash = hex.EncodeToString(sum[:8])
	name := "assets/app." + hash + ".wasm"
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	files, err := static.New(fstest.MapFS{
		"assets.json": {Data: fmt.Appendf(nil, `{"files":{"/%s":{"type":"application/wasm","immutable":true,"encodings":["gzip"]}}}`, name)},
		name:          {Data: []byte(text)},
		name + ".gz":  {Data: b.Bytes()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, hash
}

func TestANewVersionIsOfferedAsAPatchOfTheLast(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "versions")
	first, was := programSite(t, strings.Repeat("a program ", 100))
	second, is := programSite(t, strings.Repeat("a program ", 50)+"has changed "+strings.Repeat("a program ", 50))
	for _, files := range []*static.Handler{first, second} {
		keepVersion(dir, files, slog.New(slog.DiscardHandler))
	}
	w := httptest.NewRecorder()
	second.ServeHTTP(w, httptest.NewRequest("GET", "/assets/app."+is+".wasm?from="+was, nil))
	if media := w.Header().Get("Content-Type"); media != api.MediaPatch || w.Body.Len() > 200 {
		t.Errorf("the answer is %d bytes of %s", w.Body.Len(), media)
	}
}

func TestVersionsThatCannotBeKeptAreSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	files, _ := programSite(t, "a program")
	keepVersion(file, files, slog.New(slog.NewTextHandler(&log, nil)))
	if !strings.Contains(log.String(), "-app-versions") {
		t.Errorf("the log says %q", log.String())
	}
}
