// Package rollcall_test holds the rules of the whole repository: who may import
// whom, and how big the built site may be.
package rollcall_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/rollcall/rollcall"
	goApp  = "github.com/maxence-charriere/go-app"
)

// pkg is a package as `go list -deps -json` tells of it.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Dir        string
	GoFiles    []string // without tests
}

// source is what a Go file of this repository says of itself.
type source struct {
	Path    string // from the module's root
	Browser bool   // is only built for js/wasm
	Imports []string
}

// inBrowser are the only directories with code for the browser itself.
var inBrowser = []string{"wasm/idb", "wasm/browser", "wasm/page", "wasm/worker", "wasm/program", "wasm/files", "e2e/day/device", "bench/client/rollcall"}

// forbidden are import paths that a directory's code must not import, itself or
// through any other package of this repository.
var forbidden = []struct {
	dir     string
	imports []string
}{
	{"app", []string{module + "/wasm/idb", module + "/wasm/browser", "syscall/js"}},
	{"server", []string{module + "/wasm"}},
	{"api", simulator},
	{"app", simulator},
	{"server", simulator},
	{"wasm", simulator},
	{"web", simulator},
	{"app", []string{"net/http"}},
	{"api", []string{"net/http"}},
	{"wasm", []string{"net/http", module + "/e2e"}},
	{"api", bench},
	{"app", bench},
	{"server", bench},
	{"wasm", bench},
	{"web", bench},
	{"api", atBuild},
	{"app", atBuild},
	{"server", atBuild},
	{"wasm", atBuild},
	{"bench/chromium", []string{module + "/e2e", module + "/wasm"}},
	{"roster", []string{module + "/app", module + "/server", module + "/wasm", "net/http", "os", "syscall/js"}},
	{"wasm/queue", []string{module + "/app", module + "/server", "syscall/js"}},
	{"wasm/sync", []string{module + "/app", module + "/server", "syscall/js", module + "/wasm/sync/remote"}},
	{"wasm/worker", []string{module + "/app", module + "/wasm/page", goApp}},
	{"wasm/page", []string{module + "/wasm/worker"}},
	{"wasm/repository", []string{module + "/app", module + "/server", "syscall/js"}},
	{"wasm/transfer", []string{module + "/app", module + "/server", "syscall/js"}},
	{"wasm/files", []string{module + "/app", module + "/wasm/page", goApp}},
	{"wasm/program", []string{module + "/roster", module + "/wasm/transfer"}},
}

// inAPI are the modules' packages that api may use, with what they need themselves.
var inAPI = []string{"github.com/google/uuid", "golang.org/x/text/unicode/norm", "golang.org/x/text/transform"}

// simulator is what tests the product; the product knows nothing of it.
var simulator = []string{module + "/sim"}

// bench is what measures the product; the product knows nothing of it.
var bench = []string{module + "/bench"}

// atBuild is what only web/build needs.
var atBuild = []string{"github.com/evanw/esbuild", module + "/web/build"}

// vague are names that say nothing of what is inside.
var vague = []string{"utils", "util", "common", "helpers", "helper", "misc"}

func TestSourcesKeepToTheLayout(t *testing.T) {
	for _, violation := range sourceViolations(repository(t)) {
		t.Error(violation)
	}
}

func TestImportsKeepToTheLayout(t *testing.T) {
	for _, platform := range []string{"native", "js/wasm"} {
		pkgs := list(t, platform, "./...")
		if len(pkgs) < 5 {
			t.Fatalf("%s: go list names only %d packages", platform, len(pkgs))
		}
		for _, violation := range importViolations(pkgs) {
			t.Errorf("%s: %s", platform, violation)
		}
	}
}

// sourceViolations checks what each file is for and what it is called.
func sourceViolations(files []source) []string {
	var found []string
	for _, f := range files {
		dir := path.Dir(f.Path)
		if !slices.Contains(inBrowser, dir) {
			if f.Browser {
				found = append(found, f.Path+" is built for the browser only; such code belongs in "+strings.Join(inBrowser, ", "))
			}
			if slices.Contains(f.Imports, "syscall/js") {
				found = append(found, f.Path+" imports syscall/js; such code belongs in "+strings.Join(inBrowser, ", "))
			}
		} else if !f.Browser && !strings.HasSuffix(f.Path, "_test.go") && path.Base(f.Path) != "doc.go" {
			found = append(found, f.Path+" is not restricted to js && wasm")
		}
		if within(dir, "wasm") && slices.ContainsFunc(f.Imports, func(imp string) bool { return within(imp, module+"/e2e") }) {
			found = append(found, f.Path+" imports e2e, which tests it") // also where it is a test itself
		}
		base := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.Path), ".go"), "_test")
		if slices.Contains(vague, path.Base(dir)) || slices.Contains(vague, base) {
			found = append(found, f.Path+" has a name that does not say what is in it")
		}
	}
	return found
}

// importViolations checks the imports of this repository's packages. An import
// is forbidden to a directory also when another of its packages passes it on.
func importViolations(pkgs []pkg) []string {
	byPath := map[string]pkg{}
	for _, p := range pkgs {
		byPath[p.ImportPath] = p
	}
	var found []string
	for _, p := range pkgs {
		dir, ours := strings.CutPrefix(p.ImportPath, module+"/")
		if !ours {
			continue
		}
		for _, imp := range reachable(byPath, p.ImportPath) {
			for _, rule := range forbidden {
				if within(dir, rule.dir) && slices.ContainsFunc(rule.imports, func(f string) bool { return within(imp, f) }) {
					found = append(found, p.ImportPath+" imports "+imp)
				}
			}
			if within(dir, "api") && strings.Contains(imp, ".") && !within(imp, module+"/api") && !slices.Contains(inAPI, imp) {
				found = append(found, p.ImportPath+" imports "+imp+"; api has only the standard library and "+strings.Join(inAPI, ", "))
			}
		}
	}
	return found
}

// reachable returns what a package imports itself and through other packages of
// this repository.
func reachable(byPath map[string]pkg, from string) []string {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		for _, imp := range byPath[name].Imports {
			if seen[imp] {
				continue
			}
			seen[imp] = true
			if within(imp, module) {
				visit(imp)
			}
		}
	}
	visit(from)
	var all []string
	for imp := range seen {
		all = append(all, imp)
	}
	slices.Sort(all)
	return all
}

// TestTheProgramHasNoEncodingJSON: what a device runs reads and writes JSON with
// api/jsoncodec. One call of encoding/json would bring it back whole.
func TestTheProgramHasNoEncodingJSON(t *testing.T) {
	files := 0
	for _, p := range list(t, "js/wasm", "-deps", "./wasm/program") {
		if !within(p.ImportPath, module) {
			continue
		}
		for _, name := range p.GoFiles {
			files++
			code, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			used, err := usesOf("encoding/json", name, code)
			if err != nil {
				t.Fatal(err)
			}
			for _, what := range used {
				if what != "RawMessage" { // which is a type and nothing else
					t.Errorf("%s/%s uses json.%s, which brings encoding/json into the program; see api/jsoncodec", p.ImportPath, name, what)
				}
			}
		}
	}
	if files < 50 {
		t.Errorf("go list names only %d files of the program", files)
	}
}

// usesOf returns what a file uses of a package.
func usesOf(imported, name string, code []byte) (used []string, err error) {
	f, err := parser.ParseFile(token.NewFileSet(), name, code, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", name, err)
	}
	for _, imp := range f.Imports {
		if imp.Path.Value != strconv.Quote(imported) {
			continue
		}
		local := path.Base(imported)
		if imp.Name != nil {
			local = imp.Name.Name
		}
		if local == "." {
			return []string{"all of it, by a dot"}, nil
		}
		ast.Inspect(f, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := selector.X.(*ast.Ident); ok && x.Name == local && !slices.Contains(used, selector.Sel.Name) {
				used = append(used, selector.Sel.Name)
			}
			return true
		})
	}
	return used, nil
}

func TestUsesAreFound(t *testing.T) {
	for code, want := range map[string]string{
		"package a": "",
		"package a\nimport \"encoding/json\"\nvar r json.RawMessage":                                     "RawMessage",
		"package a\nimport j \"encoding/json\"\nfunc f() { var r j.RawMessage; _ = j.Unmarshal(r, &r) }": "RawMessage Unmarshal",
		"package a\nimport . \"encoding/json\"\nvar r RawMessage":                                        "all of it, by a dot",
		"package a\nvar json struct{ Valid bool }\nvar v = json.Valid":                                   "",
	} {
		got, err := usesOf("encoding/json", "a.go", []byte(code))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s uses %q (%v), want %q", code, got, err, want)
		}
	}
}

// within reports whether an import path or directory is root or below it.
func within(name, root string) bool {
	return name == root || strings.HasPrefix(name, root+"/")
}

func list(t *testing.T, platform string, patterns ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Standard,Imports,Dir,GoFiles"}, patterns...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if platform == "js/wasm" {
		cmd.Env = append(cmd.Env, "GOOS=js", "GOARCH=wasm")
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var pkgs []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("reading go list's answer: %v", err)
		}
		pkgs = append(pkgs, p)
	}
}

// repository reads all Go files of this repository.
func repository(t *testing.T) []source {
	t.Helper()
	var files []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(p) != ".go" {
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := readSource(filepath.ToSlash(p), data)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readSource(name string, data []byte) (source, error) {
	f, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return source{}, fmt.Errorf("parsing %s: %w", name, err)
	}
	s := source{Path: name}
	for _, imp := range f.Imports {
		unquoted, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return source{}, fmt.Errorf("import of %s: %w", name, err)
		}
		s.Imports = append(s.Imports, unquoted)
	}
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(name), ".go"), "_test")
	s.Browser = strings.HasSuffix(base, "_js") || strings.HasSuffix(base, "_wasm")
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Pos() > f.Package || !constraint.IsGoBuild(c.Text) {
				continue
			}
			expr, err := constraint.Parse(c.Text)
			if err != nil {
				return source{}, fmt.Errorf("build constraint of %s: %w", name, err)
			}
			inWasm := expr.Eval(func(tag string) bool { return tag == "js" || tag == "wasm" })
			native := expr.Eval(func(tag string) bool { return tag == "linux" || tag == "amd64" || tag == "unix" || tag == "e2e" })
			s.Browser = s.Browser || inWasm && !native
		}
	}
	return s, nil
}

func TestSourceRulesFindViolations(t *testing.T) {
	tests := map[string]struct {
		path, code string
		violations int
	}{
		"plain":                    {"wasm/sync/a.go", "package sync", 0},
		"browser code in place":    {"wasm/idb/a.go", "//go:build js && wasm\n\npackage idb\nimport \"syscall/js\"", 0},
		"its doc":                  {"wasm/idb/doc.go", "package idb", 0},
		"its native test":          {"wasm/idb/tags_test.go", "package idb", 0},
		"e2e":                      {"e2e/a_test.go", "//go:build e2e\n\npackage e2e", 0},
		"native only":              {"app/a.go", "//go:build !wasm\n\npackage app", 0},
		"tag in the pure engine":   {"wasm/sync/a.go", "//go:build js && wasm\n\npackage sync", 1},
		"other spelling":           {"wasm/sync/a.go", "// Doc.\n\n//go:build wasm\n\npackage sync", 1},
		"by file name":             {"app/a_js.go", "package app", 1},
		"by test file name":        {"api/a_wasm_test.go", "package api", 1},
		"syscall/js elsewhere":     {"app/a.go", "package app\nimport \"syscall/js\"", 1},
		"engine's test needs e2e":  {"wasm/sync/a_test.go", "package sync_test\nimport \"" + module + "/e2e/harness\"", 1},
		"untagged in the browser":  {"wasm/page/a.go", "package page", 1},
		"a package without a name": {"server/utils/a.go", "package utils", 1},
		"a file without a name":    {"server/helpers.go", "package main", 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := readSource(test.path, []byte(test.code))
			if err != nil {
				t.Fatal(err)
			}
			if got := sourceViolations([]source{f}); len(got) != test.violations {
				t.Errorf("%d violations %q, want %d", len(got), got, test.violations)
			}
		})
	}
}

func TestImportRulesFindViolations(t *testing.T) {
	const m = module
	tests := map[string]struct {
		pkgs       []pkg
		violations int
	}{
		"what is allowed": {[]pkg{
			{ImportPath: m + "/app", Imports: []string{m + "/api", m + "/wasm/repository"}},
			{ImportPath: m + "/api", Imports: []string{"net/mail", "github.com/google/uuid"}},
			{ImportPath: m + "/server/rest", Imports: []string{"net/http", m + "/api"}},
			{ImportPath: m + "/wasm/page", Imports: []string{m + "/wasm/idb", m + "/app"}},
		}, 0},
		"app imports the browser":     {[]pkg{{ImportPath: m + "/app", Imports: []string{m + "/wasm/browser"}}}, 1},
		"app imports idb by detour":   {[]pkg{{ImportPath: m + "/app", Imports: []string{m + "/wasm/directory"}}, {ImportPath: m + "/wasm/directory", Imports: []string{m + "/wasm/idb"}}}, 1},
		"server imports the engine":   {[]pkg{{ImportPath: m + "/server/store", Imports: []string{m + "/wasm/sync"}}}, 1},
		"engine imports plain REST":   {[]pkg{{ImportPath: m + "/wasm/sync", Imports: []string{m + "/wasm/sync/remote"}}}, 1},
		"plain REST imports engine":   {[]pkg{{ImportPath: m + "/wasm/sync/remote", Imports: []string{m + "/wasm/sync"}}}, 0},
		"plain REST imports app":      {[]pkg{{ImportPath: m + "/wasm/sync/remote", Imports: []string{m + "/app"}}}, 1},
		"engine imports e2e":          {[]pkg{{ImportPath: m + "/wasm/sync", Imports: []string{m + "/e2e/harness"}}}, 1},
		"engine imports bench":        {[]pkg{{ImportPath: m + "/wasm/sync", Imports: []string{m + "/bench/site"}}}, 1},
		"browser's driver's e2e":      {[]pkg{{ImportPath: m + "/bench/chromium", Imports: []string{m + "/e2e/harness"}}}, 1},
		"engine imports net/http":     {[]pkg{{ImportPath: m + "/wasm/sync", Imports: []string{"net/http"}}}, 1},
		"engine imports the server":   {[]pkg{{ImportPath: m + "/wasm/queue", Imports: []string{m + "/server/store"}}}, 1},
		"server minifies":             {[]pkg{{ImportPath: m + "/server/static", Imports: []string{"github.com/evanw/esbuild/pkg/api"}}}, 1},
		"the worker has an interface": {[]pkg{{ImportPath: m + "/wasm/worker", Imports: []string{goApp + "/v9/pkg/app"}}}, 1},
		"the page runs the worker":    {[]pkg{{ImportPath: m + "/wasm/page", Imports: []string{m + "/wasm/worker"}}}, 1},
		"roster opens a file":         {[]pkg{{ImportPath: m + "/roster", Imports: []string{"io", "os"}}}, 1},
		"roster imports the server":   {[]pkg{{ImportPath: m + "/roster", Imports: []string{m + "/api", m + "/server/store"}}}, 1},
		"api imports a module":        {[]pkg{{ImportPath: m + "/api", Imports: []string{"golang.org/x/text/cases"}}}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := importViolations(test.pkgs); len(got) != test.violations {
				t.Errorf("%d violations %q, want %d", len(got), got, test.violations)
			}
		})
	}
}
