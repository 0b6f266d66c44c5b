package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// thrownOut are packages that the libraries bring along for what the program never uses.
var thrownOut = []string{
	"net/http", "crypto/tls", "regexp/syntax", "crypto/aes", "crypto/internal/fips140", "crypto/sha1", "database/sql/driver", "log/internal",
	"internal/bisect", "unique", "net/netip", "internal/fmtsort",
}

func TestTheTrimmedProgramHasNothingUnusedInIt(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	sources, err := trim(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	deps := func(from *trimmed) []string {
		t.Helper()
		out, err := from.command(t.Context(), "list", "-deps", program).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		return strings.Fields(string(out))
	}
	original, trimmed := deps(&trimmed{root: sources.root}), deps(sources)
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
	mod, err := os.ReadFile(sources.flags[1])
	if err != nil {
		t.Fatal(err)
	}
	if root, err := os.Getwd(); err != nil || strings.Contains(string(mod), root) {
		t.Errorf("the path of this machine is in go.mod (%v):\n%s", err, mod)
	}
}

// TestADownloadedToolchainIsReplacedThroughALink: it is below GOMODCACHE, where an overlay
// may not replace files.
func TestADownloadedToolchainIsReplacedThroughALink(t *testing.T) {
	root, err := goEnv(t.Context(), "GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if got, err := replaceableRoot(t.Context(), dir); err != nil || got != root {
		t.Errorf("GOROOT is %s (%v), want %s", got, err, root)
	}
	t.Setenv("GOMODCACHE", filepath.Dir(root))
	for range 2 { // the second build finds the link of the first
		link, err := replaceableRoot(t.Context(), dir)
		if err != nil || !strings.HasPrefix(link, dir) {
			t.Fatalf("GOROOT is %s (%v), want a link", link, err)
		}
		if to, err := os.Readlink(link); err != nil || to != root {
			t.Errorf("the link leads to %s (%v), want %s", to, err, root)
		}
	}
}
