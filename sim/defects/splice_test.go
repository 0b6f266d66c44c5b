package defects

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDefectsApply: each defect still fits the product. One that does not is told by
// its file, the function and the anchor.
func TestDefectsApply(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Splice("../..", all); err != nil {
		t.Error(err)
	}
}

// product is a package p with what functions can be like.
const product = `// Package p is spliced.
package p // has a comment

type entity[T any] struct{ n T }

type number int

func (e *entity[T]) set(n T) { e.n = n }

func (number) named(_ int, more ...string) (n int, err error) {
	for range more {
		n++ // counts
	}
	return n,
		err
}

func unnamed(int, ...string) bool {
	a, b := f(1,
		2,
	), 2
	return a == b
}

func f(a, _ int) int { return a }

func generic[T any, U comparable](n U) *T { return new(T) }

func nothing() {}
`

// write writes files below a new root.
func write(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range files {
		to := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// patched is product with a defect of these edits.
func patched(t *testing.T, edits string) (string, error) {
	t.Helper()
	root := write(t, map[string]string{"p/p.go": product, "p/p_test.go": "package p\n\nfunc onlyInTests() {}\n"})
	d, err := Parse("it-is-wrong", "it is wrong\n\nTakes out: what is right.\n\n"+edits)
	if err != nil {
		return "", err
	}
	copies, err := Splice(root, []Defect{d})
	if err != nil {
		return "", err
	}
	return copies["p/p.go"], nil
}

// check has the compiler's front end look at a patched copy.
func check(text string) error {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", text, 0)
	if err != nil {
		return err
	}
	of := types.NewPackage(module+"/"+directory+"/active", "active")
	in := types.NewTuple(types.NewParam(0, of, "", types.Typ[types.String]))
	out := types.NewTuple(types.NewParam(0, of, "", types.Typ[types.Bool]))
	of.Scope().Insert(types.NewFunc(0, of, "On", types.NewSignatureType(nil, nil, nil, in, out, false)))
	of.MarkComplete()
	config := types.Config{Importer: importer{of}}
	_, err = config.Check("p", fset, []*ast.File{file}, nil)
	return err
}

type importer struct{ active *types.Package }

func (i importer) Import(path string) (*types.Package, error) {
	if path != i.active.Path() {
		return nil, errors.New("not to be imported: " + path)
	}
	return i.active, nil
}

func TestEveryKindOfFunctionCanBePatched(t *testing.T) {
	for name, c := range map[string]struct{ edits, leaves, says string }{
		"method of a generic type": {
			"--- in p entity.set\n-e.n = n\n",
			`{ if defect_active.On("it-is-wrong") { e.set_it_is_wrong(n); return };`, `set_it_is_wrong(n T) { /*line`,
		},
		"no receiver's name, a blank and variadic parameters, named results": {
			"--- in p number.named\n-return n, err\n+return -n, err\n",
			`{ if defect_active.On("it-is-wrong") { return defect_receiver0.named_it_is_wrong(defect_argument0, more...) };`, `return -n, err`,
		},
		"parameters without names, an anchor on fewer lines": {
			"--- in p unnamed\n-f(1, 2)\n+f(2, 1)\n",
			`{ if defect_active.On("it-is-wrong") { return unnamed_it_is_wrong(defect_argument0, defect_argument1...) };`, `f(2, 1)`,
		},
		"one parameter of two": {
			"--- in p f\n-return a\n+return a + 1\n",
			`{ if defect_active.On("it-is-wrong") { return f_it_is_wrong(a, defect_argument1) };`, `return a + 1`,
		},
		"generic": {
			"--- in p generic\n-new(T)\n+nil\n",
			`{ if defect_active.On("it-is-wrong") { return generic_it_is_wrong[T, U](n) };`, `return /*line`,
		},
		"two edits of one function": {
			"--- in p unnamed\n-1, 2\n+2, 1\n\n--- in p unnamed\n-a == b\n+a != b\n",
			`unnamed_it_is_wrong(`, `a != b`,
		},
		"context and comments": {
			"--- in p number.named\n for range more {\n-\tn++\n+\tn--\n }\n",
			`named_it_is_wrong(`, "\tn--\n}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := patched(t, c.edits)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{c.leaves, c.says} {
				if !strings.Contains(text, part) {
					t.Errorf("nothing says %q in\n%s", part, text)
				}
			}
			if err := check(text); err != nil {
				t.Errorf("%v in\n%s", err, text)
			}
		})
	}
}

// TestTheOriginalStaysAsItIs: with no defect on a copy does what the original does, on
// the same lines.
func TestTheOriginalStaysAsItIs(t *testing.T) {
	text, err := patched(t, "--- in p f\n-return a\n+return 0\n")
	if err != nil {
		t.Fatal(err)
	}
	text = strings.Replace(text, ` if defect_active.On("it-is-wrong") { return f_it_is_wrong(a, defect_argument1) };`, "", 1)
	text = strings.Replace(text, `; import defect_active "github.com/rollcall/rollcall/sim/defects/active"`, "", 1)
	text = strings.Replace(text, "defect_argument1", "_", 1)
	if !strings.HasPrefix(text, product) {
		t.Errorf("it is\n%s", text)
	}
}

func TestAnEditThatDoesNotCompileIsToldByItsLine(t *testing.T) {
	text, err := patched(t, "--- in p unnamed\n a, b := f(1, 2), 2\n-return a == b\n+return a == c\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := check(text); err == nil || !strings.Contains(err.Error(), "sim/defects/it-is-wrong.defect:8:") {
		t.Errorf("the error is %v", err)
	}
}

func TestADefectThatNoLongerAppliesIsTold(t *testing.T) {
	for name, c := range map[string]struct{ edits, says string }{
		"no package":      {"--- in q f\n-a\n+b\n", "sim/defects/it-is-wrong.defect:5: no package in q (no Go files): say in the header where f is now"},
		"no function":     {"--- in p g\n-a\n+b\n", "sim/defects/it-is-wrong.defect:5: no function g in p: say in the header what it is called now, and where it is"},
		"only in tests":   {"--- in p onlyInTests\n-a\n+b\n", "no function onlyInTests in p"},
		"no anchor":       {"--- in p f\n-return b\n", "sim/defects/it-is-wrong.defect:6: the anchor is not in f of p/p.go:25 any more: make it what the function says now, or drop the defect:\n\treturn b"},
		"anchor twice":    {"--- in p unnamed\n-b\n+a\n", "sim/defects/it-is-wrong.defect:6: the anchor is 2 times in unnamed of p/p.go:18: put more of what is around it into the edit:\n\tb"},
		"an overlap":      {"--- in p f\n-return a\n\n--- in p f\n-a }\n", "two edits overlap"},
		"not Go any more": {"--- in p f\n-return a\n+return (\n", "p/p.go, with the defects: "},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := patched(t, c.edits); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAFunctionThatIsThereTwiceIsTold(t *testing.T) {
	root := write(t, map[string]string{"p/a.go": "package p\n\nfunc f() {}\n", "p/b.go": "//go:build js\n\npackage p\n\nfunc f() {}\n"})
	d := Defect{Name: "it-is-wrong", Edits: []Edit{{Line: 6, Package: "p", Func: "f", Anchor: "{}"}}}
	if _, err := Splice(root, []Defect{d}); err == nil || !strings.Contains(err.Error(), "p has two functions f, in p/a.go and p/b.go") {
		t.Errorf("the error is %v", err)
	}
}

func TestAllThatDoNotApplyAreTold(t *testing.T) {
	root := write(t, map[string]string{"p/p.go": product})
	d := Defect{Edits: []Edit{{Package: "p", Func: "g", Anchor: "a"}, {Package: "p", Func: "f", Anchor: "b"}}}
	first, second := d, d
	first.Name, second.Name = "first", "second"
	_, err := Splice(root, []Defect{first, second})
	if err == nil || strings.Count(err.Error(), "first.defect") != 2 || strings.Count(err.Error(), "second.defect") != 2 {
		t.Errorf("the error is %v", err)
	}
}

func TestAFileThatIsNoDefectIsTold(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"empty":           {"", "x.defect:1: the first line says what is wrong"},
		"no empty line":   {"wrong\nTakes out: it.\n", "x.defect:1: the first line"},
		"not explained":   {"wrong\n\n--- port\n", "x.defect:2: a text says which safeguard"},
		"nothing to do":   {"wrong\n\nTakes out: it.\n", `x.defect:4: a defect has either edits or "--- port"`},
		"both":            {"wrong\n\nTakes out: it.\n\n--- port\n--- in p f\n-a\n", "either edits or"},
		"another header":  {"wrong\n\nTakes out: it.\n\n--- of p f\n", "x.defect:5: a header is"},
		"no anchor":       {"wrong\n\nTakes out: it.\n\n--- in p f\n+a\n", "x.defect:6: an edit needs an anchor"},
		"another line":    {"wrong\n\nTakes out: it.\n\n--- in p f\na\n", "x.defect:6: a line of an edit begins with"},
		"a missing space": {"wrong\n\nTakes out: it.\n\n--- in p f\n-a\n}\n", "x.defect:7: a line of an edit begins with"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("x", c.text); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestTheOverlayNamesAllCopies(t *testing.T) {
	root := write(t, map[string]string{"p/p.go": product, "p/other.go": "package p\n"})
	dir := t.TempDir()
	d := Defect{Name: "it-is-wrong", Edits: []Edit{{Line: 6, Package: "p", Func: "f", Anchor: "a }", Text: "0 }"}}}
	if err := Overlay(root, dir, []Defect{d}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "overlay.json"))
	if err != nil {
		t.Fatal(err)
	}
	var overlay struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &overlay); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"p/p.go", "sim/defects/active/patched.go"} {
		if _, err := os.Stat(overlay.Replace[filepath.Join(root, name)]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(overlay.Replace) != 2 {
		t.Errorf("it replaces %v", overlay.Replace)
	}
}
