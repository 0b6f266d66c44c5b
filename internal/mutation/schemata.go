package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"strings"
)

// chosen is the variable of a mutated package that says which mutant runs, 0 for none; its
// environment variable sets it.
const (
	chosen      = "chosenMutant"
	environment = "MUTANT"
)

// selector is the file that a mutated package gets in addition.
func selector(pkg string) []byte {
	return fmt.Appendf(nil, "package %s\n\nimport (\"os\"; \"strconv\")\n\nvar %s, _ = strconv.Atoi(os.Getenv(%q))\n", pkg, chosen, environment)
}

// schemata returns the file with all of its mutants in it, by number, so that one build
// serves them all. Each mutant is a copy of its function under another name, and the function
// itself calls the copy that was chosen. An error of the compiler in a copy names the
// mutant's number as its file.
func (s *source) schemata(mutants map[int]mutant) []byte {
	calls := map[*ast.FuncDecl]string{}
	var copies bytes.Buffer
	for n, m := range mutants {
		if m.file != s.path {
			continue
		}
		f := m.function
		name := fmt.Sprintf("%sMutant%d", f.Name.Name, n)
		calls[f] += fmt.Sprintf("case %d: %s", n, s.forward(f, name))
		fmt.Fprintf(&copies, "\n//line mutant%d:1\n%s%s%s%s%s\n", n, s.slice(f.Pos(), f.Name.Pos()), name,
			s.bytes[s.offset(f.Name.End()):m.start], m.text, s.bytes[m.end:s.offset(f.End())])
	}
	var out bytes.Buffer
	from := 0
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && calls[f] != "" {
			brace := s.offset(f.Body.Lbrace) + 1
			out.Write(s.bytes[from:brace])
			fmt.Fprintf(&out, " switch %s { %s };", chosen, calls[f])
			from = brace
		}
	}
	out.Write(s.bytes[from:])
	return append(out.Bytes(), copies.Bytes()...)
}

// forward is the statement that calls a copy with the function's own arguments.
func (s *source) forward(f *ast.FuncDecl, name string) string {
	if f.Recv != nil {
		receiver := f.Recv.List[0]
		name = s.argument(append(receiver.Names, nil)[0], receiver.Type) + "." + name
	}
	var args []string
	for _, p := range f.Type.Params.List {
		for _, n := range append(p.Names, make([]*ast.Ident, max(1-len(p.Names), 0))...) {
			args = append(args, s.argument(n, p.Type))
		}
	}
	call := name + "(" + strings.Join(args, ", ") + ")"
	if f.Type.Results == nil {
		return call + "; return;"
	}
	return "return " + call + ";"
}

// argument is what a copy gets for a parameter: of one without a name, any value, since
// nothing uses it.
func (s *source) argument(name *ast.Ident, kind ast.Expr) string {
	list, variadic := kind.(*ast.Ellipsis)
	switch {
	case name != nil && name.Name != "_" && variadic:
		return name.Name + "..."
	case name != nil && name.Name != "_":
		return name.Name
	case variadic:
		return "*new([]" + s.text(list.Elt) + ")..."
	}
	return "(*new(" + s.text(kind) + "))"
}
