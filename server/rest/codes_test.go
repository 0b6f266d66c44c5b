package rest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/contracttest"
)

// TestEveryCodeIsInTheContract: the codes of the source have a status, without which they
// would be answered 0, and are those of the contract.
func TestEveryCodeIsInTheContract(t *testing.T) {
	codes := declaredCodes(t)
	if len(codes) < 20 {
		t.Fatalf("only %d codes found: %v", len(codes), codes)
	}
	promised := map[api.Code]bool{}
	for _, c := range contracttest.Load(t).Doc.Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		promised[api.Code(c.(string))] = true
	}
	for _, code := range codes {
		if status := code.Status(); status < 400 || status > 599 {
			t.Errorf("code %s has status %d", code, status)
		}
		if !promised[code] {
			t.Errorf("code %s is not in the contract", code)
		}
		delete(promised, code)
	}
	if len(promised) > 0 {
		t.Errorf("the contract has codes that nobody answers: %v", promised)
	}
}

func declaredCodes(t *testing.T) (codes []api.Code) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../../api/problem.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		kind, ok := spec.Type.(*ast.Ident)
		if !ok || kind.Name != "Code" {
			return true
		}
		for _, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, api.Code(text))
		}
		return true
	})
	return codes
}
