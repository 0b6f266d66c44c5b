package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Server is the sync.Remote that speaks the protocol of docs/openapi.yaml.
type Server struct {
	// HTTP sends the requests. Required. It must bound the time of each, or a request
	// without an answer holds the round until the watchdog stops it.
	HTTP sync.HTTP
	// Paths are the collections by entity type, such as "/api/v1/users". Fetch needs them;
	// it fails for a type without one.
	Paths map[string]string
	// Observe, when set, receives the server's clock with each answer that has a Date; use
	// Engine.ObserveClock. Without it the device's clock is not corrected, and the writes of
	// a device whose clock is behind lose conflicts.
	Observe func(server time.Time)
	// Fresh, when set, returns a text that no address has had before, for each read. Without
	// it a cache on the way that heeds no header can answer with an old copy, and the others'
	// changes stay away.
	Fresh func() string
}

var _ sync.Remote = (*Server)(nil)

// Push implements sync.Remote with POST of a batch.
func (s *Server) Push(ctx context.Context, clientID string, operations []queue.Operation) ([]api.Result, error) {
	batch := api.Batch{ClientID: clientID, Operations: make([]api.Operation, len(operations))}
	for i, o := range operations {
		batch.Operations[i] = o.Wire()
	}
	r := sync.Request{Method: "POST", Path: api.PathOperations, Body: jsoncodec.Write(batch.WriteJSON)}
	var answer api.BatchResult
	if err := s.send(ctx, r, into(&answer, api.ReadBatchResult)); err != nil {
		return nil, err
	}
	if err := checkResults(batch, answer.Results); err != nil {
		return nil, sync.NoAnswerError(err)
	}
	return answer.Results, nil
}

// checkResults checks that results answer the operations one for one. Anything else would
// acknowledge an operation that the server never saw.
func checkResults(batch api.Batch, results []api.Result) error {
	if results == nil {
		return errors.New("an answer without results") // a portal has JSON of its own
	}
	if len(results) != len(batch.Operations) {
		return fmt.Errorf("%d results for %d operations", len(results), len(batch.Operations))
	}
	for i, r := range results {
		if r.ID != batch.Operations[i].ID {
			return fmt.Errorf("result %d answers another operation", i)
		}
		switch r.Status {
		case api.Applied, api.Duplicate:
			if r.Version < 1 && !queue.IsNull(r.Document) {
				return fmt.Errorf("result %d has no version", i)
			}
		case api.Conflict, api.Rejected, api.Retry:
		default:
			return fmt.Errorf("result %d has the unknown status %q", i, r.Status)
		}
	}
	return nil
}

// acceptPages asks for pages in lines, and for JSON of a server that has no others.
const acceptPages = api.LinesType + ", application/json;q=0.9"

// Pull implements sync.Remote with GET of the feed.
func (s *Server) Pull(ctx context.Context, cursor string, limit int) (api.ChangePage, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	r := sync.Request{Method: "GET", Path: api.PathChanges + "?" + q.Encode(), Header: map[string]string{"Accept": acceptPages}}
	var page api.ChangePage
	if err := s.send(ctx, r, intoPage(&page)); err != nil {
		return api.ChangePage{}, err
	}
	if page.Cursor == "" || (page.HasMore && page.Cursor == cursor) {
		return api.ChangePage{}, sync.NoAnswerError(errors.New("a page of changes without a cursor to go on from"))
	}
	for _, c := range page.Changes {
		if c.EntityID == "" || c.EntityType == "" || c.Version < 1 || c.Deleted != queue.IsNull(c.Document) {
			return api.ChangePage{}, sync.NoAnswerError(errors.New("a page of changes with a broken change"))
		}
	}
	return page, nil
}

// Bucket implements sync.Remote with GET of the bucket.
func (s *Server) Bucket(ctx context.Context, q sync.BucketQuery) (api.BucketPage, error) {
	v := url.Values{"entityType": {q.Type}, "cursor": {q.Cursor}, "limit": {strconv.Itoa(q.Limit)}}
	if q.After != "" {
		v.Set("after", q.After)
	}
	r := sync.Request{Method: "GET", Path: api.ItemPath(api.PathBuckets, strconv.Itoa(q.Bucket)) + "?" + v.Encode()}
	var page api.BucketPage
	if err := s.send(ctx, r, into(&page, api.ReadBucketPage)); err != nil {
		return api.BucketPage{}, err
	}
	if err := checkBucket(q, page); err != nil {
		return api.BucketPage{}, sync.NoAnswerError(err)
	}
	return page, nil
}

// checkBucket checks that a page belongs to the bucket that was requested. What is not in
// it will be removed from this device.
func checkBucket(q sync.BucketQuery, page api.BucketPage) error {
	if page.Changes == nil || (page.HasMore && len(page.Changes) == 0) {
		return errors.New("a page of a bucket without its entities")
	}
	ids := api.BucketRange(q.Bucket)
	if q.After != "" {
		ids = ids.After(q.After)
	}
	for _, c := range page.Changes {
		if c.EntityType != q.Type || c.Version < 1 || c.Deleted || queue.IsNull(c.Document) || !ids.Contains(c.EntityID) {
			return errors.New("a page of a bucket with an entity that does not belong there")
		}
		ids = ids.After(c.EntityID)
	}
	return nil
}

// Fetch implements sync.Remote with GET of the entity's resource.
func (s *Server) Fetch(ctx context.Context, ref queue.Ref) (api.Change, error) {
	path, ok := s.Paths[ref.Type]
	if !ok {
		return api.Change{}, fmt.Errorf("no resource for entities of type %q", ref.Type)
	}
	var document json.RawMessage
	err := s.send(ctx, sync.Request{Method: "GET", Path: api.ItemPath(path, ref.ID)}, into(&document, (*jsoncodec.Reader).Raw))
	change := api.Change{EntityType: ref.Type, EntityID: ref.ID}
	var failed *sync.RequestError
	if errors.As(err, &failed) && failed.Problem.Code == api.CodeNotFound {
		change.Deleted = true
		return change, nil
	}
	if err != nil {
		return api.Change{}, err
	}
	var id string
	r := jsoncodec.NewReader(document)
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "id":
			id = r.String()
		case "version":
			change.Version = r.Int()
		default:
			r.Skip()
		}
	}
	if r.End() != nil || id != ref.ID || change.Version < 1 {
		return api.Change{}, sync.NoAnswerError(errors.New("an answer that is not this entity"))
	}
	change.Document = document
	return change, nil
}

// withQuery returns a path with one more parameter.
func withQuery(path, parameter string) string {
	if strings.Contains(path, "?") {
		return path + "&" + parameter
	}
	return path + "?" + parameter
}

// into parses an answer that is JSON.
func into[T any](out *T, read func(*jsoncodec.Reader) T) func(sync.Response) error {
	return func(resp sync.Response) (err error) {
		*out, err = jsoncodec.Parse(resp.Body, read)
		return err
	}
}

// intoPage parses a page of changes.
func intoPage(out *api.ChangePage) func(sync.Response) error {
	return func(resp sync.Response) (err error) {
		if !resp.InLines() {
			return into(out, api.ReadChangePage)(resp)
		}
		*out, err = api.ParseLines(resp.Body)
		return err
	}
}

// send sends a request and parses a good answer.
func (s *Server) send(ctx context.Context, r sync.Request, parse func(sync.Response) error) error {
	if r.Header == nil {
		r.Header = map[string]string{"Accept": "application/json"}
	}
	r.Header[api.HeaderProtocol] = strconv.Itoa(api.Protocol)
	if r.Body != nil {
		r.Header["Content-Type"] = "application/json"
	} else if s.Fresh != nil {
		r.Path = withQuery(r.Path, api.ParamFresh+"="+s.Fresh())
	}
	resp, err := s.HTTP.Do(ctx, r)
	sync.ReportProgress(ctx)
	if err != nil {
		return sync.NoAnswerError(err)
	}
	failed := sync.Classify(resp)
	if failed == nil {
		if err := parse(resp); err != nil {
			failed = sync.NoAnswerError(fmt.Errorf("decode the answer: %w", err))
		}
	}
	if at, ok := resp.ServerTime(); ok && s.Observe != nil && (failed == nil || failed.Kind != sync.NoAnswer) {
		s.Observe(at)
	}
	if failed != nil {
		return failed
	}
	return nil
}
