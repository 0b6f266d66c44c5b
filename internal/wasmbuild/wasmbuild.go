// Package wasmbuild says how the program for browsers is compiled, for all that build it: what
// is measured is built as what is served.
package wasmbuild

import "os"

// Env is the environment of a build.
func Env() []string { return append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0") }

// Inlining is of the runtime only, which is called everywhere. Without it, the rest is a
// tenth smaller on the wire: see docs/PROGRAM.md.
var Inlining = []string{"-gcflags=all=-l", "-gcflags=runtime=", "-gcflags=internal/runtime/...="}

// Args are the arguments of "go build" for building a program into a file, with the linker's flags for
// what describes it. Without the repository's state in it, a commit alone is no new version.
func Args(described, out, program string) []string {
	args := append([]string{"-trimpath", "-buildvcs=false", "-ldflags=" + described}, Inlining...)
	return append(args, "-o", out, program)
}
