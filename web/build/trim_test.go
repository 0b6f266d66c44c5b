package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheTrimmedProgramHasNoServerInIt(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	modfile, err := trimGoApp(t.Context(), t.TempDir())
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
	if !slices.Contains(deps(program), "net/http") {
		t.Error("go-app itself no longer needs net/http: the trimming can go")
	}
	trimmed := deps("-modfile", modfile, program)
	if !slices.Contains(trimmed, goApp+"/pkg/app") {
		t.Error("the program lost go-app")
	}
	for _, name := range []string{"net/http", "crypto/tls"} {
		if slices.Contains(trimmed, name) {
			t.Errorf("the program contains %s", name)
		}
	}
	mod, err := os.ReadFile(modfile)
	if err != nil {
		t.Fatal(err)
	}
	if root, err := os.Getwd(); err != nil || strings.Contains(string(mod), root) {
		t.Errorf("the path of this machine is in go.mod (%v):\n%s", err, mod)
	}
}
