//go:build race

package exchange_test

import "flag"

// A plan is made and carried out by one goroutine: what needs many plans to show is looked for without
// the race detector.
func init() {
	if err := flag.Set("rapid.checks", "10"); err != nil {
		panic(err)
	}
}
