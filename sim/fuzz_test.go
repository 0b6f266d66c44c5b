package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzReadScript: whatever text is read as a script, its own text is read as the
// same one.
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
			t.Fatalf("%q was read, and its own text is not: %v", text, err)
		}
		if _, err := again.WriteTo(&twice); err != nil {
			t.Fatal(err)
		}
		if once.String() != twice.String() {
			t.Errorf("%q became %q", once.String(), twice.String())
		}
	})
}
