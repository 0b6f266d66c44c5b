package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// operators are the flags of Gremlins' mutants. Not among them are those of bits, which
// the decisions do not use: they would turn the & of an address round.
var operators = []string{
	"--arithmetic-base", "--conditionals-boundary", "--conditionals-negation", "--increment-decrement",
	"--invert-assignments", "--invert-logical", "--invert-loopctrl", "--invert-negatives", "--remove-self-assignments",
}

// finding is a mutant in Gremlins' report.
type finding struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Type   string `json:"type"`
	Status string `json:"status"`
}

// unleash has Gremlins try its mutants on a target.
func unleash(gremlins string, t target, workers int) ([]verdict, error) {
	dir, err := os.MkdirTemp("", "gremlins")
	if err != nil {
		return nil, err
	}
	defer remove(dir)
	output := filepath.Join(dir, "report.json")
	others, err := t.excluded()
	if err != nil {
		return nil, err
	}
	// The time of a test is a multiple of the first run's, which compiles: only a test that
	// does not end takes that long.
	args := append([]string{"unleash", "--workers", strconv.Itoa(workers), "--timeout-coefficient", "10", "--output", output}, operators...)
	args = append(append(args, others...), "./"+t.dir)
	cmd := exec.Command(gremlins, args...)
	cmd.Env = append(os.Environ(), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -vet=off -run="+t.tests))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	text, err := os.ReadFile(output)
	if err != nil {
		return nil, err
	}
	return t.findings(text)
}

// excluded are the flags that keep Gremlins off the files that are not to be changed.
func (t target) excluded() ([]string, error) {
	entries, err := os.ReadDir(t.dir)
	if err != nil {
		return nil, err
	}
	var flags []string
	for _, e := range entries {
		if e.IsDir() {
			flags = append(flags, "--exclude-files", "^"+regexp.QuoteMeta(e.Name())+"/")
		} else if !t.changes(e.Name()) {
			flags = append(flags, "--exclude-files", "^"+regexp.QuoteMeta(e.Name())+"$")
		}
	}
	return flags, nil
}

// findings reads Gremlins' report. What does not compile is left out, and the conditions of
// cases, which Gremlins takes for not covered, see source.cases. What else is not covered
// is not noticed.
func (t target) findings(text []byte) ([]verdict, error) {
	var report struct {
		Files []struct {
			Name      string    `json:"file_name"`
			Mutations []finding `json:"mutations"`
		} `json:"files"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	sources, err := t.sources()
	if err != nil {
		return nil, err
	}
	byName := map[string]*source{}
	for _, s := range sources {
		byName[filepath.Base(s.path)] = s
	}
	var verdicts []verdict
	for _, file := range report.Files {
		s := byName[filepath.Base(file.Name)]
		if s == nil {
			return nil, fmt.Errorf("the report is about %s, which was not to be changed", file.Name)
		}
		for _, f := range file.Mutations {
			at := s.lineStart(f.Line) + f.Column - 1
			switch {
			case f.Status == "NOT VIABLE", f.Status == "NOT COVERED" && s.inCase(at):
			case slices.Contains([]string{"KILLED", "TIMED OUT", "LIVED", "NOT COVERED"}, f.Status):
				verdicts = append(verdicts, verdict{s.keyOf(f.Type, at), f.Status == "KILLED" || f.Status == "TIMED OUT"})
			default:
				return nil, fmt.Errorf("the report has a mutant that is %s", f.Status)
			}
		}
	}
	if len(verdicts) == 0 {
		return nil, fmt.Errorf("the report has no mutants")
	}
	return verdicts, nil
}

// operator is what Gremlins turns round.
var operator = regexp.MustCompile(`^([a-z]+|[-+*/%<>=!&|^]+)`)

func (s *source) keyOf(kind string, at int) string {
	return s.key(strings.ToLower(strings.ReplaceAll(kind, "_", " ")), at, at+len(operator.Find(s.bytes[at:])))
}

func (s *source) lineStart(line int) int {
	at := 0
	for range line - 1 {
		at += bytes.IndexByte(s.bytes[at:], '\n') + 1
	}
	return at
}
