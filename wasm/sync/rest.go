package sync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// REST is the Remote for a backend that has plain resources only: one request
// an operation, and a poll for what was changed instead of a feed. That
// operations take effect once, and that conflicts are found, holds as far as the
// backend allows; Dialect says what it takes.
//
// A lost answer is no matter: the next try finds the row as the first one left
// it, and takes that for success. Deletions leave no trace in a poll; they are
// found by listing everything, see ListEvery. Used by one round at a time.
type REST struct {
	HTTP HTTP
	// Paths are the resources by entity type, such as "/users": POST to it makes
	// one, GET lists them, and GET, PATCH (or PUT) and DELETE of "/users/ID".
	Paths   map[string]string
	Dialect Dialect
	Now     func() time.Time // the device's clock
	// Overlap and ListEvery are the defaults when 0.
	Overlap, ListEvery time.Duration
	// Observe, when set, is told the backend's clock at each answer that has one.
	Observe func(backend time.Time)

	pulled bool          // since the start
	skew   time.Duration // backend's clock minus the device's
}

var _ Remote = (*REST)(nil)

// row is an entity as the backend has it.
type row struct {
	id       string
	version  int64
	updated  time.Time
	document json.RawMessage
	etag     string // strong, or ""
}

// Push implements Remote with one request an operation, or two where the backend
// compares nothing itself. One operation without an answer may be at fault
// itself, so one more is tried before the backend counts as gone.
func (r *REST) Push(ctx context.Context, _ string, operations []queue.Operation) ([]api.Result, error) {
	results := make([]api.Result, len(operations))
	var failed *RequestError
	misses, reached := 0, false
	for i, o := range operations {
		result, err := r.deliver(ctx, o)
		if err == nil {
			results[i], misses = result, 0
			reached = reached || failed != nil
			continue
		}
		var why *RequestError
		if !errors.As(err, &why) {
			return results, err
		}
		misses++
		if failed == nil || why.Kind == SignedOut {
			failed = why
		}
		if misses == 2 || ctx.Err() != nil || asksForQuiet(why) {
			break
		}
	}
	if failed == nil {
		return results, nil
	}
	if reached && failed.Kind == NoAnswer {
		failed = &RequestError{Kind: Unavailable, Problem: failed.Problem, Err: failed.Err}
	}
	return results, failed
}

// asksForQuiet: the next operation would be an imposition.
func asksForQuiet(o *RequestError) bool {
	return o.Kind == SignedOut || o.Status == 429 || o.RetryAfter > 0
}

// deliver brings one operation to the backend. An error is an *RequestError that is
// no answer about this operation.
func (r *REST) deliver(ctx context.Context, o queue.Operation) (api.Result, error) {
	var now *row
	if r.Dialect.Version == "" || (r.Dialect.Replace && o.Type == api.Update) {
		var err error
		if now, err = r.read(ctx, o.Ref); err != nil {
			return judged(o, err)
		}
		if result, decided := r.compare(o, now); decided {
			return result, nil
		}
	}
	resp, err := r.write(ctx, o, now)
	var failed *RequestError
	if errors.As(err, &failed) && (failed.Status == 409 || failed.Status == 412 || notThere(failed)) {
		return r.refusedWrite(ctx, o, failed)
	}
	if err != nil {
		return judged(o, err)
	}
	return r.written(ctx, o, resp)
}

// judged says what a failed request means for the operation that it carried.
func judged(o queue.Operation, err error) (api.Result, error) {
	var failed *RequestError
	if !errors.As(err, &failed) {
		return api.Result{}, err
	}
	problem := failed.Problem
	switch failed.Kind {
	case ServerError:
		return api.Result{ID: o.ID, Status: api.Retry, Problem: &problem}, nil
	case Refused, TooLarge:
		return api.Result{ID: o.ID, Status: api.Rejected, Problem: &problem}, nil
	}
	return api.Result{}, failed
}

// compare decides about an operation by the row as it is, as a server of
// ours would. It leaves undecided what is to be written.
func (r *REST) compare(o queue.Operation, now *row) (api.Result, bool) {
	switch {
	case now == nil && o.Type == api.Create:
		return api.Result{}, false
	case now == nil && o.Type == api.Delete:
		return api.Result{ID: o.ID, Status: api.Duplicate}, true
	case now == nil:
		return api.Result{ID: o.ID, Status: api.Conflict}, true
	case o.Type != api.Delete && len(queue.Decode(o.Data).ChangedFrom(queue.Decode(now.document))) == 0:
		return now.result(o, api.Duplicate), true
	case o.Type == api.Create || r.changed(o, now):
		return now.result(o, api.Conflict), true
	}
	return api.Result{}, false
}

// changed reports whether the row is another than the one that the operation was
// made on. Not every writer counts the version, so the fields have a say, too: for an
// update those that it sets, for a delete all of them.
func (r *REST) changed(o queue.Operation, now *row) bool {
	if now.version != o.BaseVersion {
		return true
	}
	base, current := queue.Decode(o.Base), queue.Decode(now.document)
	if o.Type == api.Update {
		names := fieldNames(queue.Decode(o.Data))
		base, current = base.Only(names), current.Only(names)
	}
	return len(base.ChangedFrom(current)) > 0
}

func (now *row) result(o queue.Operation, status api.Status) api.Result {
	return api.Result{ID: o.ID, Status: status, Version: now.version, Stamp: now.stamp(), Document: now.document}
}

// stamp orders the row among writes: its own dates are all that there is.
func (now *row) stamp() api.Stamp {
	if now.updated.IsZero() {
		return ""
	}
	return api.NewStamp(now.updated, "", "")
}

// write sends the one request that the operation is.
func (r *REST) write(ctx context.Context, o queue.Operation, now *row) (Response, error) {
	path, err := r.path(o.Ref.Type)
	if err != nil {
		return Response{}, err
	}
	q := Request{Method: "DELETE", Path: path + "/" + url.PathEscape(o.Ref.ID), Header: map[string]string{"Idempotency-Key": o.ID}}
	fields := queue.Decode(o.Data).With(r.dates(o, now))
	switch {
	case o.Type == api.Create:
		q.Method, q.Path = "POST", path
		fields["id"] = jsonText(o.Ref.ID)
	case o.Type == api.Update && r.Dialect.Replace:
		q.Method = "PUT"
		fields = queue.Decode(now.document).With(fields)
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
	case now.etag != "":
		q.Header["If-Match"] = now.etag
	}
	return r.ask(ctx, q)
}

// dates are the dates that the client itself must keep.
func (r *REST) dates(o queue.Operation, now *row) queue.Fields {
	if !r.Dialect.ClientDates {
		return nil
	}
	dates := queue.Fields{}
	at := r.Now().Add(r.skew)
	if now != nil && !at.Truncate(time.Millisecond).After(now.updated) {
		at = now.updated.Add(time.Millisecond)
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

func jsonText(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic("encode a text: " + err.Error()) // which always has a JSON form
	}
	return b
}

// written reads the answer to a write that succeeded.
func (r *REST) written(ctx context.Context, o queue.Operation, resp Response) (api.Result, error) {
	status := api.Applied
	if resp.Header["idempotency-replayed"] == "true" || (o.Type == api.Create && resp.Status == 200 && r.Dialect.Version != "") {
		status = api.Duplicate
	}
	if o.Type == api.Delete {
		return api.Result{ID: o.ID, Status: status}, nil
	}
	now, err := r.rowOf(resp.Body)
	if err != nil || now.id != o.Ref.ID { // an answer that leaves the row away
		if now, err = r.read(ctx, o.Ref); err != nil {
			return judged(o, err)
		}
		status = api.Duplicate // others may have changed it since
	}
	if now == nil {
		return api.Result{}, noAnswer(errors.New("what was just written is not there"))
	}
	return now.result(o, status), nil
}

// refusedWrite decides about an operation that the backend found in the way of
// what it has.
func (r *REST) refusedWrite(ctx context.Context, o queue.Operation, why *RequestError) (api.Result, error) {
	if o.Type == api.Create && notThere(why) {
		return api.Result{}, noAnswer(fmt.Errorf("the backend has no %s to add to", r.Paths[o.Ref.Type]))
	}
	now, err := r.read(ctx, o.Ref)
	if err != nil {
		return judged(o, err)
	}
	if result, decided := r.compare(o, now); decided {
		return result, nil
	}
	if why.Status == 412 && now != nil {
		return now.result(o, api.Conflict), nil // the tag covers more than is compared here
	}
	problem := why.Problem
	return api.Result{ID: o.ID, Status: api.Rejected, Problem: &problem}, nil
}

// Fetch implements Remote with GET of the entity's resource.
func (r *REST) Fetch(ctx context.Context, ref queue.Ref) (api.Change, error) {
	now, err := r.read(ctx, ref)
	if err != nil {
		return api.Change{}, err
	}
	if now == nil {
		return api.Change{EntityType: ref.Type, EntityID: ref.ID, Deleted: true}, nil
	}
	return now.change(ref.Type), nil
}

func (now *row) change(entityType string) api.Change {
	return api.Change{EntityType: entityType, EntityID: now.id, Version: now.version, Stamp: now.stamp(), Document: now.document}
}

// Bucket implements Remote; it is not asked, because a plain list has no digests.
// Listing everything does what they are for.
func (r *REST) Bucket(context.Context, BucketQuery) (api.BucketPage, error) {
	return api.BucketPage{}, errors.New("plain resources have no buckets")
}

// read is the entity as the backend has it; nil when it has none.
func (r *REST) read(ctx context.Context, ref queue.Ref) (*row, error) {
	path, err := r.path(ref.Type)
	if err != nil {
		return nil, err
	}
	resp, err := r.ask(ctx, Request{Method: "GET", Path: path + "/" + url.PathEscape(ref.ID), Header: map[string]string{}})
	var failed *RequestError
	if errors.As(err, &failed) && notThere(failed) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now, err := r.rowOf(resp.Body)
	if err != nil || now.id != ref.ID {
		return nil, noAnswer(errors.New("an answer that is not this entity"))
	}
	if tag := resp.Header["etag"]; strings.HasPrefix(tag, `"`) {
		now.etag = tag
	}
	return now, nil
}

func (r *REST) path(entityType string) (string, error) {
	path, ok := r.Paths[entityType]
	if !ok {
		return "", fmt.Errorf("no resource for entities of type %q", entityType)
	}
	return path, nil
}

// rowOf reads a row. An id that is a number becomes the text of it.
func (r *REST) rowOf(document json.RawMessage) (*row, error) {
	fields := queue.Decode(document)
	now := &row{version: 1, document: document}
	id := bytes.TrimSpace(fields["id"])
	if json.Unmarshal(id, &now.id) != nil {
		now.id = string(id)
		if _, err := strconv.ParseInt(now.id, 10, 64); err != nil {
			return nil, errors.New("a row whose id is neither text nor a whole number")
		}
		fields["id"] = jsonText(now.id)
		now.document = fields.Encode()
	}
	if now.id == "" {
		return nil, errors.New("a row without an id")
	}
	var date string
	if json.Unmarshal(fields[r.Dialect.Updated], &date) == nil {
		if t, err := time.Parse(time.RFC3339Nano, date); err == nil {
			now.updated, now.version = t, max(t.UnixMicro(), 1)
		}
	}
	if r.Dialect.Version != "" {
		if err := json.Unmarshal(fields[r.Dialect.Version], &now.version); err != nil || now.version < 1 {
			return nil, fmt.Errorf("a row without a %s above 0", r.Dialect.Version)
		}
	}
	return now, nil
}

// notThere: the resource was asked about, and is not there, any more or yet.
func notThere(o *RequestError) bool {
	return (o.Status == 404 || o.Status == 410) && o.Kind == Refused
}

// ask sends a request and returns the good answer; any other is an *RequestError.
func (r *REST) ask(ctx context.Context, q Request) (Response, error) {
	q.Header["Accept"] = "application/json"
	if q.Body != nil {
		q.Header["Content-Type"] = "application/json"
	}
	resp, err := r.HTTP.Do(ctx, q)
	ReportProgress(ctx)
	if err != nil {
		return Response{}, noAnswer(err)
	}
	failed := classifyPlain(resp)
	if failed == nil || failed.Kind != NoAnswer {
		observe(r.Observe, resp)
		observe(r.measure, resp)
	}
	if failed != nil {
		return Response{}, failed
	}
	return resp, nil
}

// measure keeps how far the device's clock is off the backend's.
func (r *REST) measure(backend time.Time) {
	if r.skew = backend.Sub(r.Now()); r.skew.Abs() < minSkew {
		r.skew = 0
	}
}

// classifyPlain is Classify for backends that are not ours: a good answer may
// have no body, and an error that is JSON of any shape comes from the backend.
func classifyPlain(resp Response) *RequestError {
	if resp.Status == 204 && len(resp.Body) == 0 {
		return nil
	}
	failed := Classify(resp)
	if failed == nil || resp.Status < 400 || resp.Status >= 500 || !isJSON(resp.Header["content-type"]) || !json.Valid(resp.Body) {
		return failed
	}
	said, ours := problemOf(resp)
	if said.Code == api.CodeNoRoute { // about the address, not about the entity
		return &RequestError{Kind: Unavailable, Status: resp.Status, Problem: said}
	}
	if failed.Kind == NoAnswer || failed.Kind == Resync {
		failed.Kind = Refused
	}
	if !ours && failed.Kind == Refused {
		said = foreignProblem(resp)
	}
	failed.Problem, failed.Err = said, nil
	return failed
}

// foreignProblem finds what a backend's error says for a person.
func foreignProblem(resp Response) api.Problem {
	var body struct{ Title, Message, Error, Detail any }
	p := api.Problem{Status: resp.Status, Code: api.CodeInvalid, Title: "The server does not take this (status " + strconv.Itoa(resp.Status) + ")"}
	if json.Unmarshal(resp.Body, &body) != nil {
		return p
	}
	for _, said := range []any{body.Detail, body.Message, body.Error, body.Title} {
		if text, ok := said.(string); ok && text != "" {
			p.Detail = text
			return p
		}
	}
	return p
}
