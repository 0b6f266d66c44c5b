package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// library is a module that the program takes as a copy without what it never uses. What
// is merely imported stays in a program, if only for its initialisation.
type library struct {
	module string
	// package directories that are copied
	dirs []string
	// absent are files that the program does without.
	absent []string
	// leftOver is what the rest needs of the absent files, by file name.
	leftOver map[string]string
	// rewrite makes others of files.
	rewrite map[string]func([]byte) ([]byte, error)
}

var libraries = []library{{
	module: "github.com/maxence-charriere/go-app/v9",
	dirs:   []string{"pkg"},
	// The server half imports net/http, with TLS and its curves.
	absent: []string{"pkg/app/http.go", "pkg/app/resource.go", "pkg/app/crypto.go"},
	leftOver: map[string]string{"pkg/app/absent_wasm.go": `package app

import (
	"errors"
	"strings"
)

// Handler is the server half's; only its name is used here.
type Handler struct{}

func isRemoteLocation(path string) bool {
	return strings.HasPrefix(path, "https://") || strings.HasPrefix(path, "http://")
}

func isStaticResourcePath(path string) bool {
	return strings.HasPrefix(path, "/web/") || strings.HasPrefix(path, "web/")
}

func encrypt(string, []byte) ([]byte, error) { return nil, errors.ErrUnsupported }
func decrypt(string, []byte) ([]byte, error) { return nil, errors.ErrUnsupported }

// Text sets the value of a text area, or the content of another element.
func (e *element) Text(v any) *element {
	if e.tag == "textarea" {
		return e.Attr("value", v)
	}
	return e.Body(Text(v))
}

// Textf is Text of a formatted text.
func (e *element) Textf(format string, v ...any) *element { return e.Text(FormatString(format, v...)) }
`},
	rewrite: map[string]func([]byte) ([]byte, error){
		"pkg/app/html_gen.go": oneElement,
		"pkg/app/engine.go":   instead("e.Body.(*htmlBody)", "e.Body"),
	},
}, {
	module: "github.com/google/uuid",
	dirs:   []string{"."},
	// Other kinds of ids than the random ones, and databases.
	absent: []string{
		"dce.go", "hash.go", "node.go", "node_js.go", "node_net.go", "null.go", "sql.go", "time.go", "version1.go", "version6.go",
	},
	leftOver: map[string]string{"absent_wasm.go": `package uuid

import (
	"sync"
	"time"
)

// Nil is no id.
var Nil UUID

var (
	timeMu  sync.Mutex
	timeNow = time.Now
)
`},
}}

// standard are packages of the standard library that are needed for little, each with the
// directory of what takes its place.
var standard = map[string]string{
	"crypto/rand":      "rand",
	"encoding/json":    "json",
	"fmt":              "fmt",
	"internal/godebug": "godebug", // with internal/bisect
	"log":              "log",
	"net/url":          "url", // with net/netip and unique
	"regexp":           "regexp",
}

// changed are files of the standard library in which something else is said.
var changed = map[string]func([]byte) ([]byte, error){
	// Nobody traces the program: what would write a trace is never reached.
	"runtime/traceruntime.go": instead(
		"return trace.enabled\n", "return false\n",
		"return trace.enabledWithAllocFree\n", "return false\n",
		"return trace.shutdown.Load()\n", "return false\n",
		"return tl.gen != 0\n", "return false\n",
	),
	// What GODEBUG asks for, or what is said of a heap before the program ends by its fault: no browser has the
	// one, and who finds the other has the trace.
	"runtime/proc.go":               instead("func schedtrace(detailed bool) {\n", "func schedtrace(detailed bool) {\n\treturn\n"),
	"runtime/mgc.go":                instead("if debug.gctrace > 0 {", "if false {", "if debug.gctrace > 1 {", "if false {"),
	"runtime/mgcmark_greenteagc.go": instead("func dumpScanStats() {\n", "func dumpScanStats() {\n\treturn\n", "if debug.gctrace > 1 {", "if false {"),
	"runtime/mcheckmark.go":         instead("func checkFinalizersAndCleanups() {\n", "func checkFinalizersAndCleanups() {\n\treturn\n"),
	"runtime/mgcmark.go":            instead("func gcDumpObject(label string, obj, off uintptr) {\n", "func gcDumpObject(label string, obj, off uintptr) {\n\treturn\n"),
	"runtime/mgcsweep.go":           instead("func (s *mspan) reportZombies() {\n", "func (s *mspan) reportZombies() {\n\tthrow(\"found pointer to free object\")\n"),
	"runtime/hexdump.go":            instead("func hexdumpWords(p, len uintptr, mark func(uintptr, hexdumpMarker)) {\n", "func hexdumpWords(p, len uintptr, mark func(uintptr, hexdumpMarker)) {\n\treturn\n"),
	"internal/cpu/cpu.go":           instead("func processOptions(env string) {\n", "func processOptions(env string) {\n\treturn\n"),
	// The browser knows the times of a place: no rule of a zone is read (POSIX TZ), and no zone's name.
	"time/zoneinfo.go": instead(`if lo == len(tx)-1 && l.extend != "" {`, "if false {"),
	"time/format.go": instead(
		"n, ok := parseTimeZone(value)\n", "n, ok := 0, false\n",
		"func quote(s string) string {\n", "func quote(s string) string {\n\treturn s\n",
		"func (t Time) GoString() string {", "func (t Time) goString() string {",
	),
}

// trim writes copies of the libraries below dir, and what takes them, and what stands in
// for packages of the standard library, instead of the originals. When a newer version of either needs something else, the compiler says so.
// Those that are kept come from the standard library.
func trim(ctx context.Context, dir string, kept ...string) (*trimmed, error) {
	modfile, err := trimLibraries(ctx, dir)
	if err != nil {
		return nil, err
	}
	root, err := replaceableRoot(ctx, dir)
	if err != nil {
		return nil, err
	}
	replaced, err := trimStandard(root, dir, kept)
	if err != nil {
		return nil, fmt.Errorf("replacing packages of the standard library: %w", err)
	}
	return &trimmed{[]string{"-modfile", modfile, "-overlay", replaced}, root}, nil
}

// trimmed are sources without what the program never uses.
type trimmed struct {
	flags []string // of the go command
	root  string   // GOROOT
}

// command is the go command for the program's platform.
func (t *trimmed) command(ctx context.Context, verb string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{verb}, t.flags, args)...)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOROOT="+t.root)
	return cmd
}

// replaceableRoot is GOROOT, or a link to it if that is below GOMODCACHE, as a toolchain is
// that Go has downloaded by itself: no overlay may replace a file there.
func replaceableRoot(ctx context.Context, dir string) (string, error) {
	root, err := goEnv(ctx, "GOROOT")
	if err != nil {
		return "", err
	}
	modules, err := goEnv(ctx, "GOMODCACHE")
	if err != nil || !strings.HasPrefix(root, modules+string(filepath.Separator)) {
		return root, err
	}
	link, err := filepath.Abs(filepath.Join(dir, "goroot"))
	if err != nil {
		return "", err
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return link, os.Symlink(root, link)
}

// trimStandard writes the overlay for packages and files of the standard library.
func trimStandard(root, dir string, kept []string) (string, error) {
	replace := map[string]string{} // a file by that in its place, "" for none
	for path, instead := range standard {
		if slices.Contains(kept, path) {
			continue
		}
		original := filepath.Join(root, "src", filepath.FromSlash(path))
		names, err := filepath.Glob(filepath.Join(original, "*.go"))
		if err != nil || len(names) == 0 {
			return "", fmt.Errorf("%s has no source (%w)", path, err)
		}
		for _, name := range names {
			replace[name] = ""
		}
		name, err := filepath.Abs(filepath.Join("web", "build", "standin", instead, instead+".go"))
		if err != nil {
			return "", err
		}
		replace[filepath.Join(original, instead+".go")] = name
	}
	if err := changeStandard(root, dir, replace); err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, fmt.Sprintf("overlay-%d.json", len(kept)))
	return name, writeFile(name, b)
}

// changeStandard writes what stands in for single files.
func changeStandard(root, dir string, replace map[string]string) error {
	for path, change := range changed {
		original := filepath.Join(root, "src", filepath.FromSlash(path))
		source, err := os.ReadFile(original)
		if err != nil {
			return err
		}
		if source, err = change(source); err != nil {
			return fmt.Errorf("changing %s: %w", path, err)
		}
		name, err := filepath.Abs(filepath.Join(dir, "std", filepath.FromSlash(path)))
		if err != nil {
			return err
		}
		if err := writeFile(name, source); err != nil {
			return err
		}
		replace[original] = name
	}
	return nil
}

func goEnv(ctx context.Context, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", name).Output()
	if err != nil {
		return "", fmt.Errorf("asking go for %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// trimLibraries returns the path of the go.mod that takes the copies.
func trimLibraries(ctx context.Context, dir string) (string, error) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		return "", err
	}
	for _, l := range libraries {
		trimmed := filepath.Join(dir, filepath.FromSlash(l.module))
		if err := l.copyTo(ctx, trimmed); err != nil {
			return "", fmt.Errorf("copying %s: %w", l.module, err)
		}
		// Relative to the module's root, wherever that is: the path ends up in the program.
		rel, err := fromRoot(trimmed)
		if err != nil {
			return "", err
		}
		mod = fmt.Appendf(mod, "\nreplace %s => ./%s\n", l.module, filepath.ToSlash(rel))
	}
	name := filepath.Join(dir, "go.mod")
	if err := writeFile(name, mod); err != nil {
		return "", err
	}
	return name, writeFile(strings.TrimSuffix(name, ".mod")+".sum", sum)
}

func fromRoot(name string) (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.Rel(root, abs)
}

// copyTo copies what the program takes of the library.
func (l library) copyTo(ctx context.Context, trimmed string) error {
	original, err := moduleDir(ctx, l.module)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(trimmed); err != nil {
		return err
	}
	for _, dir := range l.dirs {
		err := filepath.WalkDir(filepath.Join(original, dir), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(original, p)
			if err != nil {
				return err
			}
			return l.copyFile(p, filepath.ToSlash(rel), trimmed)
		})
		if err != nil {
			return err
		}
	}
	for name, text := range l.leftOver {
		if err := writeFile(filepath.Join(trimmed, filepath.FromSlash(name)), []byte(text)); err != nil {
			return err
		}
	}
	return l.copyFile(filepath.Join(original, "go.mod"), "go.mod", trimmed)
}

func (l library) copyFile(from, rel, trimmed string) error {
	if rel != "go.mod" && (!strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go")) || slices.Contains(l.absent, rel) {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if rewrite, ok := l.rewrite[rel]; ok {
		if data, err = rewrite(data); err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(trimmed, filepath.FromSlash(rel)), data)
}

// instead rewrites a file: each of the texts, which must be in it, by the one behind.
func instead(texts ...string) func([]byte) ([]byte, error) {
	return func(source []byte) ([]byte, error) {
		for i := 0; i < len(texts); i += 2 {
			text, by := []byte(texts[i]), []byte(texts[i+1])
			if !bytes.Contains(source, text) {
				return nil, fmt.Errorf("there is no %q", text)
			}
			source = bytes.ReplaceAll(source, text, by)
		}
		return source, nil
	}
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
