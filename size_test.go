package rollcall_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// Sizes as they are sent, compressed by brotli where that helps, in bytes.
const (
	programBudget = 1_130_000
	// firstVisitBudget is of all that a new device loads before it has its list: the page, its
	// styles and scripts, and the program.
	firstVisitBudget = 1_158_000
)

// onDemand are loaded where somebody first needs them.
var onDemand = []string{"parts", "manage", "share", "qrcodegen", "files", "filesworker", "channel", "tools"}

func TestSizeBudgets(t *testing.T) {
	data, err := os.ReadFile("web/dist/assets.json")
	if err != nil {
		t.Fatalf("the site is not built (make build): %v", err)
	}
	var manifest struct{ Files map[string]struct{} }
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	program, total := 0, sent(t, "/index.html")
	hashed := regexp.MustCompile(`^/assets/(\w[\w-]*)\.[0-9a-f]+\.(wasm|js|css)$`)
	for url := range manifest.Files {
		m := hashed.FindStringSubmatch(url)
		if m == nil {
			continue
		}
		if slices.Contains(onDemand, m[1]) {
			continue
		}
		n := sent(t, url)
		total += n
		if m[2] == "wasm" {
			program += n
		}
	}
	t.Logf("the program takes %d bytes, a first visit %d", program, total)
	if program == 0 || program > programBudget {
		t.Errorf("the program takes %d bytes, over its budget of %d", program, programBudget)
	}
	if total > firstVisitBudget {
		t.Errorf("a first visit takes %d bytes, over its budget of %d", total, firstVisitBudget)
	}
}

func sent(t *testing.T, url string) int {
	t.Helper()
	info, err := os.Stat(filepath.Join("web", "dist", filepath.FromSlash(url)+".br"))
	if err != nil {
		t.Fatalf("%s has no brotli variant: %v", url, err)
	}
	return int(info.Size())
}
