package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

// module is a wasm file with one section before the data and one behind them.
func module(data []byte) []byte {
	wasm := []byte("\x00asm\x01\x00\x00\x00\x05\x03\x01\x00\x11")
	wasm = append(wasm, dataSection)
	wasm = append(wasm, byte(len(data)))
	wasm = append(wasm, data...)
	return append(wasm, "\x00\x02\x01x"...)
}

// memory is what the segments put there.
func memory(segments []segment) []byte {
	var m []byte
	for _, s := range segments {
		m = append(m, make([]byte, int(s.address)-len(m))...)
		m = append(m, s.data...)
	}
	return m
}

func TestJoinedSegmentsMakeTheSameMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var segments []segment
		next := uint64(0)
		for range rapid.IntRange(0, 20).Draw(t, "segments") {
			next += rapid.Uint64Range(0, 3*maxGap).Draw(t, "gap")
			data := rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "data")
			segments = append(segments, segment{next, data})
			next += uint64(len(data))
		}
		joined, err := join(rapid.Permutation(segments).Draw(t, "order"))
		if err == nil {
			joined, err = readSegments(writeSegments(joined))
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(memory(joined), memory(segments)) {
			t.Errorf("%v became %v", segments, joined)
		}
		for i := range joined[min(1, len(joined)):] {
			if gap := joined[i+1].address - joined[i].address - uint64(len(joined[i].data)); gap+7 <= maxGap {
				t.Errorf("segments %d and the next are %d apart, and two", i, gap)
			}
		}
	})
}

// TestWordsAreWhole: of a word like 0x8bd00 the linker leaves out the first byte, where zeros are before it.
func TestWordsAreWhole(t *testing.T) {
	joined, err := join([]segment{{0x2ba2c1, []byte{0xbd, 0x08}}})
	if err != nil || len(joined) != 1 || joined[0].address != 0x2ba2c0 || !bytes.Equal(joined[0].data, []byte{0, 0xbd, 0x08}) {
		t.Errorf("became %v (%v)", joined, err)
	}
}

func TestTheRestOfTheProgramStays(t *testing.T) {
	wasm := module(writeSegments([]segment{{100, []byte("a")}, {110, []byte("b")}}))
	sections, err := readSections(wasm)
	if err != nil || len(sections) != 3 || !bytes.Equal(writeSections(sections), wasm) {
		t.Errorf("%x became %v (%v)", wasm, sections, err)
	}
}

func TestOtherWasmIsRefused(t *testing.T) {
	good := writeSegments([]segment{{100, append(bytes.Clone(tableMagic), make([]byte, 100)...)}})
	passive := append([]byte{1, 1}, good[5:]...)
	crossing := []segment{{100, []byte("abc")}, {101, []byte("d")}}
	for name, wasm := range map[string][]byte{
		"nothing":              nil,
		"something else":       []byte("<h1>Sign in</h1>"),
		"cut short":            module(good)[:18],
		"a passive segment":    module(passive),
		"segments that cross":  module(writeSegments(crossing)),
		"segments are counted": append(module(good), dataCountSection, 1, 1),
		"no functions":         module(writeSegments(crossing[:1])),
	} {
		if _, err := shrink(wasm); !errors.Is(err, errWasm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheProgramIsCompiledWithItsDataJoined(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	paths, err := compile(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	wasm, err := os.ReadFile(paths["app.wasm"])
	if err != nil {
		t.Fatal(err)
	}
	sections, err := readSections(wasm)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sections {
		if s.id != dataSection {
			continue
		}
		segments, err := readSegments(s.body)
		if err != nil || len(segments) == 0 || len(segments) > 10 {
			t.Errorf("the data are in %d segments (%v)", len(segments), err)
		}
	}
}
