// Package wasmbuild says how the program for browsers is compiled, for all that build it: what
// is measured is built as what is served.
package wasmbuild

import "os"

// Env is the environment of a build.
func Env() []string { return append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0") }

// Args are the arguments of go for building a program into a file, with the linker's flags for
// what describes it. Without the repository's state in it, a commit alone is no new version.
// Without inlining it is a tenth smaller on the wire. Only the runtime has it, which is called
// everywhere: see docs/PROGRAM.md.
func Args(described, out, program string, more ...string) []string {
	args := append([]string{"build"}, more...)
	return append(args, "-trimpath", "-buildvcs=false", "-ldflags="+described,
		"-gcflags=all=-l", "-gcflags=runtime=", "-gcflags=internal/runtime/...=", "-o", out, program)
}
