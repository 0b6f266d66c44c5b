// Package log stands in for the standard library's, with which go-indexeddb says a line.
package log

import (
	"fmt"
	"os"
)

// Println writes a line to the console. It fails only where there is none.
func Println(args ...any) { _, _ = fmt.Fprintln(os.Stderr, args...) }
