package patch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/rollcall/rollcall/server/files"
)

const (
	// earlier is how many earlier versions a history has.
	earlier = 3
	// maxFile bounds a version: its name says what is in it, but only once it was read.
	maxFile = 64 << 20
)

// kept are the names of what a history keeps: the first part of the asset's own name, the
// hash of its content, and how it is compressed.
var kept = regexp.MustCompile(`^(\w+)\.([0-9a-f]{16})\.(\w+)\.gz$`)

// Keep adds an asset, which is named by its content and comes compressed by gzip, to the
// versions in a directory, and makes the patches from the earlier ones, by their hashes. The
// oldest versions are removed.
func Keep(dir, name string, compressed []byte) (map[string][]byte, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	if err := add(dir, name+".gz", compressed); err != nil {
		return nil, err
	}
	versions, err := others(dir, name+".gz")
	if err != nil || len(versions) == 0 {
		return nil, err
	}
	current, err := unpack(compressed)
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	patches := map[string][]byte{}
	for _, version := range versions {
		path, hash := filepath.Join(dir, version), kept.FindStringSubmatch(version)[2]
		old, err := read(path, hash)
		switch {
		case errors.Is(err, errDamaged) || len(patches) == earlier:
			if err := os.Remove(path); err != nil {
				return patches, err
			}
		case err != nil:
			return patches, err
		default:
			patches[hash] = Make(old, current)
		}
	}
	return patches, nil
}

// makeDir makes a directory for its owner alone, whatever the umask, unless it is there.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// add writes a file whole or not at all, unless it is there.
func add(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(files.Private), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

// others returns the names of the other versions of an asset, the newest first.
func others(dir, name string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	asset, _, _ := strings.Cut(name, ".")
	var infos []fs.FileInfo
	for _, e := range entries {
		m := kept.FindStringSubmatch(e.Name())
		if len(m) == 0 || m[1] != asset || e.Name() == name || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Name()
	}
	return names, nil
}

// errDamaged says that a version is not what its name says.
var errDamaged = errors.New("the file is damaged")

func read(path, hash string) ([]byte, error) {
	compressed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	data, err := unpack(compressed)
	if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:8]) != hash {
		return nil, fmt.Errorf("%w: %s", errDamaged, path)
	}
	return data, nil
}

func unpack(compressed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, maxFile))
}
