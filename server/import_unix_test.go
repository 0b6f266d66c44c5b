//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestImportThroughAPipe: what can't be read twice is copied.
func TestImportThroughAPipe(t *testing.T) {
	db := filepath.Join(t.TempDir(), "r.db")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	_, err = io.WriteString(w, "name,email\nAnn,ann@example.org\n")
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "import", "-db", db, "-apply", fmt.Sprint("/dev/fd/", r.Fd())).says("1 created")
}
