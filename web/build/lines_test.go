package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/internal/wasmbuild"
)

// TestAProgramWithoutLinesStillNamesItsFunctions runs one that panics, collects garbage
// beneath functions made by reflection, and walks its own stack, all by the table that was
// changed.
func TestAProgramWithoutLinesStillNamesItsFunctions(t *testing.T) {
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
		func() { fmt.Println("too deep", recover()) }()
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
	linked, served := linkedProgram(t, source), filepath.Join(t.TempDir(), "app.wasm")
	if err := rewrite(linked, served); err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string]bool{linked: true, served: false} {
		out, err := exec.CommandContext(t.Context(), "node", filepath.Join(goroot(t.Context(), t), "lib", "wasm", "wasm_exec_node.js"), name).CombinedOutput()
		text := string(out)
		if err == nil || !strings.Contains(text, "from true") || !strings.Contains(text, "recovered runtime error: index out of range") ||
			!strings.Contains(text, "main.inner(") || strings.Contains(text, "main.inner({0x") != lines || !strings.Contains(text, "main.outer.func1()") {
			t.Errorf("%s said (%v):\n%s", filepath.Base(name), err, text)
		}
		for _, want := range []string{"made by reflection 1\n", "called by reflectionmade by reflection 1\n", "goroutines 2\n", "too deep <nil>\n"} {
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

// linkedProgram is what Go makes of a source, as it does of ours.
func linkedProgram(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	name, linked := filepath.Join(dir, "main.go"), filepath.Join(dir, "linked.wasm")
	if err := writeFile(name, []byte(source)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-ldflags=-s -w"}, wasmbuild.Inlining...), "-o", linked, name)...)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return linked
}

func TestWhatNobodyNeedsIsDropped(t *testing.T) {
	fs, err := findFunctions(describe())
	if err != nil {
		t.Fatal(err)
	}
	if err := fs.dropLines(); err != nil {
		t.Fatal(err)
	}
	if got, want := string(fs.names()), "\x00main.a"+strings.Repeat("\x00", 11); got != want {
		t.Errorf("the names are %q, want %q", got, want)
	}
	if slices.Max(fs.units()) != 0 {
		t.Errorf("files are left: %v", fs.units())
	}
	if got, want := fs.programs()[:10], []byte{0, 2, 3, 0, 0, 0, 0, 2, 3, 0}; !bytes.Equal(got, want) {
		t.Errorf("the programs are %v, want %v", got, want)
	}
	// What a trace shows is gone; what is inlined in main.a is not, as recover counts it.
	if got, want := fs.table[fs.facts:fs.buckets], append(make([]byte, 24), bytes.Repeat([]byte{7}, 16)...); !bytes.Equal(got, want) {
		t.Errorf("the facts are %v, want %v", got, want)
	}
	type seen struct {
		name, frames, unsafe, inlinedAt uint32
		inlined, arguments              uint32
	}
	for i, want := range []seen{{1, 1, 0, 7, 24, none}, {0, 1, 0, 0, none, none}} {
		f, err := fs.function(i)
		if err != nil {
			t.Fatal(err)
		}
		got := seen{f.number(functionName), f.number(functionFrames), f.program(unsafePoints), f.program(inlinedAt), f.fact(inlined), f.fact(argumentsInTraces)}
		if got != want {
			t.Errorf("function %d has %v, want %v", i, got, want)
		}
	}
}

// describe returns a program of two functions. Both have a program for their frames, one for
// where they are unsafe and one for what is inlined in them.
func describe() []segment {
	const names, units, programs, list = tableHeader, 90, 98, 112
	const functions, facts, buckets, module = 136, 296, 336, 336 + 17*bucketSize
	const address = 4096
	data := make([]byte, module+moduleSize)
	long := func(at int, n uint64) { binary.LittleEndian.PutUint64(data[at:], n) }
	short := func(at int, n uint32) { binary.LittleEndian.PutUint32(data[at:], n) }
	copy(data, tableMagic)
	long(headerFunctions, 2)
	long(headerNames, names)
	long(headerUnits, units)
	long(headerPrograms, programs)
	long(headerList, list)
	copy(data[names:], "\x00main.a\x00runtime.b\x00")
	copy(data[units:], "files in")
	copy(data[programs:], []byte{0, 2, 3, 0, 2, 3, 0, 2, 3, 0}) // each: the value 0 for three instructions
	copy(data[facts:], []byte{0, 8, endOfArguments, 0, 0, 0, 0, 0})
	copy(data[facts+8:], bytes.Repeat([]byte{6}, 16))
	copy(data[facts+24:], bytes.Repeat([]byte{7}, 16))
	for i := range 2 {
		f := functions + 80*i
		short(list+8*i, uint32(9+i))
		short(list+8*i+4, uint32(f-list))
		short(f+functionNumber, uint32(9+i))
		short(f+functionName, uint32(1+7*i))
		short(f+functionFrames, 1)
		short(f+functionLine, 4)
		short(f+functionPrograms, 3)
		data[f+functionFacts] = 6
		short(f+functionTables+4*unsafePoints, 4)
		short(f+functionTables+4*inlinedAt, 7)
		for k, at := range []uint32{none, none, none, uint32(24 - 16*i), none, 0} {
			short(f+functionTables+12+4*k, at)
		}
	}
	short(buckets+16*bucketSize, 1)
	long(module, address)
	long(module+moduleNames, address+names)
	long(module+modulePrograms, address+programs)
	long(module+moduleList, address+list)
	long(module+moduleBuckets, address+buckets)
	long(module+moduleFirst+8, 1<<16+1)
	long(module+moduleFacts, address+facts)
	return []segment{{address, data}}
}

func TestAnotherLayoutIsRefused(t *testing.T) {
	const list, functions, buckets, module = 112, 136, 336, 336 + 17*bucketSize
	shrunk := func(segments []segment) error {
		_, _, err := shrinkData(writeSegments(segments))
		return err
	}
	if err := shrunk(describe()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(data []byte) []byte{
		"no table":                func([]byte) []byte { return nil },
		"a newer layout":          func(data []byte) []byte { data[0]++; return data },
		"two":                     func(data []byte) []byte { return append(bytes.Clone(data), data...) },
		"names in the header":     func(data []byte) []byte { data[headerNames]--; return data },
		"files before names":      func(data []byte) []byte { data[headerUnits] = tableHeader - 1; return data },
		"programs before files":   func(data []byte) []byte { data[headerPrograms]--; return data },
		"too many functions":      func(data []byte) []byte { data[headerFunctions] = 99; return data },
		"no functions":            func(data []byte) []byte { data[headerFunctions] = 0; return data },
		"a function outside":      func(data []byte) []byte { data[list+5] = 100; return data },
		"a program outside":       func(data []byte) []byte { data[functions+functionFrames] = 99; return data },
		"a name outside":          func(data []byte) []byte { data[functions+functionName] = 99; return data },
		"too many facts":          func(data []byte) []byte { data[functions+functionFacts] = 99; return data },
		"endless arguments":       func(data []byte) []byte { data[buckets-38] = 0; return data },
		"inlined calls outside":   func(data []byte) []byte { data[list-14+7] = 50; return data },
		"no module":               func(data []byte) []byte { data[module]--; return data },
		"a module with more":      func(data []byte) []byte { data[module+moduleNames]--; return data },
		"facts before functions":  func(data []byte) []byte { data[module+moduleFacts+1] = 0; return data },
		"buckets before facts":    func(data []byte) []byte { data[module+moduleBuckets+1] = 0; return data },
		"too many buckets":        func(data []byte) []byte { data[module+moduleFirst+11] = 1; return data },
		"functions in disorder":   func(data []byte) []byte { data[list]++; return data },
		"another number":          func(data []byte) []byte { data[functions]++; return data },
		"a gap between functions": func(data []byte) []byte { data[functions+functionFacts] -= 2; return data },
		"a bucket of two":         func(data []byte) []byte { data[buckets+bucketSize+8] = 1; return data },
		"another bucket":          func(data []byte) []byte { data[buckets+bucketSize] = 1; return data },
	} {
		if err := shrunk([]segment{{4096, spoil(describe()[0].data)}}); !errors.Is(err, errWasm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
