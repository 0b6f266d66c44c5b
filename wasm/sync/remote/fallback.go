package remote

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Fallback is the sync.Remote that uses the batch and the feed where the server offers
// them, and plain resources where it doesn't. It finds out once after each start: when
// the batch's address doesn't exist and the plain resources do, it stays with these.
type Fallback struct {
	Batch *Server
	Plain *REST

	plain bool
}

var _ sync.Remote = (*Fallback)(nil)

// Push implements sync.Remote.
func (f *Fallback) Push(ctx context.Context, clientID string, operations []queue.Operation) ([]api.Result, error) {
	if !f.plain {
		results, err := f.Batch.Push(ctx, clientID, operations)
		if !f.notOffered(ctx, err) {
			return results, err
		}
	}
	return f.Plain.Push(ctx, clientID, operations)
}

// Pull implements sync.Remote. The cursors of the two differ; each begins anew on the
// other's.
func (f *Fallback) Pull(ctx context.Context, after string, limit int) (api.ChangePage, error) {
	if !f.plain {
		known := after
		if strings.HasPrefix(after, cursorPrefix) {
			known = ""
		}
		page, err := f.Batch.Pull(ctx, known, limit)
		if !f.notOffered(ctx, err) {
			if err == nil && known != after {
				return api.ChangePage{}, errListAgain
			}
			return page, err
		}
	}
	return f.Plain.Pull(ctx, after, limit)
}

// Fetch implements sync.Remote.
func (f *Fallback) Fetch(ctx context.Context, ref queue.Ref) (api.Change, error) {
	return f.current().Fetch(ctx, ref)
}

// Bucket implements sync.Remote.
func (f *Fallback) Bucket(ctx context.Context, q sync.BucketQuery) (api.BucketPage, error) {
	return f.current().Bucket(ctx, q)
}

func (f *Fallback) current() sync.Remote {
	if f.plain {
		return f.Plain
	}
	return f.Batch
}

// notOffered reports whether a failure means that the backend has no such address, and
// remembers it. A captive portal answers the same way, but has no plain resources; a
// filter does so to one body, but lets a batch of no operations pass.
func (f *Fallback) notOffered(ctx context.Context, err error) bool {
	var failed *sync.RequestError
	if !errors.As(err, &failed) || (failed.Status != 404 && failed.Status != 405 && failed.Status != 501) {
		return false
	}
	f.plain = !f.Batch.offered(ctx) && f.Plain.offered(ctx)
	return f.plain
}

// offered reports whether the server receives batches.
func (s *Server) offered(ctx context.Context) bool {
	_, err := s.Push(ctx, uuid.Nil.String(), nil)
	var failed *sync.RequestError
	if errors.As(err, &failed) {
		return failed.Kind != sync.NoAnswer && failed.Problem.Code != api.CodeNoRoute && failed.Problem.Code != api.CodeMethod
	}
	return err == nil
}

// offered reports whether the backend lists all of its types.
func (r *REST) offered(ctx context.Context) bool {
	for entityType := range r.Paths {
		c := cursor{Listing: true, Reading: &reading{Type: entityType}}
		if _, err := r.list(ctx, c, 1); err != nil {
			return false
		}
	}
	return len(r.Paths) > 0
}
