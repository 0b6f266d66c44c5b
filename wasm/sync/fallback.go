package sync

import (
	"context"
	"errors"
	"strings"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// Fallback is the Remote that uses the batch and the feed where they are
// offered, and plain resources where they aren't. It finds out by asking, once a
// start: an answer that the address isn't there, from a backend whose plain
// resources are, is final.
type Fallback struct {
	Batch *HTTPRemote
	Plain *REST

	plain bool
}

var _ Remote = (*Fallback)(nil)

// Push implements Remote.
func (f *Fallback) Push(ctx context.Context, clientID string, operations []queue.Operation) ([]api.Result, error) {
	if !f.plain {
		results, err := f.Batch.Push(ctx, clientID, operations)
		if !f.notOffered(ctx, err) {
			return results, err
		}
	}
	return f.Plain.Push(ctx, clientID, operations)
}

// Pull implements Remote. The cursors of the two differ; each begins again on the other's.
func (f *Fallback) Pull(ctx context.Context, cursor string, limit int) (api.ChangePage, error) {
	if !f.plain {
		ask := cursor
		if strings.HasPrefix(cursor, restPrefix) {
			ask = ""
		}
		page, err := f.Batch.Pull(ctx, ask, limit)
		if !f.notOffered(ctx, err) {
			if err == nil && ask != cursor {
				return api.ChangePage{}, listAgain
			}
			return page, err
		}
	}
	return f.Plain.Pull(ctx, cursor, limit)
}

// Fetch implements Remote.
func (f *Fallback) Fetch(ctx context.Context, ref queue.Ref) (api.Change, error) {
	if f.plain {
		return f.Plain.Fetch(ctx, ref)
	}
	return f.Batch.Fetch(ctx, ref)
}

// Bucket implements Remote.
func (f *Fallback) Bucket(ctx context.Context, q BucketQuery) (api.BucketPage, error) {
	if f.plain {
		return f.Plain.Bucket(ctx, q)
	}
	return f.Batch.Bucket(ctx, q)
}

// notOffered reports whether a failure says that the backend has no such address,
// and then stays with that. A captive portal answers so, too, but has no plain
// resources.
func (f *Fallback) notOffered(ctx context.Context, err error) bool {
	var o *RequestError
	if !errors.As(err, &o) || (o.Status != 404 && o.Status != 405 && o.Status != 501) {
		return false
	}
	f.plain = f.Plain.offered(ctx)
	return f.plain
}

// offered reports whether the backend answers to a list of its first type.
func (r *REST) offered(ctx context.Context) bool {
	for entityType := range r.Paths {
		c := restCursor{Listing: true, Reading: &reading{Type: entityType}}
		if _, err := r.list(ctx, c, 1); err != nil {
			return false
		}
	}
	return len(r.Paths) > 0
}
