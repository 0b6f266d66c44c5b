package sync

import (
	"context"
	"fmt"
)

// A resync reads the feed from its beginning under a new generation. At its end it sweeps
// the rows of older generations, which the feed didn't mention. The list stays visible
// meanwhile, and the queue is not touched.

// ResyncProgress is how far a resync is.
type ResyncProgress struct {
	First   bool `json:"first"`           // this device has never had the whole list
	Arrived int  `json:"arrived"`         // rows so far
	Total   int  `json:"total,omitempty"` // as many as the server has; 0 if it has not said
}

// startResync sets the position to the feed's beginning, durably, under a new generation.
func (r *round) startResync(ctx context.Context) error {
	p := r.position
	r.position = position{generation: p.generation + 1, resyncing: true, first: p.first || p.generation == 0}
	err := r.saveMeta(ctx, r.position.meta())
	ReportProgress(ctx)
	if err == nil {
		r.publishProgress()
	}
	return err
}

// finishResync removes what the server no longer has.
func (r *round) finishResync(ctx context.Context) error {
	if !r.position.resyncing {
		return nil
	}
	for _, s := range r.cfg.Schemas {
		removed, err := r.cfg.Store.Sweep(ctx, r.fence, s.Type, r.position.generation)
		if err != nil {
			return fmt.Errorf("sweep after a resync: %w", err)
		}
		ReportProgress(ctx)
		r.publishChanged(removed)
	}
	r.position.resyncing, r.position.first, r.position.arrived, r.position.total = false, false, 0, 0
	err := r.saveMeta(ctx, r.position.meta())
	if err == nil {
		r.publishProgress()
	}
	return err
}

// progress is how far the resync is; nil when there is none.
func (p position) progress() *ResyncProgress {
	if !p.resyncing {
		return nil
	}
	return &ResyncProgress{First: p.first, Arrived: p.arrived, Total: p.total}
}

func (r *round) publishProgress() {
	if r.onProgress != nil {
		r.onProgress(r.position.progress())
	}
}
