package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// The layouts are those of pcHeader, _func and moduledata in package runtime. Another one is noticed by
// its magic number, or by addresses that do not fit together, and fails the build.

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
	functionNumber   = 0
	functionName     = 4
	functionFrames   = 16 // the program of its frame sizes
	functionFile     = 20
	functionLine     = 24
	functionPrograms = 28 // the number of further programs
	functionUnit     = 32
	functionStart    = 36
	functionFacts    = 43 // the number of facts
	functionTables   = 44 // the further programs, and behind them the facts
	// Fields of moduledata.
	moduleNames    = 8
	modulePrograms = 80
	moduleList     = 128
	moduleBuckets  = 152 // what leads from an instruction to its function, called findfunctab
	moduleFirst    = 160 // the first instruction, and behind it the last
	moduleFacts    = 320 // what facts are counted from, called gofunc
	moduleSize     = 328
	// An entry of the list: a function's number, and where it is described.
	listEntry = 8
)

// functions are a program's, as its runtime finds them described.
type functions struct {
	table   []byte // all that follows, from pcHeader on
	address uint64
	count   int
	// Offsets in the table.
	list, facts, buckets uint64
	// instructions is how far the buckets reach.
	instructions uint64
}

// findFunctions looks for the only table with its magic and its offsets in order, and for the
// only data of a module that lead to it.
func findFunctions(segments []segment) (*functions, error) {
	var found []*functions
	for _, s := range segments {
		for at := 0; ; at++ {
			i := bytes.Index(s.data[at:], tableMagic)
			if i < 0 {
				break
			}
			at += i
			if fs := readTable(s.data[at:], s.address+uint64(at)); fs != nil && fs.readModule(segments) {
				found = append(found, fs)
			}
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%w: %d tables of functions of the layout this command knows", errWasm, len(found))
	}
	return found[0], nil
}

func readTable(table []byte, address uint64) *functions {
	if len(table) < tableHeader {
		return nil
	}
	number := func(at int) uint64 { return binary.LittleEndian.Uint64(table[at:]) }
	count, names, units := number(headerFunctions), number(headerNames), number(headerUnits)
	programs, list := number(headerPrograms), number(headerList)
	if names < tableHeader || units < names || programs < units || list < programs || list >= uint64(len(table)) ||
		count == 0 || count > (uint64(len(table))-list)/functionTables {
		return nil
	}
	return &functions{table: table, address: address, count: int(count), list: list}
}

// readModule reports whether exactly one module has this table, and takes from it where the
// rest is.
func (fs *functions) readModule(segments []segment) bool {
	word := binary.LittleEndian.Uint64
	modules := 0
	for _, s := range segments {
		for rest := s.data; ; rest = rest[1:] {
			i := bytes.Index(rest, binary.LittleEndian.AppendUint64(nil, fs.address))
			if i < 0 || len(rest)-i < moduleSize {
				break
			}
			rest = rest[i:]
			if word(rest[moduleNames:]) != fs.address+fs.header(headerNames) ||
				word(rest[modulePrograms:]) != fs.address+fs.header(headerPrograms) || word(rest[moduleList:]) != fs.address+fs.list {
				continue
			}
			modules++
			fs.facts, fs.buckets = word(rest[moduleFacts:])-fs.address, word(rest[moduleBuckets:])-fs.address
			fs.instructions = word(rest[moduleFirst+8:]) - word(rest[moduleFirst:])
		}
	}
	size := uint64(len(fs.table))
	return modules == 1 && fs.list < fs.facts && fs.facts < fs.buckets && fs.buckets < size &&
		0 < fs.instructions && fs.instructions < 1<<32 && fs.bucketBytes() <= size-fs.buckets
}

func (fs *functions) header(at int) uint64 { return binary.LittleEndian.Uint64(fs.table[at:]) }
func (fs *functions) names() []byte        { return fs.table[fs.header(headerNames):fs.header(headerUnits)] }
func (fs *functions) units() []byte {
	return fs.table[fs.header(headerUnits):fs.header(headerPrograms)]
}
func (fs *functions) programs() []byte { return fs.table[fs.header(headerPrograms):fs.list] }

// from returns what begins with a fact.
func (fs *functions) from(fact uint32) []byte {
	return fs.table[min(fs.facts+uint64(fact), fs.buckets):fs.buckets]
}

// function is the description of one.
type function []byte

func (fs *functions) entry(i int) []byte { return fs.table[fs.list+uint64(i)*listEntry:][:listEntry] }

// function returns a description, all of whose parts are in the table.
func (fs *functions) function(i int) (function, error) {
	at := fs.list + uint64(binary.LittleEndian.Uint32(fs.entry(i)[4:]))
	if at+functionTables > fs.facts {
		return nil, fmt.Errorf("%w: function %d is described outside the table", errWasm, i)
	}
	f := function(fs.table[at:fs.facts])
	if f.size() > uint64(len(f)) || uint64(f.number(functionName)) >= uint64(len(fs.names())) {
		return nil, fmt.Errorf("%w: what function %d has is outside the table", errWasm, i)
	}
	f = f[:f.size()]
	for _, program := range f.offsets() {
		if program >= uint32(len(fs.programs())) {
			return nil, fmt.Errorf("%w: a program of function %d begins outside the table", errWasm, i)
		}
	}
	return f, nil
}

func (fs *functions) name(f function) []byte {
	name, _, _ := bytes.Cut(fs.names()[f.number(functionName):], []byte{0})
	return name
}

func (f function) number(at int) uint32 { return binary.LittleEndian.Uint32(f[at:]) }
func (f function) set(at int, n uint32) { binary.LittleEndian.PutUint32(f[at:], n) }
func (f function) programs() int        { return int(f.number(functionPrograms)) }
func (f function) facts() int           { return int(f[functionFacts]) }

// size is how long the description is, up to the next one, which is aligned.
func (f function) size() uint64 {
	return (functionTables + 4*uint64(f.number(functionPrograms)) + 4*uint64(f.facts()) + 7) &^ 7
}

// offsets are of all its programs; a zero is of none.
func (f function) offsets() []uint32 {
	all := []uint32{f.number(functionFrames)}
	for k := range f.programs() {
		all = append(all, f.program(k))
	}
	return all
}

func (f function) program(k int) uint32 {
	if k >= f.programs() {
		return 0
	}
	return f.number(functionTables + 4*k)
}

func (f function) setProgram(k int, at uint32) {
	if k < f.programs() {
		f.set(functionTables+4*k, at)
	}
}

func (f function) fact(k int) uint32 {
	if k >= f.facts() {
		return none
	}
	return f.number(functionTables + 4*f.programs() + 4*k)
}

func (f function) setFact(k int, at uint32) {
	if k < f.facts() {
		f.set(functionTables+4*f.programs()+4*k, at)
	}
}
