package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// Go's linker describes each function for the runtime: its name, its frame, the file and
// line of each of its instructions, what its arguments look like in a trace, where a
// thread may be stopped by a signal, and which functions are inlined in it. The names of
// functions outside the standard library say enough in a trace, and wasm has neither
// threads nor signals. So the rest goes, an eighth of the download. The runtime knows
// functions without all that, and shows "main.f() ?:0"; one without a name is left out of
// a trace.
//
// Which functions are inlined matters to recover, which counts frames. So only the
// runtime's own functions forget it: they recover from nothing.

// neededNames are of functions that the runtime itself knows by name: stubs whose
// arguments the collector looks for elsewhere, and the bodies of the system's goroutines,
// which are told from the program's by where they are from.
var neededNames = regexp.MustCompile(`^(reflect\.(makeFuncStub|methodValueCall)|` +
	`runtime\.(.*\.gowrap\d+|forcegchelper|gcBgMarkWorker|runFinalizers|runCleanups|updateMaxProcsGoroutine))$`)

// keepsName reports whether a function keeps its name: the program's own do, and those of
// modules, whose paths begin with a domain.
func keepsName(name []byte) bool {
	path, _, inFolder := bytes.Cut(name, []byte("/"))
	return bytes.HasPrefix(name, []byte("main.")) || inFolder && bytes.Contains(path, []byte(".")) || neededNames.Match(name)
}

// Programs map the instructions of a function to numbers; facts are addressed by those, or
// are of the whole function. They are known by their place in its description.
const (
	unsafePoints       = 0
	inlinedAt          = 2
	liveArgumentsAt    = 3
	inlined            = 3
	argumentsInTraces  = 5
	liveArguments      = 6
	inlinedSize        = 16   // of each inlined call
	endOfArguments     = 0xff // behind what a trace shows of them
	none               = ^uint32(0)
	namesOfTheRuntime  = "runtime."
	namesBelowInternal = "internal/runtime/"
)

// dropLines takes what nobody needs out of the descriptions. What referred to it is zero, or none.
func (fs *functions) dropLines() error {
	programs, kept := fs.programs(), make([]byte, len(fs.programs()))
	needed := map[uint32]bool{} // facts, by where they are
	var dropped []fact
	for i := range fs.count {
		f, err := fs.function(i)
		if err != nil {
			return err
		}
		d, err := fs.forget(f)
		if err != nil {
			return err
		}
		dropped = append(dropped, d...)
		for k := range f.facts() {
			needed[f.fact(k)] = true
		}
		for _, at := range f.offsets() {
			if at != 0 {
				copy(kept[at:], programs[at:int(at)+programSize(programs[at:])])
			}
		}
	}
	for _, d := range dropped {
		if !needed[d.at] {
			clear(fs.table[fs.facts+uint64(d.at):][:d.size])
		}
	}
	copy(programs, kept)
	dropNames(fs.names())
	clear(fs.units())
	return nil
}

// fact is where one is, and how many bytes it has.
type fact struct {
	at   uint32
	size int
}

// forget drops what nobody needs of a function, and returns the facts that it has no more.
func (fs *functions) forget(f function) ([]fact, error) {
	name := fs.name(f)
	var dropped []fact
	drop := func(kind, size int) {
		dropped = append(dropped, fact{f.fact(kind), size})
		f.setFact(kind, none)
	}
	if at := f.fact(argumentsInTraces); at != none {
		size := 1 + bytes.IndexByte(fs.from(at), endOfArguments)
		if size == 0 {
			return nil, fmt.Errorf("%w: the arguments of %s have no end", errWasm, name)
		}
		drop(argumentsInTraces, size)
	}
	if f.fact(liveArguments) != none {
		drop(liveArguments, 0)
	}
	ofRuntime := strings.HasPrefix(string(name), namesOfTheRuntime) || strings.HasPrefix(string(name), namesBelowInternal)
	if at := f.fact(inlined); at != none && ofRuntime {
		size := 0
		if program := f.program(inlinedAt); program != 0 {
			size = inlinedSize * (1 + highest(fs.programs()[program:]))
		}
		if size > len(fs.from(at)) {
			return nil, fmt.Errorf("%w: %s has inlined calls outside the table", errWasm, name)
		}
		drop(inlined, size)
		f.setProgram(inlinedAt, 0)
	}
	f.setProgram(unsafePoints, 0)
	f.setProgram(liveArgumentsAt, 0)
	for _, field := range []int{functionFile, functionLine, functionUnit, functionStart} {
		f.set(field, 0)
	}
	if !keepsName(name) {
		f.set(functionName, 0)
	}
	return dropped, nil
}

// dropNames leaves in a name's place as many zeros, so that the others stay where they are.
func dropNames(names []byte) {
	for name := range bytes.SplitSeq(names, []byte{0}) {
		if !keepsName(name) {
			clear(name)
		}
	}
}

// programSize is the size of a program: pairs of how far the value goes and for how many
// instructions, until the value goes no further.
func programSize(program []byte) int {
	r := reader{rest: program}
	eachValue(&r, func(int) {})
	return len(program) - len(r.rest)
}

// highest is the highest value of a program.
func highest(program []byte) int {
	n := -1
	eachValue(&reader{rest: program}, func(value int) { n = max(n, value) })
	return n
}

func eachValue(r *reader, visit func(int)) {
	value := -1
	for first := true; !r.failed; first = false {
		step := int(r.uint())
		if step == 0 && !first {
			return
		}
		value += step>>1 ^ -(step & 1)
		visit(value)
		r.uint()
	}
}
