package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
)

// Go's linker describes each function for the runtime: its name, its frame, and the file
// and line of each of its instructions, which only traces of panics show. The names of
// functions outside the standard library say enough there, so the lines and the other
// names go: a twelfth of the download. The runtime knows functions without lines, and
// shows "?:0" for them; one without a name is left out of a trace.
//
// The layout is that of pcHeader and _func in package runtime. Another one is noticed by
// its magic number, and fails the build.

// tableMagic begins the runtime's table of functions: the number of its layout, two
// zeros, the size of the smallest instruction and that of a pointer.
var tableMagic = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}

const (
	tableHeader = 72 // size of pcHeader: the magic, and eight numbers of 64 bits
	// Fields of pcHeader.
	headerFunctions = 8
	headerNames     = 32 // offset of the functions' names, each with a zero behind it
	headerUnits     = 40 // offset of what leads from a function to its files, and behind it their names
	headerPrograms  = 56 // offset of what maps instructions to numbers, called pctab
	headerList      = 64 // offset of the list of functions, and behind it the functions
	// Fields of _func.
	functionFrames   = 16 // the program of its frame sizes
	functionFile     = 20
	functionLine     = 24
	functionPrograms = 28 // the number of further programs
	functionUnit     = 32
	functionStart    = 36
	functionTables   = 44 // the further programs
)

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

// dropLines takes files, lines and most names out of a program's data. What referred to
// the lines is zero, as what nobody refers to any more.
func dropLines(data []byte) error {
	table, err := functionTable(data)
	if err != nil {
		return err
	}
	number := func(at uint64) uint64 { return binary.LittleEndian.Uint64(table[at:]) }
	list, programs := table[number(headerList):], table[number(headerPrograms):number(headerList)]
	kept := make([]byte, len(programs))
	for i := range number(headerFunctions) {
		const entry = 8 // where the function begins, and where it is described
		at := uint64(binary.LittleEndian.Uint32(list[i*entry+4:]))
		if at+functionTables > uint64(len(list)) {
			return fmt.Errorf("%w: function %d is described outside the table", errWasm, i)
		}
		if err := withoutLines(list[at:], programs, kept); err != nil {
			return err
		}
	}
	copy(programs, kept)
	dropNames(table[number(headerNames):number(headerUnits)])
	clear(table[number(headerUnits):number(headerPrograms)])
	return nil
}

// dropNames leaves in a name's place as many zeros, so that the others stay where they are.
func dropNames(names []byte) {
	for name := range bytes.SplitSeq(names, []byte{0}) {
		if !keepsName(name) {
			clear(name)
		}
	}
}

// functionTable finds the table: the only one with its magic and offsets in order.
func functionTable(data []byte) ([]byte, error) {
	var found []byte
	for rest := data; ; {
		at := bytes.Index(rest, tableMagic)
		if at < 0 || len(rest)-at < tableHeader {
			break
		}
		table := rest[at:]
		rest = rest[at+len(tableMagic):]
		number := func(at int) uint64 { return binary.LittleEndian.Uint64(table[at:]) }
		functions, names, units := number(headerFunctions), number(headerNames), number(headerUnits)
		programs, list := number(headerPrograms), number(headerList)
		if names < tableHeader || units < names || programs < units || list < programs || list >= uint64(len(table)) || functions > (uint64(len(table))-list)/functionTables {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w: two tables of functions", errWasm)
		}
		found = table
	}
	if found == nil {
		return nil, fmt.Errorf("%w: no table of functions of the layout this command knows", errWasm)
	}
	return found, nil
}

// withoutLines forgets a function's lines, and copies the programs it still needs.
func withoutLines(function, programs, kept []byte) error {
	number := func(at int) uint32 { return binary.LittleEndian.Uint32(function[at:]) }
	needed := []uint32{number(functionFrames)}
	for i := range int(number(functionPrograms)) {
		needed = append(needed, number(functionTables+4*i))
	}
	for _, at := range needed {
		if at == 0 {
			continue // there is none
		}
		if at >= uint32(len(programs)) {
			return fmt.Errorf("%w: a function's program begins outside the table", errWasm)
		}
		copy(kept[at:], programs[at:int(at)+programSize(programs[at:])])
	}
	for _, field := range []int{functionFile, functionLine, functionUnit, functionStart} {
		clear(function[field : field+4])
	}
	return nil
}

// programSize is the size of a program: pairs of how far the value goes and for how many
// instructions, until the value goes no further.
func programSize(program []byte) int {
	r := reader{rest: program}
	for first := true; !r.failed; first = false {
		if r.uint() == 0 && !first {
			break
		}
		r.uint()
	}
	return len(program) - len(r.rest)
}
