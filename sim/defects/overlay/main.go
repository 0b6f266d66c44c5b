// Command overlay writes the product's files with all defects of sim/defects spliced
// in, and the overlay.json that makes go build and go test use them:
//
//	go run ./sim/defects/overlay DIR
//	go test -overlay DIR/overlay.json ./sim -run Defect
//
// It runs from the module's root. It fails, and names them all, when defects no longer
// apply to the source.
package main

import (
	"fmt"
	"os"

	"github.com/rollcall/rollcall/sim/defects"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: overlay DIR")
	}
	all, err := defects.All()
	if err != nil {
		return err
	}
	return defects.Overlay(".", args[0], all)
}
