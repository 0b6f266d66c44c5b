package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	goApp = "github.com/maxence-charriere/go-app/v9"

	// serverOnly constrains the files of go-app that only its server half needs.
	// They import net/http, whose initialisation keeps TLS and its curves in a
	// program that never calls them: a fifth of app.wasm, compressed.
	serverOnly = "//go:build !wasm\n\n"

	// leftOver is what the other half needs of them.
	leftOver = `package app

import "strings"

// Handler is the server half's; only its name is used here.
type Handler struct{}

func isRemoteLocation(path string) bool {
	return strings.HasPrefix(path, "https://") || strings.HasPrefix(path, "http://")
}

func isStaticResourcePath(path string) bool {
	return strings.HasPrefix(path, "/web/") || strings.HasPrefix(path, "web/")
}
`
)

// serverFiles are the files of go-app's package app that serverOnly constrains.
var serverFiles = []string{"http.go", "resource.go"}

// trimGoApp writes a copy of go-app without its server half below dir, and a
// go.mod that takes it instead of the original. It returns the path of that
// go.mod. When a newer go-app needs something else, the compiler says so.
func trimGoApp(ctx context.Context, dir string) (string, error) {
	original, err := moduleDir(ctx, goApp)
	if err != nil {
		return "", err
	}
	trimmed := filepath.Join(dir, "go-app")
	if err := os.RemoveAll(trimmed); err != nil {
		return "", err
	}
	err = filepath.WalkDir(original, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(original, p)
		if err != nil {
			return err
		}
		return copyGoApp(p, filepath.ToSlash(rel), trimmed)
	})
	if err != nil {
		return "", fmt.Errorf("copying go-app: %w", err)
	}
	if err := writeFile(filepath.Join(trimmed, "pkg", "app", "server_wasm.go"), []byte(leftOver)); err != nil {
		return "", err
	}
	return writeModfile(filepath.Join(dir, "go.mod"), trimmed)
}

// moduleDir is where the source of a module is; it is downloaded if need be.
func moduleDir(ctx context.Context, module string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("downloading %s: %w\n%s", module, err, out)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil {
		return "", fmt.Errorf("looking for %s: %w", module, err)
	}
	return m.Dir, nil
}

// copyGoApp copies one file of go-app if a program needs it.
func copyGoApp(from, rel, trimmed string) error {
	inPackage := strings.HasPrefix(rel, "pkg/") && !strings.HasSuffix(rel, "_test.go")
	if !inPackage && rel != "go.mod" && rel != "LICENSE" {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	for _, name := range serverFiles {
		if rel == "pkg/app/"+name {
			data = append([]byte(serverOnly), data...)
		}
	}
	return writeFile(filepath.Join(trimmed, filepath.FromSlash(rel)), data)
}

// writeModfile writes this module's go.mod, with go-app replaced, and its go.sum
// beside it.
func writeModfile(name, trimmed string) (string, error) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		return "", err
	}
	// Relative to the module's root, wherever that is: the path ends up in the program.
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	abs, err := filepath.Abs(trimmed)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(root, abs)
	if err != nil {
		return "", err
	}
	mod = fmt.Appendf(mod, "\nreplace %s => ./%s\n", goApp, filepath.ToSlash(rel))
	if err := writeFile(name, mod); err != nil {
		return "", err
	}
	return name, writeFile(strings.TrimSuffix(name, ".mod")+".sum", sum)
}
