package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/andybalholm/brotli"

	"github.com/rollcall/rollcall/internal/wasmbuild"
)

// Qualities of brotli, 11 as the site's. Nobody loads the program of ../rollcall in a
// workload that is measured.
const (
	scriptQuality  = 11
	programQuality = 4
)

// bundle makes the scripts of all contenders, and what they load, in a directory, each with
// a brotli variant.
func bundle(ctx context.Context, o *options, dir string) error {
	source := o.source
	scripts, err := filepath.Glob(filepath.Join(source, "contenders", "*.js"))
	if err != nil {
		return err
	}
	args := []string{"--bundle", "--minify", "--format=esm", "--target=es2022", "--conditions=production", "--log-level=error",
		`--define:process.env.NODE_ENV="production"`, "--define:global=globalThis", "--outdir=" + dir}
	if err := command(ctx, nil, filepath.Join(source, "node_modules", ".bin", "esbuild"), append(args, scripts...)...); err != nil {
		return err
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("ask go for GOROOT: %w", err)
	}
	program := filepath.Join(dir, "rollcall.wasm")
	described := "-s -w" // as web/build builds the page's
	if o.profile {
		described = "" // with the names of functions
	}
	err = command(ctx, wasmbuild.Env(), "go", append([]string{"build"}, wasmbuild.Args(described, program, "./"+filepath.ToSlash(filepath.Join(source, "rollcall")))...)...)
	if err != nil {
		return err
	}
	sqlite := filepath.Join(source, "node_modules", "@sqlite.org", "sqlite-wasm", "dist")
	for _, path := range []string{
		filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"), filepath.Join("wasm", "idb", "helper.js"),
		filepath.Join(sqlite, "sqlite3.wasm"), filepath.Join(sqlite, "sqlite3-opfs-async-proxy.js"),
	} {
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o600)
		}
		if err != nil {
			return fmt.Errorf("copy what the pages load: %w", err)
		}
	}
	return compress(dir)
}

func command(ctx context.Context, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, out)
	}
	return nil
}

// compress adds a brotli variant to each file of a directory.
func compress(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		return err
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("compress a file: %w", err)
		}
		quality := scriptQuality
		if filepath.Base(path) == "rollcall.wasm" {
			quality = programQuality
		}
		var small bytes.Buffer
		w := brotli.NewWriterLevel(&small, quality)
		_, err = w.Write(data)
		if err := errors.Join(err, w.Close(), os.WriteFile(path+".br", small.Bytes(), 0o600)); err != nil {
			return fmt.Errorf("compress a file: %w", err)
		}
	}
	return nil
}
