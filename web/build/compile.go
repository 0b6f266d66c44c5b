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

// filesProgram reads and writes files of people, where somebody imports or exports.
const filesProgram = "files"

// compile builds the programs into dir and returns the paths of app.wasm, of files.wasm and of the
// wasm_exec.js of the Go that built them: a glue script of another release does not
// start them.
func compile(ctx context.Context, dir string) (map[string]string, error) {
	sources, err := trim(ctx, dir)
	if err != nil {
		return nil, err
	}
	app, err := compileTo(ctx, sources, program, dir, "app")
	if err != nil {
		return nil, err
	}
	// It reads JSON of other programs, which takes the standard library's own reader.
	if sources, err = trim(ctx, dir, "encoding/json", "fmt", "net/url"); err != nil {
		return nil, err
	}
	files, err := compileTo(ctx, sources, "./wasm/"+filesProgram, dir, filesProgram)
	if err != nil {
		return nil, err
	}
	root, err := goEnv(ctx, "GOROOT")
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"app.wasm":             app,
		filesProgram + ".wasm": files,
		"wasm_exec.js":         filepath.Join(root, "lib", "wasm", "wasm_exec.js"),
	}, nil
}

// compileTo compiles a package into dir, and returns the path of the program.
func compileTo(ctx context.Context, sources *trimmed, pkg, dir, name string) (string, error) {
	linked, out := filepath.Join(dir, "linked-"+name+".wasm"), filepath.Join(dir, name+".wasm")
	if err := link(ctx, sources, pkg, "-s -w", linked); err != nil {
		return "", err
	}
	return out, rewrite(linked, out)
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

// link builds a program, with the linker's flags for what describes it.
func link(ctx context.Context, sources *trimmed, pkg, described, out string) error {
	if out, err := sources.command(ctx, "build", wasmbuild.Args(described, out, pkg)...).CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
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
