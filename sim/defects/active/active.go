// Package active says which of the simulator's defects is on. The patched copies of
// the product's functions ask it, and so do the simulator's ports. See sim/defects.
package active

import "sync/atomic"

var name atomic.Value

// Set turns on one defect and turns off any other; "" turns off all.
func Set(defect string) { name.Store(defect) }

// Name is the defect that is on, or "".
func Name() string {
	now, _ := name.Load().(string)
	return now
}

// On reports whether a defect is on.
func On(defect string) bool { return Name() == defect }
