package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// programs maps the wasm files to the packages they are built from.
var programs = map[string]string{
	"app.wasm":    "./wasm/page",
	"worker.wasm": "./wasm/worker",
}

// compile builds the wasm programs into dir and returns the path of each, and
// that of the wasm_exec.js of the Go that built them: a glue script of another
// release does not start them.
func compile(ctx context.Context, dir string) (map[string]string, error) {
	modfile, err := trimGoApp(ctx, dir)
	if err != nil {
		return nil, err
	}
	paths := map[string]string{}
	var group errgroup.Group
	for name, pkg := range programs {
		path := filepath.Join(dir, name)
		paths[name] = path
		group.Go(func() error {
			// Without the repository's state in it, a commit alone is no new version.
			// Without inlining both are a tenth smaller on the wire, and the page within
			// its budget; see docs/decisions.
			cmd := exec.CommandContext(ctx, "go", "build", "-modfile", modfile, "-trimpath", "-buildvcs=false",
				"-ldflags=-s -w", "-gcflags=all=-l", "-o", path, pkg)
			cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("building %s from %s: %w\n%s", name, pkg, err, out)
			}
			return nil
		})
	}
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("asking go for GOROOT: %w", err)
	}
	paths["wasm_exec.js"] = filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js")
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return paths, nil
}
