//go:build unix

package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestImportThroughAPipe: what can't be read twice is copied.
func TestImportThroughAPipe(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	go func() {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err == nil {
			_, err = io.WriteString(w, "name,email\nAnn,ann@example.org\n")
			err = errors.Join(err, w.Close())
		}
		wrote <- err
	}()
	runCommand(t, "import", "-db", filepath.Join(dir, "r.db"), "-apply", pipe).says("1 created")
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	runCommand(t, "import", "-db", filepath.Join(dir, "r.db"), dir).fails("it is a directory")
}
