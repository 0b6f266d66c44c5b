package defects

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Overlay writes the patched copies of the files below root to dir, and overlay.json,
// which tells go to use them.
func Overlay(root, dir string, all []Defect) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	copies, err := Splice(root, all)
	if err != nil {
		return err
	}
	replace := map[string]string{}
	for name, text := range copies {
		to := filepath.Join(dir, filepath.FromSlash(name))
		replace[filepath.Join(root, filepath.FromSlash(name))] = to
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return err
		}
	}
	overlay, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
}

// Splice returns the patched copies of the files below root, by their paths from there.
// Its error names every defect that does not apply.
func Splice(root string, all []Defect) (map[string]string, error) {
	s := splicer{root: root, packages: map[string][]*source{}}
	var errs []error
	for _, d := range all {
		for len(d.Edits) > 0 {
			// All edits of one function make one variant of it.
			first := d.Edits[0]
			same := func(e Edit) bool { return e.Package == first.Package && e.Func == first.Func }
			var edits, others []Edit
			for _, e := range d.Edits {
				if same(e) {
					edits = append(edits, e)
				} else {
					others = append(others, e)
				}
			}
			errs = append(errs, s.add(d, edits))
			d.Edits = others
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	copies := map[string]string{
		directory + "/active/patched.go": "package active\n\n// Patched is true in a program with patched copies.\nconst Patched = true\n",
	}
	for _, files := range s.packages {
		for _, f := range files {
			if len(f.variants) == 0 {
				continue
			}
			text, err := f.patched()
			errs = append(errs, err)
			copies[f.path] = text
		}
	}
	return copies, errors.Join(errs...)
}

type splicer struct {
	root     string
	packages map[string][]*source // that were read, by directory
}

// source is a file of the product.
type source struct {
	path     string // from the module's root
	name     string // the whole path
	text     string
	fset     *token.FileSet
	syntax   *ast.File
	changes  []change // to what there is
	variants []string // to append
	named    map[*ast.FuncDecl]call
}

// change replaces the text between two offsets.
type change struct {
	from, to int
	text     string
}

// add makes a variant of the function that all these edits are of.
func (s *splicer) add(d Defect, edits []Edit) error {
	first := edits[0]
	f, decl, err := s.find(first.Package, first.Func)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", d.file(), first.Line-1, err)
	}
	from, to := f.offset(decl.Pos()), f.offset(decl.End())
	suffix := "_" + strings.ReplaceAll(d.Name, "-", "_")
	changes := []change{{f.offset(decl.Name.End()), f.offset(decl.Name.End()), suffix}}
	for _, e := range edits {
		c, err := f.edit(decl, e)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", d.file(), e.Line, err)
		}
		text := strings.TrimLeft(e.Text, "\n")
		line := e.Line + len(e.Text) - len(text)
		// Positions are the defect's own in what it says, and then the product's again.
		c.text = fmt.Sprintf("/*line %s:%d:1*/%s/*line %s*/", filepath.Join(s.root, d.file()), line, strings.TrimRight(text, "\n"), f.position(c.to))
		changes = append(changes, c)
	}
	variant, err := replaced(f.text[:to], changes)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", d.file(), first.Line, err)
	}
	f.variants = append(f.variants, fmt.Sprintf("/*line %s*/%s", f.position(from), variant[from:]))
	c := f.call(decl)
	leave := c.callee + suffix + c.types + "(" + c.arguments + ")"
	if decl.Type.Results != nil {
		leave = "return " + leave
	} else {
		leave += "; return"
	}
	body := f.offset(decl.Body.Lbrace) + 1
	f.changes = append(f.changes, change{body, body, fmt.Sprintf(" if defect_active.On(%q) { %s };", d.Name, leave)})
	return nil
}

// find is a function and the file of its package that has it.
func (s *splicer) find(dir, name string) (in *source, found *ast.FuncDecl, err error) {
	if err := s.read(dir); err != nil {
		return nil, nil, fmt.Errorf("no package in %s (%w): say in the header where %s is now", dir, err, name)
	}
	for _, f := range s.packages[dir] {
		for _, d := range f.syntax.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Body == nil || funcName(decl) != name {
				continue
			}
			if found != nil {
				return nil, nil, fmt.Errorf("%s has two functions %s, in %s and %s", dir, name, in.path, f.path)
			}
			in, found = f, decl
		}
	}
	if found == nil {
		return nil, nil, fmt.Errorf("no function %s in %s: say in the header what it is called now, and where it is", name, dir)
	}
	return in, found, nil
}

// read reads the files of a package, without its tests.
func (s *splicer) read(dir string) error {
	if s.packages[dir] != nil {
		return nil
	}
	names, err := fs.Glob(os.DirFS(s.root), path.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f := &source{path: name, name: filepath.Join(s.root, filepath.FromSlash(name)), fset: token.NewFileSet(), named: map[*ast.FuncDecl]call{}}
		text, err := os.ReadFile(f.name)
		if err != nil {
			return err
		}
		f.text = string(text)
		if f.syntax, err = parser.ParseFile(f.fset, f.name, text, parser.SkipObjectResolution); err != nil {
			return err
		}
		s.packages[dir] = append(s.packages[dir], f)
	}
	if s.packages[dir] == nil {
		return errors.New("no Go files")
	}
	return nil
}

// funcName is what edits call a function: Type.Method, or its name.
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	for {
		switch of := t.(type) {
		case *ast.StarExpr:
			t = of.X
		case *ast.ParenExpr:
			t = of.X
		case *ast.IndexExpr:
			t = of.X
		case *ast.IndexListExpr:
			t = of.X
		case *ast.Ident:
			return of.Name + "." + d.Name.Name
		default:
			return ""
		}
	}
}

func (f *source) offset(p token.Pos) int { return f.fset.Position(p).Offset }

// position is that of an offset, as line directives have it.
func (f *source) position(offset int) string {
	return f.fset.Position(f.syntax.FileStart + token.Pos(offset)).String()
}

// edit is the change of an edit: where in a function its anchor is.
func (f *source) edit(d *ast.FuncDecl, e Edit) (change, error) {
	anchor, err := tokens(e.Anchor)
	if err != nil {
		return change{}, fmt.Errorf("the anchor is not Go: %w", err)
	}
	start := f.offset(d.Pos())
	function, err := tokens(f.text[start:f.offset(d.End())])
	if err != nil {
		return change{}, err
	}
	if last := len(anchor) - 1; last >= 0 && anchor[last].text == ";" && !strings.HasSuffix(strings.TrimSpace(e.Anchor), ";") {
		anchor = anchor[:last] // that of the line's end
	}
	var at []int
	for i := range len(function) - len(anchor) + 1 {
		if slices.EqualFunc(function[i:i+len(anchor)], anchor, func(a, b lexeme) bool { return a.text == b.text }) {
			at = append(at, i)
		}
	}
	where := fmt.Sprintf("%s of %s:%d", e.Func, f.path, f.fset.Position(d.Pos()).Line)
	said := "\n\t" + strings.ReplaceAll(strings.TrimSpace(e.Anchor), "\n", "\n\t")
	switch len(at) {
	case 0:
		return change{}, fmt.Errorf("the anchor is not in %s any more: make it what the function says now, or drop the defect:%s", where, said)
	case 1:
		return change{from: start + function[at[0]].from, to: start + function[at[0]+len(anchor)-1].to}, nil
	}
	return change{}, fmt.Errorf("the anchor is %d times in %s: put more of what is around it into the edit:%s", len(at), where, said)
}

// lexeme is a token and where it is.
type lexeme struct {
	text     string
	from, to int
}

// tokens are those of a piece of source. A comma or a semicolon before a closing
// bracket is left out: it depends on where lines end.
func tokens(text string) ([]lexeme, error) {
	var out []lexeme
	var errs scanner.ErrorList
	file := token.NewFileSet().AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), errs.Add, 0)
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return out, errs.Err()
		}
		l := lexeme{text: tok.String(), from: file.Offset(pos)}
		l.to = l.from + len(l.text)
		if tok.IsLiteral() {
			l.text, l.to = lit, l.from+len(lit)
		}
		if last := len(out) - 1; last >= 0 && slices.Contains([]string{")", "]", "}"}, l.text) && slices.Contains([]string{",", ";"}, out[last].text) {
			out = out[:last]
		}
		out = append(out, l)
	}
}

// call is what a function's variants are called by, in the function itself.
type call struct{ callee, types, arguments string }

// call is that of a function, which gets names for what has none.
func (f *source) call(d *ast.FuncDecl) call {
	c, known := f.named[d]
	if known {
		return c
	}
	c.callee = d.Name.Name
	if d.Recv != nil {
		c.callee = f.names("receiver", d.Recv)[0] + "." + d.Name.Name
	}
	if d.Type.TypeParams != nil {
		c.types = "[" + strings.Join(f.names("Type", d.Type.TypeParams), ", ") + "]"
	}
	c.arguments = strings.Join(f.names("argument", d.Type.Params), ", ")
	if n := len(d.Type.Params.List); n > 0 {
		if _, variadic := d.Type.Params.List[n-1].Type.(*ast.Ellipsis); variadic {
			c.arguments += "..."
		}
	}
	f.named[d] = c
	return c
}

// names are those of parameters.
func (f *source) names(kind string, params *ast.FieldList) []string {
	var out []string
	give := func(from, to token.Pos, after string) {
		name := fmt.Sprintf("defect_%s%d", kind, len(out))
		f.changes = append(f.changes, change{f.offset(from), f.offset(to), name + after})
		out = append(out, name)
	}
	for _, p := range params.List {
		if len(p.Names) == 0 {
			give(p.Type.Pos(), p.Type.Pos(), " ")
		}
		for _, n := range p.Names {
			if n.Name == "_" {
				give(n.Pos(), n.End(), "")
			} else {
				out = append(out, n.Name)
			}
		}
	}
	return out
}

// patched is the file with all variants.
func (f *source) patched() (string, error) {
	end := f.offset(f.syntax.Name.End())
	imports := change{end, end, fmt.Sprintf("; import defect_active %q", module+"/"+directory+"/active")}
	text, err := replaced(f.text, append(f.changes, imports))
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.path, err)
	}
	text += "\n" + strings.Join(f.variants, "\n\n") + "\n"
	if _, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution); err != nil {
		return "", fmt.Errorf("%s, with the defects: %w", f.path, err)
	}
	return text, nil
}

// replaced is a text after changes, which must not overlap.
func replaced(text string, changes []change) (string, error) {
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	done := 0
	for _, c := range changes {
		if c.from < done {
			return "", fmt.Errorf("two edits overlap")
		}
		b.WriteString(text[done:c.from])
		b.WriteString(c.text)
		done = c.to
	}
	b.WriteString(text[done:])
	return b.String(), nil
}
