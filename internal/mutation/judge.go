package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// testTimeout ends a test that a mutant keeps from ending; that counts as noticed.
const testTimeout = time.Minute

// judge runs a target's tests with each of its own mutants. Mutants that do not compile
// are left out.
func judge(t target, chosen *regexp.Regexp, workers int) ([]verdict, error) {
	sources, err := t.sources()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return nil, err
	}
	defer remove(dir)
	mutants := map[int]mutant{} // by number, from 1 on: 0 is the code as it is
	for _, s := range sources {
		for _, m := range s.mutants() {
			if chosen.MatchString(m.key) {
				mutants[len(mutants)+1] = m
			}
		}
	}
	if len(mutants) == 0 {
		return nil, nil
	}
	test := filepath.Join(dir, "test")
	if err := buildAll(t, sources, mutants, test); err != nil {
		return nil, err
	}
	if out, err := t.test(test, 0); err != nil {
		return nil, fmt.Errorf("the tests fail without a mutant: %w\n%s", err, out)
	}
	return t.testAll(test, mutants, workers)
}

func remove(dir string) {
	if err := os.RemoveAll(dir); err != nil {
		log.Print(err)
	}
}

// buildAll builds the target's tests with all mutants in, and takes those that do not
// compile off.
func buildAll(t target, sources []*source, mutants map[int]mutant, test string) error {
	for {
		overlay, err := writeOverlay(t, sources, mutants, filepath.Dir(test))
		if err != nil {
			return err
		}
		// -e: the compiler names all errors, not only the first ten.
		build := exec.Command("go", "test", "-c", "-vet=off", "-gcflags=-e", "-overlay", overlay, "-o", test, "./"+t.dir)
		out, err := build.CombinedOutput()
		if err == nil {
			return nil
		}
		before := len(mutants)
		for _, match := range broken.FindAllSubmatch(out, -1) {
			if n, err := strconv.Atoi(string(match[1])); err == nil {
				delete(mutants, n)
			}
		}
		if len(mutants) == before {
			return fmt.Errorf("build the tests: %w\n%s", err, out)
		}
	}
}

// broken finds the mutants in the compiler's errors, see schemata.
var broken = regexp.MustCompile(`mutant(\d+):\d+:`)

// writeOverlay writes the sources with their mutants, and the file that has go build use
// them.
func writeOverlay(t target, sources []*source, mutants map[int]mutant, dir string) (string, error) {
	replace := map[string]string{}
	put := func(path string, text []byte) error {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		replace[absolute] = filepath.Join(dir, filepath.Base(path))
		return os.WriteFile(replace[absolute], text, 0o600)
	}
	for _, s := range sources {
		if err := put(s.path, s.schemata(mutants)); err != nil {
			return "", err
		}
	}
	if err := put(filepath.Join(t.dir, "mutation_selector.go"), selector(sources[0].file.Name.Name)); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

func (t target) testAll(test string, mutants map[int]mutant, workers int) ([]verdict, error) {
	var (
		verdicts []verdict
		failed   error
		mu       sync.Mutex
		wg       sync.WaitGroup
		numbers  = make(chan int)
	)
	for range workers {
		wg.Go(func() {
			for n := range numbers {
				_, err := t.test(test, n)
				var exit *exec.ExitError
				mu.Lock()
				verdicts = append(verdicts, verdict{mutants[n].key, err != nil})
				if err != nil && !errors.As(err, &exit) {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	for n := range mutants {
		numbers <- n
	}
	close(numbers)
	wg.Wait()
	slices.SortFunc(verdicts, func(a, b verdict) int { return strings.Compare(a.key, b.key) })
	return verdicts, failed
}

// test runs the target's tests with one mutant; an error of *exec.ExitError says that they
// noticed. Property tests draw the same each time, and say at once that they fail.
func (t target) test(test string, number int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout+10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, test, "-test.failfast", "-test.timeout="+testTimeout.String(), "-test.run="+t.tests,
		"-rapid.seed=1", "-rapid.nofailfile", "-rapid.shrinktime=0s")
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), environment+"="+strconv.Itoa(number))
	return cmd.CombinedOutput()
}
