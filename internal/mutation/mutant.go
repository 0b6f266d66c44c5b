package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// mutant is one change of a file: the bytes from start to end become text.
type mutant struct {
	file       string // from the module's root
	kind       string
	start, end int
	text       string
	key        string        // names it in the list of equivalent mutants, see source.key
	function   *ast.FuncDecl // that it is in
}

// source is a parsed file whose mutants are asked for.
type source struct {
	path  string
	bytes []byte
	fset  *token.FileSet
	file  *ast.File
	made  []mutant
}

func parse(path string, text []byte) (*source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}
	return &source{path: path, bytes: text, fset: fset, file: file}, nil
}

// mutants returns the mutants of all functions of the file, in the order of the text.
func (s *source) mutants() []mutant {
	s.made = nil
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			ast.PreorderStack(f, nil, func(n ast.Node, stack []ast.Node) bool {
				switch n := n.(type) {
				case ast.Stmt:
					s.statement(n, stack)
				case ast.Expr:
					s.expression(n)
				}
				return true
			})
		}
	}
	slices.SortStableFunc(s.made, func(a, b mutant) int { return a.start - b.start })
	return s.made
}

func (s *source) statement(n ast.Stmt, stack []ast.Node) {
	switch n := n.(type) {
	case *ast.ExprStmt, *ast.IncDecStmt, *ast.BranchStmt:
		s.add("remove statement", n, "")
	case *ast.AssignStmt:
		s.assignment(n)
	case *ast.IfStmt:
		s.condition(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			s.add("never iterate", n.Cond, "("+s.text(n.Cond)+") && false")
		}
	case *ast.RangeStmt:
		s.put("never iterate", n.Pos(), n.Body.Lbrace+1, s.slice(n.Pos(), n.Body.Lbrace+1)+"\nbreak\n")
	case *ast.SwitchStmt:
		s.cases(n)
	case *ast.ReturnStmt:
		s.results(n, stack)
	}
}

// assignment takes out one left side after the other, and leaves the right side's effects.
func (s *source) assignment(n *ast.AssignStmt) {
	switch {
	case n.Tok == token.DEFINE || len(n.Lhs) != len(n.Rhs):
	case n.Tok != token.ASSIGN:
		s.add("remove statement", n, "_ = "+s.text(n.Rhs[0]))
	case len(n.Lhs) == 1 && s.text(n.Rhs[0]) == "nil":
		s.add("remove statement", n, "")
	default:
		for i, left := range n.Lhs {
			if s.text(n.Rhs[i]) == "nil" {
				without := s.join(slices.Delete(slices.Clone(n.Lhs), i, i+1)) + " = " +
					s.join(slices.Delete(slices.Clone(n.Rhs), i, i+1))
				s.mark("remove assignment", left, n, without)
				continue
			}
			if s.text(left) != "_" {
				s.add("remove assignment", left, "_")
			}
		}
	}
}

// condition makes a condition always true and always false. Its parts are expression's.
func (s *source) condition(cond ast.Expr) {
	s.add("always true", cond, "("+s.text(cond)+") || true")
	s.add("always false", cond, "("+s.text(cond)+") && false")
}

// cases takes cases out of a switch, or does to their conditions what is done to others'.
// Gremlins does not get at these: the coverage that it goes by does not count them.
func (s *source) cases(n *ast.SwitchStmt) {
	for _, c := range n.Body.List {
		clause := c.(*ast.CaseClause)
		if n.Tag == nil {
			for _, cond := range clause.List {
				s.condition(cond)
				ast.Inspect(cond, s.operators)
			}
			continue
		}
		s.mark("remove case", firstOf(clause), clause, "")
	}
}

// turned are the operators that take an operator's place.
var turned = map[token.Token][]string{
	token.LAND: {"||"}, token.LOR: {"&&"}, token.EQL: {"!="}, token.NEQ: {"=="},
	token.LSS: {"<=", ">="}, token.LEQ: {"<", ">"}, token.GTR: {">=", "<="}, token.GEQ: {">", "<"},
	token.ADD: {"-"}, token.SUB: {"+"}, token.MUL: {"/"}, token.QUO: {"*"}, token.REM: {"*"},
}

func (s *source) operators(n ast.Node) bool {
	if binary, ok := n.(*ast.BinaryExpr); ok {
		for _, other := range turned[binary.Op] {
			s.put("turn operator to "+other, binary.OpPos, binary.OpPos+token.Pos(len(binary.Op.String())), other)
		}
	}
	return true
}

// inCase reports whether an offset is in the condition of a case.
func (s *source) inCase(at int) bool {
	found := false
	ast.Inspect(s.file, func(n ast.Node) bool {
		if c, ok := n.(*ast.CaseClause); ok && s.offset(c.Case) <= at && at < s.offset(c.Colon) {
			found = true
		}
		return !found
	})
	return found
}

func firstOf(c *ast.CaseClause) ast.Node {
	if len(c.List) > 0 {
		return c.List[0]
	}
	return c
}

// results makes each result of a return its type's zero value, or the opposite of a bool.
func (s *source) results(n *ast.ReturnStmt, stack []ast.Node) {
	types := s.resultTypes(stack)
	if len(types) != len(n.Results) {
		return
	}
	for i, e := range n.Results {
		text := s.text(e)
		switch {
		case types[i] == "bool":
			s.add("negate result", e, "!("+text+")")
		case slices.Contains([]string{"nil", "0", `""`, types[i] + "{}"}, text):
		default:
			s.add("zero result", e, "func() (zero "+types[i]+") { _ = "+text+"; return }()")
		}
	}
}

// resultTypes returns the result types of the innermost function, one for each result.
func (s *source) resultTypes(stack []ast.Node) []string {
	for _, n := range slices.Backward(stack) {
		var list *ast.FieldList
		switch n := n.(type) {
		case *ast.FuncDecl:
			list = n.Type.Results
		case *ast.FuncLit:
			list = n.Type.Results
		default:
			continue
		}
		var types []string
		if list != nil {
			for _, f := range list.List {
				types = append(types, slices.Repeat([]string{s.text(f.Type)}, max(len(f.Names), 1))...)
			}
		}
		return types
	}
	return nil
}

func (s *source) expression(n ast.Expr) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		for _, operand := range []ast.Expr{n.X, n.Y} {
			switch n.Op {
			case token.LAND:
				s.add("drop operand", operand, "(("+s.text(operand)+") || true)")
			case token.LOR:
				s.add("drop operand", operand, "(("+s.text(operand)+") && false)")
			}
		}
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			s.add("drop negation", n, s.text(n.X))
		}
	case *ast.BasicLit:
		s.literal(n)
	case *ast.CompositeLit:
		s.fields(n)
	case *ast.CallExpr:
		s.call(n)
	}
}

func (s *source) literal(n *ast.BasicLit) {
	switch n.Kind {
	case token.INT:
		if v, err := strconv.Atoi(n.Value); err == nil {
			s.add("add one", n, strconv.Itoa(v+1))
		}
	case token.STRING:
		if len(n.Value) > len(`""`) {
			s.add("empty text", n, `""`)
		}
	}
}

// fields leaves one field or entry of a literal out.
func (s *source) fields(n *ast.CompositeLit) {
	for i, e := range n.Elts {
		end := n.Rbrace
		if i+1 < len(n.Elts) {
			end = n.Elts[i+1].Pos()
		}
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			s.markRange("leave out", kv, [2]token.Pos{kv.Pos(), end}, "")
		}
	}
}

// call swaps min and max, and leaves out a method that returns its receiver's type.
func (s *source) call(n *ast.CallExpr) {
	switch f := n.Fun.(type) {
	case *ast.Ident:
		if other := map[string]string{"min": "max", "max": "min"}[f.Name]; other != "" {
			s.add("swap min and max", f, other)
		}
	case *ast.SelectorExpr:
		s.mark("leave out call", f.Sel, n, s.text(f.X))
	}
}

func (s *source) add(kind string, n ast.Node, text string) { s.put(kind, n.Pos(), n.End(), text) }

func (s *source) put(kind string, start, end token.Pos, text string) {
	s.append(kind, [2]token.Pos{start, end}, [2]token.Pos{start, end}, text)
}

// mark adds a mutant that replaces whole and is named by named, a part of it.
func (s *source) mark(kind string, named, whole ast.Node, text string) {
	s.markRange(kind, named, [2]token.Pos{whole.Pos(), whole.End()}, text)
}

func (s *source) markRange(kind string, named ast.Node, whole [2]token.Pos, text string) {
	s.append(kind, [2]token.Pos{named.Pos(), named.End()}, whole, text)
}

func (s *source) append(kind string, named, whole [2]token.Pos, text string) {
	s.made = append(s.made, mutant{
		file: s.path, kind: kind, start: s.offset(whole[0]), end: s.offset(whole[1]), text: text,
		key:      s.key(kind, s.offset(named[0]), s.offset(named[1])),
		function: s.function(s.offset(named[0])),
	})
}

// key names a mutant by its function and its text, with what changes in «»: unlike a line's
// number, it stays when other lines come and go.
func (s *source) key(kind string, start, end int) string {
	from := bytes.LastIndexByte(s.bytes[:start], '\n') + 1
	to := len(s.bytes)
	if i := bytes.IndexByte(s.bytes[end:], '\n'); i >= 0 {
		to = end + i
	}
	line := string(s.bytes[from:start]) + "«" + string(s.bytes[start:end]) + "»" + string(s.bytes[end:to])
	name := "-"
	if f := s.function(start); f != nil {
		name = f.Name.Name
	}
	return fmt.Sprintf("%s %s: %s: %s", s.path, name, kind, strings.Join(strings.Fields(line), " "))
}

// function returns the function at an offset, nil outside of all.
func (s *source) function(at int) *ast.FuncDecl {
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && s.offset(f.Pos()) <= at && at < s.offset(f.End()) {
			return f
		}
	}
	return nil
}

func (s *source) offset(p token.Pos) int { return s.fset.Position(p).Offset }

func (s *source) slice(start, end token.Pos) string {
	return string(s.bytes[s.offset(start):s.offset(end)])
}

func (s *source) text(n ast.Node) string { return s.slice(n.Pos(), n.End()) }

func (s *source) join(list []ast.Expr) string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = s.text(e)
	}
	return strings.Join(texts, ", ")
}
