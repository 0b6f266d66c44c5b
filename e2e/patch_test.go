//go:build e2e

package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/rollcall/rollcall/e2e/harness"
)

// currentProgram is the program as the site has it, and its URL.
func currentProgram(t *testing.T) (content []byte, url string) {
	t.Helper()
	found, err := filepath.Glob("../web/dist/assets/app.*.wasm")
	if err != nil || len(found) != 1 {
		t.Fatalf("the programs are %v, %v", found, err)
	}
	return mustRead(t, found[0]), "/assets/" + filepath.Base(found[0])
}

// olderProgram is one that has less in the middle, and other bytes here and there.
func olderProgram(program []byte) (content []byte, hash string) {
	middle := len(program) / 2
	content = slices.Concat(program[:middle], program[middle+5000:])
	for at := 0; at < len(content); at += 999 {
		content[at]++
	}
	sum := sha256.Sum256(content)
	return content, hex.EncodeToString(sum[:8])
}

// withOlder gives the browser a program of another version, instead of the one it has, and
// returns how the service worker gets this one.
const withOlder = `(async (url, older, bytes) => {
	const content = await (await fetch(bytes)).arrayBuffer();
	await (await caches.open("rollcall-older")).put(older, new Response(content));
	const cache = await caches.open("rollcall-" + rollcall.version);
	await cache.delete(url);
	navigator.serviceWorker.controller.postMessage({ type: "MEND" });
	let made;
	for (const end = Date.now() + 20000; !made && Date.now() < end;) {
		made = await cache.match(url);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	await caches.delete("rollcall-older");
	return !made ? "nowhere" : made.headers.get("ETag") === null ? "an update" : "a download";
})(%q, %q, %q)`

// TestAnUpdateBringsOnlyWhatHasChanged: a browser makes the program from the version that it
// has. What comes of a damaged one is not taken.
func TestAnUpdateBringsOnlyWhatHasChanged(t *testing.T) {
	t.Parallel()
	program, url := currentProgram(t)
	older, hash := olderProgram(program)
	versions := t.TempDir()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(older); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(versions, "app."+hash+".wasm.gz"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	site := harness.NewSite(t, binary(t), "-app-versions", versions)
	from := url + "?from=" + hash
	harness.Eventually(t, "the server has the patch", func() error {
		size, err := sizeOf(site.Server.URL() + from)
		if err == nil && size > 50_000 {
			err = fmt.Errorf("it answers %d bytes", size)
		}
		return err
	})
	browser := harness.OpenBrowser(t)
	users := openUsers(t, browser, site.URL())
	users.cacheIsWhole()
	site.Proxy.Serve("/debug/older", "application/wasm", older)
	site.Proxy.Serve("/debug/damaged", "application/wasm", older[:len(older)/2])
	unknown := strings.Replace(url, "/app.", "/app.00", 1)[:len(url)-5] + ".wasm" // another hash
	for _, c := range []struct{ name, older, content, source string }{
		{"the last version", "/assets/app." + hash + ".wasm", "/debug/older", "an update"},
		{"a damaged one", "/assets/app." + hash + ".wasm", "/debug/damaged", "a download"},
		{"one that the server has forgotten", unknown, "/debug/older", "an update"}, // it answers with the whole file
	} {
		browser.Allow("is downloaded whole")
		if source := harness.Eval[string](users.Page, fmt.Sprintf(withOlder, url, c.older, c.content)); source != c.source {
			t.Errorf("with %s, the program comes by %s, want %s", c.name, source, c.source)
		}
		users.cacheIsWhole()
	}
	users.Reload()
	users.See("heading", "Users")
}

func sizeOf(url string) (int64, error) {
	resp, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.ContentLength, nil
}
