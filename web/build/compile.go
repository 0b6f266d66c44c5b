package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rollcall/rollcall/internal/wasmbuild"
)

// program is what a browser runs, in a page and in workers.
const program = "./wasm/program"

// compile builds the program into dir and returns the paths of app.wasm and of the
// wasm_exec.js of the Go that built it: a glue script of another release does not
// start it.
func compile(ctx context.Context, dir string) (map[string]string, error) {
	sources, err := trim(ctx, dir)
	if err != nil {
		return nil, err
	}
	linked, app := filepath.Join(dir, "linked.wasm"), filepath.Join(dir, "app.wasm")
	if err := link(ctx, sources, "-s -w", linked); err != nil {
		return nil, err
	}
	if err := rewrite(linked, app); err != nil {
		return nil, err
	}
	root, err := goEnv(ctx, "GOROOT")
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"app.wasm":     app,
		"wasm_exec.js": filepath.Join(root, "lib", "wasm", "wasm_exec.js"),
	}, nil
}

// rewrite makes the program as it is served from the one that Go has linked.
func rewrite(linked, app string) error {
	wasm, err := os.ReadFile(linked)
	if err != nil {
		return err
	}
	smaller, err := shrink(wasm)
	if err != nil {
		return fmt.Errorf("shrinking %s: %w", linked, err)
	}
	return writeFile(app, smaller)
}

// link builds the program, with the linker's flags for what describes it.
func link(ctx context.Context, sources *trimmed, described, out string) error {
	if out, err := sources.command(ctx, "build", wasmbuild.Args(described, out, program)...).CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", program, err, out)
	}
	return nil
}

// shrink returns the program with its data in few segments, without lines, and without
// what it writes itself at its start.
func shrink(wasm []byte) ([]byte, error) {
	sections, err := readSections(wasm)
	if err != nil {
		return nil, err
	}
	var start []byte
	for i, s := range sections {
		switch s.id {
		case dataCountSection:
			return nil, fmt.Errorf("%w: it counts its segments beforehand", errWasm)
		case dataSection:
			if sections[i].body, start, err = shrinkData(s.body); err != nil {
				return nil, err
			}
		}
	}
	if sections, err = addStart(sections, start); err != nil {
		return nil, err
	}
	return writeSections(sections), nil
}

// shrinkData returns a smaller data section, and the body of the start function that it needs.
func shrinkData(section []byte) (smaller, start []byte, err error) {
	segments, err := readSegments(section)
	if err != nil {
		return nil, nil, err
	}
	if segments, err = join(segments); err != nil {
		return nil, nil, err
	}
	fs, err := findFunctions(segments)
	if err != nil {
		return nil, nil, err
	}
	if err := fs.dropLines(); err != nil {
		return nil, nil, err
	}
	if start, err = fs.takeOut(); err != nil {
		return nil, nil, err
	}
	return writeSegments(cut(segments, fs.address+fs.buckets, fs.bucketBytes())), start, nil
}
