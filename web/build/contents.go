package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ledger is what a program is made of.
type ledger struct {
	code map[string]int // bytes of functions by package
	data int            // tables, texts, and the runtime's records of each function
}

// functionNames is a part of the custom section "name".
const functionNames = 1

// elsewhere collects what belongs to no package: comparisons of types, entry points.
const elsewhere = "(generated)"

// contents compiles the program with its functions' names and says what is in it.
func contents(ctx context.Context, dir string, w io.Writer) error {
	sources, err := trim(ctx, dir)
	if err != nil {
		return err
	}
	named := filepath.Join(dir, "named.wasm")
	if err := link(ctx, sources, program, "-w", named); err != nil {
		return err
	}
	wasm, err := os.ReadFile(named)
	if err != nil {
		return err
	}
	packages, err := sources.command(ctx, "list", "-deps", program).Output()
	if err != nil {
		return fmt.Errorf("listing the packages: %w", err)
	}
	l, err := readLedger(wasm, strings.Fields(string(packages)))
	if err != nil {
		return err
	}
	return l.print(w)
}

// print writes a Markdown table, the largest package first.
func (l ledger) print(w io.Writer) error {
	total := 0
	for _, n := range l.code {
		total += n
	}
	if _, err := fmt.Fprintf(w, "Code %d kB, data %d kB, before compression.\n\n| package | kB of code | share |\n|---|---|---|\n", total/1000, l.data/1000); err != nil {
		return err
	}
	for _, p := range slices.SortedFunc(maps.Keys(l.code), func(a, b string) int {
		return cmp.Or(cmp.Compare(l.code[b], l.code[a]), cmp.Compare(a, b))
	}) {
		if _, err := fmt.Fprintf(w, "| `%s` | %.1f | %.1f %% |\n", p, float64(l.code[p])/1000, 100*float64(l.code[p])/float64(total)); err != nil {
			return err
		}
	}
	return nil
}

func readLedger(wasm []byte, packages []string) (ledger, error) {
	sections, err := readSections(wasm)
	if err != nil {
		return ledger{}, err
	}
	l := ledger{code: map[string]int{}}
	var sizes []int
	var names map[int]string
	imported := 0
	for _, s := range sections {
		r := reader{rest: s.body}
		switch s.id {
		case importSection:
			imported = int(r.uint())
		case codeSection:
			for range r.uint() {
				sizes = append(sizes, len(r.bytes()))
			}
		case dataSection:
			l.data = len(s.body)
		case customSection:
			if string(r.bytes()) == "name" {
				names = readNames(&r)
			}
		}
		if r.failed {
			return ledger{}, errWasm
		}
	}
	packageOf := resolver(packages)
	for i, size := range sizes {
		l.code[packageOf(names[imported+i])] += size
	}
	return l, nil
}

func readNames(r *reader) map[int]string {
	names := map[int]string{}
	for len(r.rest) > 0 {
		id, part := r.byte(), reader{rest: r.bytes()}
		if id != functionNames {
			continue
		}
		for range part.uint() {
			index := part.uint()
			names[int(index)] = string(part.bytes())
		}
		r.failed = r.failed || part.failed
	}
	return names
}

// notInNames is what Go's linker writes as "_" in the names of functions.
var notInNames = regexp.MustCompile(`[^\w.]`)

// resolver finds the package of a function by its name. A package whose path begins with
// another's is tried first.
func resolver(packages []string) func(function string) string {
	packages = slices.SortedFunc(slices.Values(packages), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return func(function string) string {
		for _, p := range packages {
			if strings.HasPrefix(function, notInNames.ReplaceAllString(p, "_")+".") {
				return p
			}
		}
		return elsewhere
	}
}
