package api_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/rollcall/rollcall/api"
)

func TestEveryCodeHasAStatus(t *testing.T) {
	source, err := os.ReadFile("problem.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`(?m)^\tCode\w+ +Code = "(\w+)"`).FindAllSubmatch(source, -1)
	if len(codes) < 20 {
		t.Fatalf("the source names only %d codes", len(codes))
	}
	for _, m := range codes {
		code := api.Code(m[1])
		if p := api.NewProblem(code, "Title", ""); p.Status < 400 || p.Status > 599 || p.Code != code {
			t.Errorf("%s is answered with status %d, code %q", code, p.Status, p.Code)
		}
	}
}
