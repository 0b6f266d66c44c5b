package main

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// The descriptions of functions say again what follows from their order: the number of each, where it is
// described, where its name is, and for every 4096 instructions the function they belong
// to, 2.2 MB. A compressor sees only that no number comes twice. So these numbers are
// taken out of the file, and the program writes them before it begins: in its start
// function, which WebAssembly calls when it instantiates a program.

const (
	// These are of findfuncbucket in package runtime: a function's number, and what is to be
	// added for each part of the bucket. As each function takes 1 << 16 places for
	// instructions, a bucket is of one function, and nothing is ever added.
	bucketSize  = 20
	bucketReach = 4096
	partReach   = 256
	perFunction = 1 << 16 / bucketReach
)

func (fs *functions) bucketCount() uint64 { return (fs.instructions + bucketReach - 1) / bucketReach }

// bucketBytes is the size of all buckets. The last one has no more parts than it needs.
func (fs *functions) bucketBytes() uint64 {
	return 4*fs.bucketCount() + (fs.instructions+partReach-1)/partReach
}

// takeOut clears what the program can write itself, and returns the body of the function that does. It
// fails if that would be something else.
func (fs *functions) takeOut() ([]byte, error) {
	first, firstPlace := binary.LittleEndian.Uint32(fs.entry(0)), binary.LittleEndian.Uint32(fs.entry(0)[4:])
	place, name := firstPlace, uint32(0)
	for i := range fs.count {
		f, err := fs.function(i)
		if err != nil {
			return nil, err
		}
		number, entry := first+uint32(i), fs.entry(i)
		if binary.LittleEndian.Uint32(entry) != number || f.number(functionNumber) != number || binary.LittleEndian.Uint32(entry[4:]) != place {
			return nil, fmt.Errorf("%w: function %d is not the next one", errWasm, i)
		}
		place += uint32(len(f))
		f.set(functionNumber, 0)
		// The way from one name to the next. Who has the name of the one before has none.
		if at := f.number(functionName); at != 0 {
			f.set(functionName, at-name)
			name = at
		}
	}
	buckets, i := fs.table[fs.buckets:][:fs.bucketBytes()], uint32(0)
	for bucket := range slices.Chunk(buckets, bucketSize) {
		if binary.LittleEndian.Uint32(bucket) != i/perFunction || slices.Max(bucket[4:]) != 0 {
			return nil, fmt.Errorf("%w: bucket %d is not of one function", errWasm, i)
		}
		i++
	}
	clear(fs.table[fs.list:][:listEntry*fs.count])
	clear(buckets)
	return fs.startFunction(first, firstPlace), nil
}

// startFunction puts back what takeOut has taken out.
func (fs *functions) startFunction(first, firstPlace uint32) []byte {
	const i, at, name = 0, 1, 2 // local variables
	list, buckets := uint32(fs.address+fs.list), uint32(fs.address+fs.buckets)
	entry := slices.Concat(get(i), number(listEntry), []byte{mul})
	function := slices.Concat(get(i), number(first), []byte{add})
	return slices.Concat(
		[]byte{1, 3, i32}, // three local variables of one type, all zero
		number(list+firstPlace), set(at),
		repeat(i, uint32(fs.count),
			entry, function, store(list),
			entry, get(at), number(list), []byte{sub}, store(list+4),
			get(at), function, store(functionNumber),
			get(at), // what the name's place is stored into
			get(name), get(at), load(functionName), []byte{add}, tee(name), number(0), get(at), load(functionName), []byte{choose},
			store(functionName),
			// The next one is behind this one's programs and facts, aligned.
			get(at), load(functionPrograms), get(at), loadByte(functionFacts), []byte{add}, number(4), []byte{mul},
			number(functionTables+7), []byte{add}, number(^uint32(7)), []byte{and},
			get(at), []byte{add}, set(at),
		),
		number(0), set(i),
		repeat(i, uint32(fs.bucketCount()),
			get(i), number(bucketSize), []byte{mul}, get(i), number(perFunction), []byte{div}, store(buckets),
		),
		[]byte{end},
	)
}

// Instructions of WebAssembly.
const (
	i32    = 0x7f // a type
	add    = 0x6a
	sub    = 0x6b
	mul    = 0x6c
	div    = 0x6e // of unsigned numbers
	and    = 0x71
	choose = 0x1b // select: the first of two values, if the third is not zero
)

func get(local byte) []byte         { return []byte{0x20, local} }
func set(local byte) []byte         { return []byte{0x21, local} }
func tee(local byte) []byte         { return []byte{0x22, local} } // set and get
func number(n uint32) []byte        { return appendInt([]byte{i32Const}, int64(int32(n))) }
func load(offset uint32) []byte     { return access(0x28, offset) }
func loadByte(offset uint32) []byte { return access(0x2d, offset) }
func store(offset uint32) []byte    { return access(0x36, offset) }

// access reads or writes at the address on the stack and an offset, aligned to bytes.
func access(instruction byte, offset uint32) []byte {
	return binary.AppendUvarint([]byte{instruction, 0}, uint64(offset))
}

// repeat does the same while a variable grows from what it is to a limit.
func repeat(counter byte, limit uint32, body ...[]byte) []byte {
	const loop, noResult, notEqual, branchIf = 0x03, 0x40, 0x47, 0x0d
	return slices.Concat([]byte{loop, noResult}, slices.Concat(body...),
		get(counter), number(1), []byte{add}, tee(counter), number(limit), []byte{notEqual, branchIf, 0, end})
}

// addStart adds a function to a program's sections that is called when it is instantiated.
func addStart(sections []section, body []byte) ([]section, error) {
	var imported, types, functions uint64
	behind := -1
	for i, s := range sections {
		r := reader{rest: s.body}
		// grow adds an element to a section that is a list, and returns how many there were.
		grow := func(element []byte) uint64 {
			n := r.uint()
			sections[i].body = slices.Concat(binary.AppendUvarint(nil, n+1), r.rest, element)
			return n
		}
		switch s.id {
		case startSection:
			return nil, fmt.Errorf("%w: it has a start function", errWasm)
		case importSection:
			imported = r.uint() // Go imports nothing but functions
		case exportSection:
			behind = i + 1
		case typeSection:
			types = grow([]byte{0x60, 0, 0}) // a function without parameters and results
		case functionSection:
			functions = grow(binary.AppendUvarint(nil, types))
		case codeSection:
			grow(append(binary.AppendUvarint(nil, uint64(len(body))), body...))
		}
	}
	if behind < 0 || functions == 0 {
		return nil, fmt.Errorf("%w: it exports or has no function", errWasm)
	}
	start := section{startSection, binary.AppendUvarint(nil, imported+functions)}
	return slices.Insert(sections, behind, start), nil
}
