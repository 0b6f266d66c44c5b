package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Push implements sync.Remote with one request for each operation, or two where the
// backend compares nothing itself. A single operation without an answer may itself be at
// fault, so one more is tried before the backend counts as unreachable.
func (r *REST) Push(ctx context.Context, _ string, operations []queue.Operation) ([]api.Result, error) {
	if len(operations) == 0 {
		return nil, errors.New("plain resources take no batches")
	}
	results := make([]api.Result, len(operations))
	var failed *sync.RequestError
	misses, reached := 0, false
	for i, o := range operations {
		result, err := r.pushOne(ctx, o)
		if err == nil {
			results[i], misses = result, 0
			reached = reached || failed != nil
			continue
		}
		var requestErr *sync.RequestError
		if !errors.As(err, &requestErr) {
			return results, err
		}
		misses++
		if failed == nil || requestErr.Kind == sync.SignedOut {
			failed = requestErr
		}
		if misses == 2 || ctx.Err() != nil || mustPause(requestErr) {
			break
		}
	}
	if failed == nil {
		return results, nil
	}
	if reached && failed.Kind == sync.NoAnswer {
		failed = &sync.RequestError{Kind: sync.Unavailable, Problem: failed.Problem, Err: failed.Err}
	}
	return results, failed
}

// mustPause reports whether the backend wants no further request for now.
func mustPause(err *sync.RequestError) bool {
	return err.Kind == sync.SignedOut || err.Status == 429 || err.RetryAfter > 0
}

// pushOne pushes one operation. An error says nothing about the operation itself.
func (r *REST) pushOne(ctx context.Context, o queue.Operation) (api.Result, error) {
	if r.held(o) {
		return r.settle(ctx, o)
	}
	var current *row
	if r.Dialect.Version == "" || (r.Dialect.Replace && o.Type == api.Update) {
		var err error
		var other *otherRow
		if current, err = r.read(ctx, o.Ref); o.Type == api.Create && errors.As(err, &other) {
			return r.stop(o, posted{id: other.got, sure: true}), nil // an earlier attempt, whose answer was lost
		}
		if err != nil {
			return resultOf(o, err)
		}
		if result, decided := r.compare(o, current); decided {
			return result, nil
		}
	}
	resp, err := r.write(ctx, o, current)
	var failed *sync.RequestError
	if errors.As(err, &failed) && (failed.Status == 409 || failed.Status == 412 || notFound(failed)) {
		return r.refused(ctx, o, failed)
	}
	if err != nil {
		return resultOf(o, err)
	}
	return r.accepted(ctx, o, resp)
}

// resultOf turns a failed request into the result of its operation, if it says anything
// about it.
func resultOf(o queue.Operation, err error) (api.Result, error) {
	var failed *sync.RequestError
	if !errors.As(err, &failed) {
		return api.Result{}, err
	}
	problem := failed.Problem
	switch failed.Kind {
	case sync.ServerError:
		return api.Result{ID: o.ID, Status: api.Retry, Problem: &problem}, nil
	case sync.Refused, sync.TooLarge:
		return rejected(o, &problem), nil
	}
	return api.Result{}, failed
}

// compare decides an operation by the current row, as Rollcall's server would. It leaves
// undecided what is to be written.
func (r *REST) compare(o queue.Operation, current *row) (api.Result, bool) {
	switch {
	case current == nil && o.Type == api.Create:
		return api.Result{}, false
	case current == nil && o.Type == api.Delete:
		return api.Result{ID: o.ID, Status: api.Duplicate}, true
	case current == nil:
		return api.Result{ID: o.ID, Status: api.Conflict}, true
	case o.Type != api.Delete && len(queue.Decode(o.Data).ChangedFrom(queue.Decode(current.document))) == 0:
		return current.result(o, api.Duplicate), true
	case o.Type == api.Create || r.changed(o, current):
		return current.result(o, api.Conflict), true
	}
	return api.Result{}, false
}

// changed reports whether the row has changed since the operation's base. Not every
// writer counts the version up, so the fields are compared, too: for an update those that
// it sets, for a delete all of them.
func (r *REST) changed(o queue.Operation, current *row) bool {
	if current.version != o.BaseVersion {
		return true
	}
	base, now := queue.Decode(o.Base), queue.Decode(current.document)
	if o.Type == api.Update {
		names := slices.Collect(maps.Keys(queue.Decode(o.Data)))
		base, now = base.Only(names), now.Only(names)
	}
	return len(base.ChangedFrom(now)) > 0
}

// write sends the operation's request.
func (r *REST) write(ctx context.Context, o queue.Operation, current *row) (sync.Response, error) {
	path, err := r.path(o.Ref.Type)
	if err != nil {
		return sync.Response{}, err
	}
	q := sync.Request{Method: "DELETE", Path: api.ItemPath(path, o.Ref.ID), Header: map[string]string{"Idempotency-Key": o.ID}}
	fields := queue.Decode(o.Data).With(r.dates(o, current))
	switch {
	case o.Type == api.Create:
		q.Method, q.Path = "POST", path
		fields["id"] = jsonText(o.Ref.ID)
	case o.Type == api.Update && r.Dialect.Replace:
		q.Method = "PUT"
		fields = queue.Decode(current.document).With(fields)
	case o.Type == api.Update:
		q.Method = "PATCH"
	}
	if o.Type != api.Delete {
		q.Body = fields.Encode()
	}
	switch {
	case o.Type == api.Create:
	case r.Dialect.Version != "":
		q.Header["If-Match"] = strconv.Quote(strconv.FormatInt(o.BaseVersion, 10))
	case current.etag != "":
		q.Header["If-Match"] = current.etag
	}
	return r.send(ctx, q)
}

// dates are the dates that the backend leaves to its clients; see Dialect.ClientDates.
func (r *REST) dates(o queue.Operation, current *row) queue.Fields {
	if !r.Dialect.ClientDates {
		return nil
	}
	dates := queue.Fields{}
	at := r.Now().Add(r.skew)
	if current != nil && !at.Truncate(time.Millisecond).After(current.updated) {
		at = current.updated.Add(time.Millisecond)
	}
	set := func(name string, t time.Time) {
		if name != "" {
			dates[name] = jsonText(t.UTC().Format(dateLayout))
		}
	}
	set(r.Dialect.Updated, at)
	if o.Type == api.Create {
		set(r.Dialect.Created, at)
	}
	return dates
}

// accepted makes the result of a write that succeeded.
func (r *REST) accepted(ctx context.Context, o queue.Operation, resp sync.Response) (api.Result, error) {
	status := api.Applied
	if resp.Header["idempotency-replayed"] == "true" || (o.Type == api.Create && resp.Status == 200 && r.Dialect.Version != "") {
		status = api.Duplicate
	}
	switch {
	case o.Type == api.Create:
		return r.created(ctx, o, resp, status)
	case o.Type == api.Delete && (resp.Status == 204 || resp.IsJSON()):
		return api.Result{ID: o.ID, Status: status}, nil
	}
	current, err := r.parseRow(resp.Body)
	if err == nil && current.id == o.Ref.ID && o.Type == api.Update {
		return current.result(o, status), nil
	}
	// The answer doesn't contain the row.
	if current, err = r.read(ctx, o.Ref); err != nil {
		return resultOf(o, err)
	}
	switch {
	case o.Type == api.Delete && current == nil:
		return api.Result{ID: o.ID, Status: status}, nil
	case o.Type == api.Delete:
		return api.Result{}, misfit(sync.Request{Method: "DELETE", Path: r.Paths[o.Ref.Type]}, errors.New("a success, yet the row is still there"))
	case current == nil:
		return api.Result{ID: o.ID, Status: api.Conflict}, nil // deleted since
	}
	return current.result(o, api.Duplicate), nil // others may have changed it since
}

// refused decides an operation that the backend finds incompatible with its row.
func (r *REST) refused(ctx context.Context, o queue.Operation, failed *sync.RequestError) (api.Result, error) {
	if o.Type == api.Create && notFound(failed) {
		return api.Result{}, &sync.RequestError{Kind: sync.Unavailable, Status: failed.Status, Problem: api.Problem{
			Code: api.CodeUnavailable, Title: "The backend has no " + r.Paths[o.Ref.Type],
			Detail: fmt.Sprintf("POST %s was answered with status %d: the address may be wrong, see Paths", r.Paths[o.Ref.Type], failed.Status),
		}}
	}
	current, err := r.read(ctx, o.Ref)
	if err != nil {
		return resultOf(o, err)
	}
	if result, decided := r.compare(o, current); decided {
		return result, nil
	}
	if failed.Status == 412 && current != nil {
		return current.result(o, api.Conflict), nil // the tag covers more than is compared here
	}
	problem := failed.Problem
	return rejected(o, &problem), nil
}
