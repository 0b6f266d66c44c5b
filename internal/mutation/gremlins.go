package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	args := append([]string{"unleash", "--workers", strconv.Itoa(workers), "--timeout-coefficient", "20", "--output", output}, operators...)
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

// findings reads Gremlins' report. What it calls not viable is left out; what no test
// covers is not noticed.
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
			switch f.Status {
			case "KILLED", "TIMED OUT":
				verdicts = append(verdicts, verdict{s.keyOf(f), true})
			case "LIVED", "NOT COVERED":
				verdicts = append(verdicts, verdict{s.keyOf(f), false})
			case "NOT VIABLE":
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

func (s *source) keyOf(f finding) string {
	start := s.lineStart(f.Line) + f.Column - 1
	end := start + len(operator.Find(s.bytes[start:]))
	return s.key(strings.ToLower(strings.ReplaceAll(f.Type, "_", " ")), start, end)
}

func (s *source) lineStart(line int) int {
	at := 0
	for range line - 1 {
		at += bytes.IndexByte(s.bytes[at:], '\n') + 1
	}
	return at
}
