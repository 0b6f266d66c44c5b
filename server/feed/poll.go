package feed

import (
	"context"
	"time"
)

// pollInterval is how often Poll reads the feed's head.
const pollInterval = 2 * time.Second

// Poll calls notify when the feed's head has changed, until ctx ends. It finds the changes
// of other processes, such as `rollcall import`, where the store reports only its own.
func Poll(ctx context.Context, head func(context.Context) (string, error), notify func()) {
	ticks := time.NewTicker(pollInterval)
	defer ticks.Stop()
	var last string
	for {
		if now, err := head(ctx); err == nil && now != last {
			if last != "" {
				notify()
			}
			last = now
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}
