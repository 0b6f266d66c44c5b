// Mutation tests the tests of the pure decisions: it changes the code in one place after
// the other and runs the package's own tests, which must notice. Gremlins turns operators
// round; this program takes out statements, conditions, cases, fields, results and calls,
// which Gremlins does not.
//
// It fails if less than 95 % are noticed, if a mutant that is not in equivalent.txt goes
// unnoticed, and if equivalent.txt has one that is gone or is noticed.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// leastNoticed is the share of the mutants, in percent, that the tests must notice.
const leastNoticed = 95

// target is a package whose decisions are pure.
type target struct {
	dir   string
	files []string // those to change; all if there are none
	tests string   // the tests that judge, see go test -run; all if empty
}

var targets = []target{
	{dir: "wasm/queue"},
	{dir: "wasm/sync", files: []string{"resolve.go"}, tests: "Resolve|Merge|ParseStrategy"},
	{dir: "server/store", files: []string{"decide.go"}},
}

// tally counts the verdicts on one target's mutants by one tool.
type tally struct {
	dir, tool  string
	noticed    int
	equivalent int
	missed     []string
}

func main() {
	log.SetFlags(0)
	gremlins := flag.String("gremlins", "", "the gremlins program; without it, only this program's own mutants are tried")
	only := flag.String("only", "", "try only mutants whose line in the report matches; equivalent.txt need not be used up")
	workers := flag.Int("workers", runtime.NumCPU(), "how many tests run at once")
	flag.Parse()
	if err := run(*gremlins, *only, *workers); err != nil {
		log.Fatalf("mutation: %v", err)
	}
}

func run(gremlins, only string, workers int) error {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	known, err := readEquivalent("internal/mutation/equivalent.txt")
	if err != nil {
		return err
	}
	var tallies []tally
	for _, t := range targets {
		own, err := judge(t, chosen, workers)
		if err != nil {
			return fmt.Errorf("%s: %w", t.dir, err)
		}
		tallies = append(tallies, count(t.dir, "own", own, known))
		if gremlins == "" {
			continue
		}
		others, err := unleash(gremlins, t, workers)
		if err != nil {
			return fmt.Errorf("%s: gremlins: %w", t.dir, err)
		}
		others = slices.DeleteFunc(others, func(v verdict) bool { return !chosen.MatchString(v.key) })
		tallies = append(tallies, count(t.dir, "Gremlins", others, known))
	}
	report(tallies)
	return failure(tallies, known, only == "" && gremlins != "")
}

// verdict says whether the tests noticed a mutant.
type verdict struct {
	key     string
	noticed bool
}

func count(dir, tool string, verdicts []verdict, known equivalents) tally {
	t := tally{dir: dir, tool: tool}
	for _, v := range verdicts {
		switch {
		case v.noticed:
			t.noticed++
		case known.use(v.key):
			t.equivalent++
		default:
			t.missed = append(t.missed, v.key)
		}
	}
	return t
}

func (t tally) all() int { return t.noticed + t.equivalent + len(t.missed) }

func report(tallies []tally) {
	fmt.Print("| package | tool | mutants | noticed | equivalent | missed |\n|---|---|---|---|---|---|\n")
	for _, t := range tallies {
		fmt.Printf("| `%s` | %s | %d | %d | %d | %d |\n", t.dir, t.tool, t.all(), t.noticed, t.equivalent, len(t.missed))
	}
	for _, t := range tallies {
		for _, key := range t.missed {
			fmt.Println("missed:", key)
		}
	}
}

// failure says what is wrong with the tests or with the list; nil if nothing is.
func failure(tallies []tally, known equivalents, whole bool) error {
	var wrong []string
	var noticed, all, missed int
	for _, t := range tallies {
		noticed, all, missed = noticed+t.noticed, all+t.all(), missed+len(t.missed)
	}
	fmt.Printf("noticed: %d of %d, %.1f %%\n", noticed, all, 100*float64(noticed)/float64(max(all, 1)))
	if missed > 0 {
		wrong = append(wrong, fmt.Sprintf("the tests missed %d mutants: write a test that fails with each, "+
			"or say in equivalent.txt why it changes nothing", missed))
	}
	if noticed*100 < all*leastNoticed {
		wrong = append(wrong, fmt.Sprintf("less than %d %% of the mutants were noticed", leastNoticed))
	}
	if unused := known.unused(); whole && len(unused) > 0 {
		wrong = append(wrong, "equivalent.txt has mutants that are gone, or that tests notice; take them out:\n"+strings.Join(unused, "\n"))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// sources parses the target's files.
func (t target) sources() ([]*source, error) {
	names, err := filepath.Glob(filepath.Join(t.dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var sources []*source
	for _, name := range names {
		if !t.changes(filepath.Base(name)) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		s, err := parse(filepath.ToSlash(name), text)
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("no such files")
	}
	return sources, nil
}

// changes reports whether a file of the target's directory is to be changed.
func (t target) changes(name string) bool {
	return !strings.HasSuffix(name, "_test.go") && (len(t.files) == 0 || slices.Contains(t.files, name))
}
