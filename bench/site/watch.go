package site

import (
	_ "embed"
	"fmt"
)

//go:embed watch.js
var watchScript string

// Watch is a script for the app's page that notes in globalThis.seen when it shows what:
// the first rows, that the list is usable, and all n people.
func Watch(n int) string { return fmt.Sprintf("globalThis.wantedCount = %d;\n%s", n, watchScript) }
