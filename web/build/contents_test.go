package main

import (
	"encoding/binary"
	"maps"
	"strings"
	"testing"
)

// counted is bytes with their number before them.
func counted(parts ...string) string {
	all := strings.Join(parts, "")
	return string(binary.AppendUvarint(nil, uint64(len(all)))) + all
}

func TestFunctionsAreCountedWithTheirPackage(t *testing.T) {
	names := counted("\x05",
		"\x00", counted("imported"),
		"\x01", counted("github.com_a_b_c.Run"),
		"\x02", counted("github.com_a_b_c.__T_.String"),
		"\x03", counted("github.com_a_b_c_d.Run"),
		"\x04", counted("type_.eq.struct_"))
	wasm := wasmHeader +
		"\x02" + counted("\x01", counted("go"), counted("imported"), "\x00\x00") +
		"\x0a" + counted("\x04", counted("1"), counted("22"), counted("333"), counted("4444")) +
		"\x0b" + counted("\x00") +
		"\x00" + counted(counted("producers"), "whatever") +
		"\x00" + counted(counted("name"), "\x00", counted("module"), "\x01", names)
	l, err := readLedger([]byte(wasm), []string{"github.com/a/b-c", "github.com/a/b-c/d"})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"github.com/a/b-c": 3, "github.com/a/b-c/d": 3, elsewhere: 4}; !maps.Equal(l.code, want) || l.data != 1 {
		t.Errorf("the ledger is %v, want %v", l, want)
	}
	var b strings.Builder
	if err := l.print(&b); err != nil || !strings.Contains(b.String(), "| `"+elsewhere+"` | 0.0 | 40.0 % |\n| `github.com/a/b-c` | 0.0 | 30.0 % |\n") {
		t.Errorf("it is printed as (%v)\n%s", err, b.String())
	}
}
