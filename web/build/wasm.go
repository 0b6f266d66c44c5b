package main

import (
	"bytes"
	"encoding/binary"
	"errors"
)

const (
	wasmHeader = "\x00asm\x01\x00\x00\x00" // magic and version

	customSection    = 0
	typeSection      = 1
	importSection    = 2
	functionSection  = 3
	exportSection    = 7
	startSection     = 8
	codeSection      = 10
	dataSection      = 11
	dataCountSection = 12
)

var errWasm = errors.New("not a wasm file as Go's linker writes them")

type section struct {
	id   byte
	body []byte
}

func readSections(wasm []byte) ([]section, error) {
	body, ok := bytes.CutPrefix(wasm, []byte(wasmHeader))
	if !ok {
		return nil, errWasm
	}
	var sections []section
	for r := (reader{rest: body}); len(r.rest) > 0; {
		s := section{r.byte(), r.bytes()}
		if r.failed {
			return nil, errWasm
		}
		sections = append(sections, s)
	}
	return sections, nil
}

func writeSections(sections []section) []byte {
	out := []byte(wasmHeader)
	for _, s := range sections {
		out = append(out, s.id)
		out = append(binary.AppendUvarint(out, uint64(len(s.body))), s.body...)
	}
	return out
}

// reader reads the parts of a wasm file. Once failed, it returns nothing more.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.failed = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// uint reads an unsigned LEB128, or a signed one that is not negative.
func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > uint64(1)<<32 {
		r.rest, r.failed = nil, true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.rest)) {
		r.rest, r.failed = nil, true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}
