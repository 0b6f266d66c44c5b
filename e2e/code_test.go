//go:build e2e

package e2e_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// compiledCode returns how many bytes of compiled WebAssembly Chromium keeps in a profile.
func compiledCode(profile string) (bytes int64) {
	// What vanishes meanwhile does not count.
	_ = filepath.WalkDir(filepath.Join(profile, "Default", "Code Cache", "wasm"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil
	})
	return bytes
}

// TestCompiledCodeIsKept: a browser compiles what a start runs, some 2,000 functions, on the first visit only.
func TestCompiledCodeIsKept(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	site.Server.Command("", "seed", "-n", "10000") // so much is done with them that Chromium keeps the code
	profile := t.TempDir()
	b := harness.OpenProfile(t, profile)
	users := openUsers(t, b, site.URL())
	users.WaitOfflineReady()
	harness.Eventually(t, "the browser keeps compiled code", func() error {
		if n := compiledCode(profile); n < 500_000 {
			return fmt.Errorf("%d bytes", n)
		}
		return nil
	})
	b = b.Restart()
	events := b.Traced("disabled-by-default-devtools.timeline", func() {
		openUsers(t, b, site.URL()).See("list", "Users")
	})
	if events["v8.wasm.compileConsumeDone"] == 0 || events["v8.wasm.moduleCacheHit"] == 0 {
		t.Errorf("the program was loaded %d times, with the kept code %d times", events["v8.wasm.compileConsumeDone"], events["v8.wasm.moduleCacheHit"])
	}
}
