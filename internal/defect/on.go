//go:build defects

package defect

import "sync/atomic"

var active atomic.Value

// On reports whether this safeguard is taken out.
func On(s Switch) bool {
	now, _ := active.Load().(Switch)
	return now == s
}

// Set takes out one safeguard, and puts back any other; "" puts back all.
func Set(s Switch) { active.Store(s) }
