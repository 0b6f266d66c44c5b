//go:build js && wasm

package browser

import (
	"time"

	"github.com/rollcall/rollcall/wasm/sync"
)

// Clock is the device's clock.
type Clock struct{}

var _ sync.Clock = Clock{}

// Now implements sync.Clock.
func (Clock) Now() time.Time { return time.Now() }

// After implements sync.Clock.
func (Clock) After(d time.Duration) <-chan time.Time { return time.After(d) }
