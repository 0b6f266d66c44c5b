package patch_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/server/patch"
)

// version is a program that has grown by as many parts.
func version(n int) (data []byte, hash string) {
	for i := range 50 + n {
		data = append(data, strings.Repeat(string(rune('a'+i%26)), i)...)
	}
	sum := sha256.Sum256(data)
	return data, hex.EncodeToString(sum[:8])
}

func keep(t *testing.T, dir string, n int) map[string][]byte {
	t.Helper()
	data, hash := version(n)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	patches, err := patch.Keep(dir, "app."+hash+".wasm", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	// File systems may have coarse times.
	at := time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "app."+hash+".wasm.gz"), at, at); err != nil {
		t.Fatal(err)
	}
	return patches
}

func TestTheLastVersionsAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	for n := range 6 {
		patches, want := keep(t, dir, n), map[string][]byte{}
		current, _ := version(n)
		for earlier := max(0, n-3); earlier < n; earlier++ {
			old, hash := version(earlier)
			want[hash] = nil
			if got := apply(old, patches[hash]); !bytes.Equal(got, current) {
				t.Errorf("version %d became something else than %d", earlier, n)
			}
		}
		if got := slices.Sorted(maps.Keys(patches)); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
			t.Errorf("version %d has patches from %v", n, got)
		}
		if again := keep(t, dir, n); len(again) != len(patches) {
			t.Errorf("a restart of version %d has %d patches, want %d", n, len(again), len(patches))
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 4 {
		t.Errorf("%v are kept (%v)", files, err)
	}
}

func TestADamagedVersionIsRemoved(t *testing.T) {
	dir := t.TempDir()
	keep(t, dir, 0)
	keep(t, dir, 1)
	_, hash := version(0)
	damaged := filepath.Join(dir, "app."+hash+".wasm.gz")
	if err := os.Rename(filepath.Join(dir, "app."+second()+".wasm.gz"), damaged); err != nil {
		t.Fatal(err)
	}
	if patches := keep(t, dir, 2); len(patches) != 0 {
		t.Errorf("there are patches from %v", slices.Collect(maps.Keys(patches)))
	}
	if _, err := os.Stat(damaged); err == nil {
		t.Error("it is still there")
	}
}

func second() string { _, hash := version(1); return hash }

func TestOthersFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"notes.txt", "app.wasm.gz", "worker.0123456789abcdef.wasm.gz"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if patches := keep(t, dir, 0); len(patches) != 0 {
		t.Errorf("there are patches from %v", patches)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 4 {
		t.Errorf("%v are left (%v)", files, err)
	}
}

func TestADirectoryThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := patch.Keep(file, "app.0123456789abcdef.wasm", nil); err == nil {
		t.Error("a file is taken as a directory")
	}
}
