package harness

import (
	"fmt"
	"os"
	"strings"
)

// Violation is an accessibility finding of axe-core.
type Violation struct {
	ID, Help string
	Nodes    []struct {
		HTML    string
		Summary string `json:"failureSummary"`
	}
}

func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", v.ID, v.Help)
	for _, n := range v.Nodes {
		fmt.Fprintf(&b, "\n  %.200s\n    %s", n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n    "))
	}
	return b.String()
}

// Accessibility returns the findings of axe-core, whose script is at path, on the page in
// its current state, once its animations have ended.
func (p *Page) Accessibility(path string) []Violation {
	p.t.Helper()
	p.WaitAnimations()
	if !Eval[bool](p, `"axe" in window`) {
		script, err := os.ReadFile(path)
		if err != nil {
			p.t.Fatalf("reading axe-core (make e2e installs it): %v", err)
		}
		Eval[int](p, "(() => {"+string(script)+"\nreturn 0; })()")
	}
	return Eval[[]Violation](p, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations)`)
}
