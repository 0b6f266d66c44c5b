package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// TestAProgramWritesWhatWasTakenOut instantiates one without running it.
func TestAProgramWritesWhatWasTakenOut(t *testing.T) {
	linked, served := linkedProgram(t, "package main\n\nfunc main() { println(len(named())) }\n\nfunc named() string { return `a` }\n"), filepath.Join(t.TempDir(), "app.wasm")
	if err := rewrite(linked, served); err != nil {
		t.Fatal(err)
	}
	wasm, err := os.ReadFile(linked)
	if err != nil {
		t.Fatal(err)
	}
	fs, err := findFunctions(segmentsOf(t, wasm))
	if err != nil {
		t.Fatal(err)
	}
	if err := fs.dropLines(); err != nil {
		t.Fatal(err)
	}
	want := fs.table[:fs.buckets+fs.bucketBytes()]
	const script = `require(process.argv[1]);
const [from, to] = process.argv.slice(3).map(Number);
WebAssembly.instantiate(require("fs").readFileSync(process.argv[2]), new Go().importObject).then(({ instance }) =>
	process.stdout.write(new Uint8Array(instance.exports.mem.buffer).slice(from, to)));`
	cmd := exec.CommandContext(t.Context(), "node", "-e", script, filepath.Join(goroot(t.Context(), t), "lib", "wasm", "wasm_exec.js"), served,
		strconv.FormatUint(fs.address, 10), strconv.FormatUint(fs.address+uint64(len(want)), 10))
	cmd.Stderr = os.Stderr
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the program has other descriptions of its functions than were linked: %d bytes, want %d", len(got), len(want))
	}
	rewritten, err := os.ReadFile(served)
	if err != nil {
		t.Fatal(err)
	}
	const words = 16 // what joining adds to keep words whole, where the room is cut out
	if n := dataSize(t, rewritten); n > dataSize(t, wasm)-int(fs.bucketBytes())+words {
		t.Errorf("what was taken out still takes its room: %d bytes of data", n)
	}
}

func dataSize(t *testing.T, wasm []byte) (n int) {
	for _, s := range segmentsOf(t, wasm) {
		n += len(s.data)
	}
	return n
}

func segmentsOf(t *testing.T, wasm []byte) []segment {
	t.Helper()
	sections, err := readSections(wasm)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(sections, func(s section) bool { return s.id == dataSection })
	segments, err := readSegments(sections[at].body)
	if err != nil {
		t.Fatal(err)
	}
	if segments, err = join(segments); err != nil {
		t.Fatal(err)
	}
	return segments
}

func TestNoOtherStartFunctionIsReplaced(t *testing.T) {
	whole := func() []section {
		return []section{{typeSection, []byte{0}}, {functionSection, []byte{1, 0}}, {exportSection, []byte{0}}, {codeSection, []byte{1, 2, 0, end}}}
	}
	if _, err := addStart(whole(), []byte{0, end}); err != nil {
		t.Fatal(err)
	}
	for name, sections := range map[string][]section{
		"a start function": append(whole(), section{startSection, []byte{0}}),
		"no exports":       {{functionSection, []byte{1, 0}}},
		"no functions":     {{exportSection, []byte{0}}},
	} {
		if _, err := addStart(sections, []byte{0, end}); !errors.Is(err, errWasm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
