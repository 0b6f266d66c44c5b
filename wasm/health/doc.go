// Package health tells a page how the storage of its device is doing: whether it works,
// and whether the browser has evicted the site's data.
//
// A Monitor observes every use of a store, and the events of its database:
//
//	          a use fails, or opening is blocked
//	working ─────────────────────────────────────▶ failing
//	   ▲                                              │
//	   └─── a use succeeds: a write, if one failed ───┘
//
// While the storage fails, the monitor probes it, so that it notices a recovery without
// the person's help.
//
// An EvictionDetector looks for the traces that an eviction leaves.
//
// The package is pure Go; the page gives it a clock.
package health
