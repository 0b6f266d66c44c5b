package rollcall_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// budget is the maximum size of each wasm file, compressed by brotli, in bytes.
var budget = map[string]int64{
	"app.wasm": 1_200_000,
}

func TestWasmSizeBudget(t *testing.T) {
	data, err := os.ReadFile("web/dist/assets.json")
	if err != nil {
		t.Fatalf("the site is not built (make build): %v", err)
	}
	var manifest struct{ Files map[string]struct{} }
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	hashed := regexp.MustCompile(`^/assets/(\w+)\.[0-9a-f]+(\.wasm)$`)
	found := 0
	for url := range manifest.Files {
		m := hashed.FindStringSubmatch(url)
		if m == nil {
			continue
		}
		found++
		name := m[1] + m[2]
		info, err := os.Stat(filepath.Join("web", "dist", filepath.FromSlash(url)+".br"))
		if err != nil {
			t.Errorf("%s has no brotli variant: %v", name, err)
			continue
		}
		limit, ok := budget[name]
		if !ok {
			t.Errorf("%s has no budget", name)
		}
		t.Logf("%s: %d of %d bytes", name, info.Size(), limit)
		if info.Size() > limit {
			t.Errorf("%s takes %d bytes with brotli, over its budget of %d", name, info.Size(), limit)
		}
	}
	if found != len(budget) {
		t.Errorf("the site has %d wasm files, want %d", found, len(budget))
	}
}
