package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// ofOneKind are the methods that are not the same for every element; absent_wasm.go has them.
var ofOneKind = []string{"Text", "Textf"}

// oneElement rewrites go-app's elements: a type and an interface for each element of HTML, with
// a hundred methods each, that say the same. They become names of one type, and methods become
// functions that are called directly, or not in the program at all.
func oneElement(source []byte) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", source, 0)
	if err != nil {
		return nil, fmt.Errorf("parsing go-app's elements: %w", err)
	}
	text := func(n ast.Node) string {
		return string(source[fset.Position(n.Pos()).Offset:fset.Position(n.End()).Offset])
	}
	out := []string{"package app"}
	methods := map[string]string{}
	for _, decl := range file.Decls {
		f, isFunc := decl.(*ast.FuncDecl)
		switch {
		case !isFunc:
			out = append(out, aliases(decl.(*ast.GenDecl), text)...)
		case f.Recv == nil:
			out = append(out, text(f))
		case !slices.Contains(ofOneKind, f.Name.Name):
			method := elementType.ReplaceAllString(text(f), "element")
			if first, ok := methods[f.Name.Name]; !ok {
				methods[f.Name.Name] = method
				out = append(out, text(f))
			} else if first != method {
				return nil, fmt.Errorf("elements differ in %s:\n%s\n%s", f.Name.Name, first, method)
			}
		}
	}
	out = append(out, "type element struct { htmlElement }")
	return []byte(strings.Join(out, "\n\n") + "\n"), nil
}

// elementType is the name of an element's type or interface.
var elementType = regexp.MustCompile(`\b(HTML|html)[A-Z]\w*`)

// aliases are the names of an element's type and interface, or the imports.
func aliases(decl *ast.GenDecl, text func(ast.Node) string) []string {
	if decl.Tok == token.IMPORT {
		return []string{text(decl)}
	}
	var out []string
	for _, spec := range decl.Specs {
		name := spec.(*ast.TypeSpec).Name.Name
		if strings.HasPrefix(name, "HTML") {
			out = append(out, "type "+name+" = *element")
		} else {
			out = append(out, "type "+name+" = element")
		}
	}
	return out
}
