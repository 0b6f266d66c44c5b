package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAProgramWithoutLinesStillNamesItsFunctions runs one that panics, collects garbage
// beneath functions made by reflection, and walks its own stack, all by the table that was
// changed.
func TestAProgramWithoutLinesStillNamesItsFunctions(t *testing.T) {
	dir := t.TempDir()
	source := `package main

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
)

func main() {
	made := reflect.MakeFunc(reflect.TypeFor[func(*string) *string](), func(args []reflect.Value) []reflect.Value {
		grow(200)
		runtime.GC()
		return args
	}).Interface().(func(*string) *string)
	text := fmt.Sprint("made by reflection ", len(os.Args))
	fmt.Println(*made(&text))
	method := reflect.ValueOf(person{&text}).Method(0).Interface().(func(*string) string)
	fmt.Println(method(new(fmt.Sprint("called by reflection"))))
	fmt.Println("goroutines", runtime.NumGoroutine())
	slices.SortFunc([]int{1, 2}, func(int, int) int { outer(map[string][]int{"a": {1}}); return 0 })
}

type person struct{ name *string }

func (p person) Greet(text *string) string {
	grow(200)
	runtime.GC()
	return *text + *p.name
}

func outer(m map[string][]int) {
	defer func() {
		pc, file, line, ok := runtime.Caller(1)
		fmt.Println("from", runtime.FuncForPC(pc) != nil, file, line, ok)
		for range 3 {
			grow(200)
			runtime.GC()
		}
		fmt.Println("recovered", recover())
		inner(m["none"])
	}()
	inner(nil)
}

func grow(n int) [64]int {
	if n == 0 {
		return [64]int{}
	}
	a := grow(n - 1)
	a[n%64]++
	return a
}

func inner(s []int) { fmt.Fprintln(os.Stdout, s[len(os.Args)]) }
`
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	linked, served := filepath.Join(dir, "linked.wasm"), filepath.Join(dir, "app.wasm")
	run := func(name string, args ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
		return cmd.CombinedOutput()
	}
	if out, err := run("go", "build", "-ldflags=-s -w", "-gcflags=all=-l", "-o", linked, filepath.Join(dir, "main.go")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := rewrite(linked, served); err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string]bool{linked: true, served: false} {
		out, err := run("node", filepath.Join(goroot(t.Context(), t), "lib", "wasm", "wasm_exec_node.js"), name)
		text := string(out)
		if err == nil || !strings.Contains(text, "from true") || !strings.Contains(text, "recovered runtime error: index out of range") ||
			!strings.Contains(text, "main.inner(") || !strings.Contains(text, "main.outer.func1()") {
			t.Errorf("%s said (%v):\n%s", filepath.Base(name), err, text)
		}
		for _, want := range []string{"made by reflection 1\n", "called by reflectionmade by reflection 1\n", "goroutines 2\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s did not say %q:\n%s", filepath.Base(name), want, text)
			}
		}
		if strings.Contains(text, "main.go:") != lines || strings.Contains(text, "slices.") != lines {
			t.Errorf("%s said:\n%s", filepath.Base(name), text)
		}
	}
}

func goroot(ctx context.Context, t *testing.T) string {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestAnotherTableOfFunctionsIsRefused(t *testing.T) {
	table := make([]byte, 200)
	copy(table, tableMagic)
	set := func(at int, n uint64) { binary.LittleEndian.PutUint64(table[at:], n) }
	set(headerFunctions, 1)
	set(headerNames, tableHeader)
	set(headerUnits, tableHeader)
	set(headerPrograms, tableHeader)
	set(headerList, 80)
	set(84, 16) // the description of the only function
	if err := dropLines(bytes.Clone(table)); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(data []byte) []byte{
		"no table":              func([]byte) []byte { return nil },
		"a newer layout":        func(data []byte) []byte { data[0]++; return data },
		"two":                   func(data []byte) []byte { return append(bytes.Clone(data), data...) },
		"names in the header":   func(data []byte) []byte { data[headerNames]--; return data },
		"files before names":    func(data []byte) []byte { data[headerUnits]--; return data },
		"programs before files": func(data []byte) []byte { data[headerPrograms]--; return data },
		"too many functions":    func(data []byte) []byte { data[headerFunctions] = 9; return data },
		"a function outside":    func(data []byte) []byte { data[84] = 100; return data },
		"a program outside":     func(data []byte) []byte { data[96+functionFrames] = 8; return data },
	} {
		if err := dropLines(spoil(bytes.Clone(table))); !errors.Is(err, errWasm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
