package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// equivalents are the mutants that change nothing a test could notice, by key; the value
// is how many of this key have not been met yet.
type equivalents map[string]int

// readEquivalent reads a list of mutants, each followed by an indented reason. Empty lines
// and lines with # are left out.
func readEquivalent(path string) (equivalents, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	known := equivalents{}
	unexplained := ""
	for line := range strings.Lines(string(text)) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "\t"):
			unexplained = ""
		case unexplained != "":
			return nil, fmt.Errorf("%s: no reason is given for %s", path, unexplained)
		default:
			known[trimmed]++
			unexplained = trimmed
		}
	}
	if unexplained != "" {
		return nil, fmt.Errorf("%s: no reason is given for %s", path, unexplained)
	}
	return known, nil
}

// use reports whether the list has a mutant, and takes it off.
func (e equivalents) use(key string) bool {
	if e[key] == 0 {
		return false
	}
	e[key]--
	return true
}

func (e equivalents) unused() []string {
	var keys []string
	for key, n := range e {
		if n > 0 {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
