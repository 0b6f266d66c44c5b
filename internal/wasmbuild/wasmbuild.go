// Package wasmbuild says how the program for browsers is compiled, for all that build it: what
// is measured is built as what is served.
package wasmbuild

import "os"

// Env is the environment of a build.
func Env() []string { return append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0") }

// Inlining is of what runs for each row: the runtime, what the standard library does with
// bytes, JSON and the replica. Without it, the rest is a tenth smaller on the wire: see
// docs/PROGRAM.md.
var Inlining = inlining(
	"runtime", "internal/runtime/...", "internal/byteorder", "internal/bytealg", "internal/stringslite", "bytes",
	"unicode/utf8", "hash/crc32", "github.com/rollcall/rollcall/api/...", "github.com/rollcall/rollcall/wasm/replica",
)

func inlining(packages ...string) []string {
	flags := []string{"-gcflags=all=-l"}
	for _, p := range packages {
		flags = append(flags, "-gcflags="+p+"=")
	}
	return flags
}

// Args are the arguments of "go build" for building a program into a file, with the linker's flags for
// what describes it. Without the repository's state in it, a commit alone is no new version.
func Args(described, out, program string) []string {
	args := append([]string{"-trimpath", "-buildvcs=false", "-ldflags=" + described}, Inlining...)
	return append(args, "-o", out, program)
}
