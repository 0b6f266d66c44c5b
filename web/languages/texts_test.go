package languages_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// texts are all that is translated: by the English text, which of a plural is the one about many.
type texts map[string]text

type text struct {
	where string
	one   string // the English text about one thing, of a plural
}

// inUse finds the texts of the program, of the scripts and of the page, and what the app is given in English
// by the engine and the server.
func inUse(t *testing.T) texts {
	t.Helper()
	all := texts{}
	for _, dir := range []string{"app", "wasm/page"} {
		eachGoFile(t, dir, all.fromProgram)
	}
	for _, dir := range []string{"wasm/sync", "wasm/signin", "wasm/directory", "server/account", "server/signin", "server/rest", "server/store", "roster", "roster/plan", "wasm/transfer"} {
		eachGoFile(t, dir, all.fromOthers)
	}
	eachGoFile(t, "api", all.fromSentences)
	scripts, err := filepath.Glob("../*.js")
	if err != nil || len(scripts) < 5 {
		t.Fatalf("the scripts are %v (%v)", scripts, err)
	}
	for _, name := range scripts {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.fromScript(t, name, string(source))
	}
	page, err := os.ReadFile("../index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:\sdata-tr|data-tr[^>]*)>(?:<span>)?([^<]+)<`).FindAllStringSubmatch(string(page), -1) {
		all[m[1]] = text{where: "index.html"}
	}
	manifest, err := os.ReadFile("../manifest.webmanifest")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\{\{\.Tr "([^"]+)"`).FindAllStringSubmatch(string(manifest), -1) {
		all[m[1]] = text{where: "manifest.webmanifest"}
	}
	return all
}

func eachGoFile(t *testing.T, dir string, f func(t *testing.T, name string, file *ast.File)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s has no source (%v)", dir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		f(t, name, file)
	}
}

// literal is a text in the source, or several that are joined.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		a, first := literal(e.X)
		b, second := literal(e.Y)
		return a + b, first && second
	}
	return "", false
}

func calls(file *ast.File, f func(name string, args []ast.Expr)) {
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			switch fun := call.Fun.(type) {
			case *ast.Ident:
				f(fun.Name, call.Args)
			case *ast.SelectorExpr:
				f(fun.Sel.Name, call.Args)
			}
		}
		return true
	})
}

func (all texts) fromProgram(t *testing.T, name string, file *ast.File) {
	t.Helper()
	calls(file, func(called string, args []ast.Expr) {
		switch called {
		case "tr", "trLater":
			if s, ok := literal(args[0]); ok {
				all[s] = text{where: name}
			} else if called == "trLater" {
				t.Errorf("%s: a text is put together", name)
			}
		case "trn":
			one, ok := literal(args[1])
			other, many := literal(args[2])
			if !ok || !many {
				t.Errorf("%s: a plural is put together", name)
				return
			}
			all[other] = text{name, one}
		}
	})
}

// fromOthers takes what the engine notes, what is said of files, and the problems that package app explains: whole, if both parts are
// constant, and by their titles.
func (all texts) fromOthers(t *testing.T, name string, file *ast.File) {
	calls(file, func(called string, args []ast.Expr) {
		switch {
		case called == "Note":
			if s, ok := literal(args[0]); ok {
				all[s] = text{where: name}
			}
		case called == "Say":
			if s, ok := literal(args[0]); ok {
				all[s] = text{where: name}
			}
		case called == "SayN":
			one, ok := literal(args[1])
			other, many := literal(args[2])
			if !ok || !many {
				t.Errorf("%s: a plural is put together", name)
				return
			}
			all[other] = text{name, one}
		case called == "NewProblem" && forPeople[codeOf(args[0])]:
			title, ok := literal(args[1])
			detail, constant := literal(args[2])
			if ok && constant && detail != "" && !ofMachines.MatchString(detail) {
				all[sentence(title+": "+detail)] = text{where: name}
			} else if ok {
				all[sentence(title)] = text{where: name}
			}
		}
	})
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if ok && isProblem(literal.Type) {
			all.fromProblem(name, literal)
		}
		return true
	})
}

// fromSentences takes what can be wrong with a field.
func (all texts) fromSentences(_ *testing.T, name string, file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		if e, ok := n.(*ast.BasicLit); ok {
			if s, ok := literal(e); ok && strings.HasPrefix(s, "{0} ") && len(s) > len("{0} ") {
				all[s] = text{where: name}
			}
		}
		return true
	})
}

func isProblem(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Problem"
}

func (all texts) fromProblem(name string, problem *ast.CompositeLit) {
	for _, e := range problem.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Title" {
			if s, ok := literal(kv.Value); ok {
				all[sentence(s)] = text{where: name}
			}
		}
	}
}

// ofMachines are details for whoever runs or programs a server. The title is enough for the others.
var ofMachines = regexp.MustCompile("`|-[a-z]+-[a-z]+|Idempotency|Retry-After|Bearer|X-")

// forPeople are the codes of problems that people meet. The others are of programs.
var forPeople = map[string]bool{
	"CodeSignIn": true, "CodeAccountDisabled": true, "CodeForbidden": true, "CodeBulkLimit": true, "CodeRateLimited": true,
	"CodeUnavailable": true, "CodeInternal": true, "CodeNotFound": true, "CodeConflict": true, "CodePrecondition": true,
}

func codeOf(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		return s.Sel.Name
	}
	return ""
}

// sentence is package app's.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[n:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

var called = regexp.MustCompile(`\b(tr|trn)\(`)

// fromScript takes the texts that a script gives to tr and trn.
func (all texts) fromScript(t *testing.T, name, source string) {
	t.Helper()
	for _, m := range called.FindAllStringSubmatchIndex(source, -1) {
		rest, isPlural := source[m[1]:], source[m[2]:m[3]] == "trn"
		before := strings.TrimRight(source[:m[0]], " ")
		if strings.HasSuffix(before, "//") || strings.HasSuffix(before, "const") || strings.HasPrefix(rest, "english") || strings.HasPrefix(rest, "n, one") {
			continue // what it is, not a call
		}
		if isPlural {
			rest = behindArgument(rest)
		}
		first, after, ok := scriptText(rest)
		if !ok {
			t.Errorf("%s: tr(%.40s… is no text", name, rest)
			continue
		}
		if !isPlural {
			all[first] = text{where: name}
			continue
		}
		other, _, ok := scriptText(strings.TrimLeft(after, ", \n"))
		if !ok {
			t.Errorf("%s: trn(…, %.40s… is no text", name, after)
		}
		all[other] = text{name, first}
	}
}

// behindArgument is what comes after the comma behind the first argument.
func behindArgument(s string) string {
	depth := 0
	for i, c := range s {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				return strings.TrimLeft(s[i+1:], " \n")
			}
		}
	}
	return ""
}

var scriptString = regexp.MustCompile(`^\s*("(?:[^"\\]|\\.)*")`)

// scriptText reads texts that are joined by "+".
func scriptText(s string) (text, rest string, ok bool) {
	for {
		m := scriptString.FindStringSubmatchIndex(s)
		if m == nil {
			return text, s, false
		}
		part, err := strconv.Unquote(s[m[2]:m[3]])
		if err != nil {
			return text, s, false
		}
		text, s = text+part, s[m[1]:]
		next, joined := strings.CutPrefix(strings.TrimLeft(s, " \n"), "+")
		if !joined {
			return text, s, true
		}
		s = next
	}
}
