package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// thrownOut are packages that the libraries bring along for what the program never uses.
var thrownOut = []string{"net/http", "crypto/tls", "regexp", "crypto/aes", "crypto/rand", "crypto/sha1", "database/sql/driver", "log", "internal/bisect", "unique"}

func TestTheTrimmedProgramHasNothingUnusedInIt(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	flags, err := trim(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	deps := func(args ...string) []string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps"}, args...)...)
		cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		return strings.Fields(string(out))
	}
	original, trimmed := deps(program), deps(append(flags, program)...)
	for _, l := range libraries {
		if !slices.ContainsFunc(trimmed, func(p string) bool { return strings.HasPrefix(p, l.module) }) {
			t.Errorf("the program lost %s", l.module)
		}
	}
	for _, name := range thrownOut {
		if !slices.Contains(original, name) {
			t.Errorf("no library needs %s by itself: there is less to trim", name)
		}
		if slices.Contains(trimmed, name) {
			t.Errorf("the program contains %s", name)
		}
	}
	mod, err := os.ReadFile(flags[1])
	if err != nil {
		t.Fatal(err)
	}
	if root, err := os.Getwd(); err != nil || strings.Contains(string(mod), root) {
		t.Errorf("the path of this machine is in go.mod (%v):\n%s", err, mod)
	}
}
