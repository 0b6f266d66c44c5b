// Fuzzing runs every fuzz target of the module, one after the other, goes on after one
// that fails, and ends with a table of what each has tried. It fails if one has failed.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// target is a fuzz target: a function of a package.
type target struct{ dir, name string }

// outcome is what became of a target. It has failed if failure says how.
type outcome struct {
	target
	executions int
	failure    string
}

// shortening is how long an input that reaches new code may be shortened before the next
// is tried. Go's minute of it for each takes up most of a run.
const shortening = "1s"

func main() {
	log.SetFlags(0)
	each := flag.Duration("time", 10*time.Second, "how long each target runs")
	only := flag.String("only", "", "run only targets whose directory and name match")
	workers := flag.Int("workers", runtime.NumCPU(), "how many processes fuzz at once")
	flag.Parse()
	if err := run(*each, *only, *workers); err != nil {
		log.Fatalf("fuzzing: %v", err)
	}
}

func run(each time.Duration, only string, workers int) error {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	targets, err := find(os.DirFS("."))
	if err != nil {
		return err
	}
	targets = slices.DeleteFunc(targets, func(t target) bool { return !chosen.MatchString(t.dir + " " + t.name) })
	if len(targets) == 0 {
		return errors.New("there are no such targets")
	}
	var outcomes []outcome
	for _, t := range targets {
		// Progress goes to stderr: what is on stdout is for the document.
		fmt.Fprintln(os.Stderr, t.dir, t.name)
		args := []string{"test", "-run", "^$", "-fuzz", "^" + t.name + "$", "-fuzztime", each.String(),
			"-fuzzminimizetime", shortening, "-parallel", strconv.Itoa(workers), "./" + t.dir}
		var out bytes.Buffer
		cmd := exec.Command("go", args...)
		cmd.Stdout = io.MultiWriter(os.Stderr, &out)
		cmd.Stderr = cmd.Stdout
		err := cmd.Run()
		outcomes = append(outcomes, t.judged(out.String(), err))
	}
	table, err := report(each, outcomes)
	fmt.Print(table)
	return err
}

var declaration = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// find returns the targets of a module in the order of their directories.
func find(module fs.FS) ([]target, error) {
	var targets []target
	err := fs.WalkDir(module, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(module, path)
		if err != nil {
			return err
		}
		for _, match := range declaration.FindAllSubmatch(text, -1) {
			targets = append(targets, target{filepath.ToSlash(filepath.Dir(path)), string(match[1])})
		}
		return nil
	})
	return targets, err
}

var (
	executed = regexp.MustCompile(`execs: (\d+)`)
	written  = regexp.MustCompile(`Failing input written to (\S+)`)
)

// judged says what a run of the target has shown. A run that ends with no more than its
// deadline has found nothing: Go reports that now and then on a busy machine
// (golang/go#51484). Whatever a target finds is written to a file.
func (t target) judged(out string, err error) outcome {
	o := outcome{target: t}
	if all := executed.FindAllStringSubmatch(out, -1); len(all) > 0 {
		o.executions, _ = strconv.Atoi(all[len(all)-1][1]) // digits
	}
	input := written.FindStringSubmatch(out)
	switch {
	case err == nil:
	case input != nil:
		o.failure = "fails with " + input[1]
	case o.executions == 0 || !strings.Contains(out, "\n    context deadline exceeded\n"):
		o.failure = "failed, see its output: " + err.Error()
	}
	return o
}

// report makes a table of the outcomes. Its error names those that failed.
func report(each time.Duration, outcomes []outcome) (string, error) {
	var table strings.Builder
	fmt.Fprintf(&table, "| fuzz target, for %v each | executions | found |\n|---|---|---|\n", each)
	var failed []string
	for _, o := range outcomes {
		found := "nothing"
		if o.failure != "" {
			found = o.failure
			failed = append(failed, fmt.Sprintf("%s %s %s", o.dir, o.name, o.failure))
		}
		fmt.Fprintf(&table, "| `%s` %s | %d | %s |\n", o.dir, o.name, o.executions, found)
	}
	if len(failed) > 0 {
		return table.String(), fmt.Errorf("%d of %d targets failed:\n%s", len(failed), len(outcomes), strings.Join(failed, "\n"))
	}
	return table.String(), nil
}
