package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzReadScript: a script that was read survives being written and read again.
func FuzzReadScript(f *testing.F) {
	files, err := filepath.Glob("testdata/*.script")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("run c0")
	f.Add("browser tabs=-1 strategy= skew=9999999999999999999")
	f.Add("jump c0.t0 n=-1 e= ms=x fault=\n\n# no\nnext c-1.é9")
	f.Fuzz(func(t *testing.T, text string) {
		script, err := ReadScript(strings.NewReader(text))
		if err != nil {
			return
		}
		var once, twice strings.Builder
		if _, err := script.WriteTo(&once); err != nil {
			t.Fatal(err)
		}
		again, err := ReadScript(strings.NewReader(once.String()))
		if err != nil {
			t.Fatalf("%q can be read, but not once written: %v", text, err)
		}
		if _, err := again.WriteTo(&twice); err != nil {
			t.Fatal(err)
		}
		if once.String() != twice.String() {
			t.Errorf("%q became %q", once.String(), twice.String())
		}
	})
}
