package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// formats are what the stand-in of fmt formats as the original does: its own test shows it.
var formats = regexp.MustCompile(`^(%(0?\d*(\.\d)?[svwdqxfTtp%]|\+v)|[^%])*$`)

// rare are formats of others that it does not know, in messages that this program never has.
var rare = []string{"encoding/hex: invalid byte: %#U"}

func TestTheProgramFormatsWhatTheStandInKnows(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	sources, err := trim(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	out, err := sources.command(t.Context(), "list", "-deps", "-f", `{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}`, program).Output()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for name := range strings.FieldsSeq(string(out)) {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil || file.Name.Name == "fmt" || !imports(file, "fmt") {
			continue // a file that the overlay replaces, too
		}
		for _, format := range formatsIn(file) {
			found++
			if !formats.MatchString(format) && !slices.Contains(rare, format) {
				t.Errorf("%s formats %q", name, format)
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d formats were found", found)
	}
}

func imports(file *ast.File, path string) bool {
	return slices.ContainsFunc(file.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == strconv.Quote(path) })
}

// formatsIn are the texts that a file gives to fmt's functions whose names end in f.
func formatsIn(file *ast.File) (formats []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := f.X.(*ast.Ident); !ok || x.Name != "fmt" || !strings.HasSuffix(f.Sel.Name, "f") {
			return true
		}
		for _, arg := range call.Args {
			if text, ok := arg.(*ast.BasicLit); ok && text.Kind == token.STRING {
				format, _ := strconv.Unquote(text.Value)
				formats = append(formats, format)
				break // what follows is formatted
			}
		}
		return true
	})
	return formats
}
