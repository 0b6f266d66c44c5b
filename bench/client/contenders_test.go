package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestContendersAreComplete: each has its script, and a version that only a commit changes.
func TestContendersAreComplete(t *testing.T) {
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	var pinned struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &pinned); err != nil {
		t.Fatal(err)
	}
	for name, version := range pinned.Dependencies {
		if !regexp.MustCompile(`^\d+\.\d+\.\d+(-\w+)?$`).MatchString(version) {
			t.Errorf("%s may be any of %s", name, version)
		}
	}
	for _, c := range contenders() {
		if _, err := os.Stat(filepath.Join("contenders", c.Page+".js")); err != nil {
			t.Errorf("%s has no script: %v", c.Name, err)
		}
		if c.npm != "" && pinned.Dependencies[c.npm] == "" {
			t.Errorf("%s is not a dependency", c.npm)
		}
	}
}

// TestLockNamesNoRegistry: whoever installs the packages has them from their own registry.
func TestLockNamesNoRegistry(t *testing.T) {
	text, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, `"resolved"`) && !strings.Contains(line, "https://registry.npmjs.org/") {
			t.Errorf("the lock file has %s", strings.TrimSpace(line))
		}
	}
}
