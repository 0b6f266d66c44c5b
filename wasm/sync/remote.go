package sync

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
	"github.com/rollcall/rollcall/wasm/queue"
)

// Remote is the server as the engine speaks to it. Its errors are *RequestError.
type Remote interface {
	// Push sends a client's operations and returns one result for each, in order.
	// With an error, the results that have a Status count all the same; those that
	// have none, or are missing at the end, say nothing about their operation.
	Push(ctx context.Context, clientID string, operations []queue.Operation) ([]api.Result, error)
	// Pull returns the feed's page behind the cursor, "" for its beginning.
	Pull(ctx context.Context, cursor string, limit int) (api.ChangePage, error)
	// Fetch returns one entity as the server has it now; a change with Deleted
	// set when it has none.
	Fetch(ctx context.Context, ref queue.Ref) (api.Change, error)
	// Bucket returns a page of a bucket. Only a server whose feed has digests is
	// asked for one.
	Bucket(ctx context.Context, q BucketQuery) (api.BucketPage, error)
}

// BucketQuery asks for a page of the live entities of a bucket, by id: those behind
// After ("" for all), at most Limit. Cursor is how far the feed was read: the answer
// is not older than that.
type BucketQuery struct {
	Type   string
	Bucket int
	Cursor string
	After  string
	Limit  int
}

// HTTPRemote is the Remote that speaks the protocol of docs/openapi.yaml.
type HTTPRemote struct {
	HTTP HTTP
	// Paths are the resources by entity type, such as "/api/v1/users".
	Paths map[string]string
	// Observe, when set, is told the server's clock at each answer that has one.
	Observe func(server time.Time)
}

var _ Remote = (*HTTPRemote)(nil)

// Push implements Remote with POST /api/v1/operations.
func (s *HTTPRemote) Push(ctx context.Context, clientID string, operations []queue.Operation) ([]api.Result, error) {
	batch := api.Batch{ClientID: clientID, Operations: make([]api.Operation, len(operations))}
	for i, o := range operations {
		batch.Operations[i] = o.Wire()
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return nil, fmt.Errorf("encode a batch: %w", err)
	}
	var answer api.BatchResult
	if err := s.ask(ctx, Request{Method: "POST", Path: "/api/v1/operations", Body: body}, &answer); err != nil {
		return nil, err
	}
	if err := answersBatch(batch, answer.Results); err != nil {
		return nil, noAnswer(err)
	}
	return answer.Results, nil
}

// answersBatch checks that results answer the operations one for one: anything
// else would acknowledge an operation the server never saw.
func answersBatch(batch api.Batch, results []api.Result) error {
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

// Pull implements Remote with GET /api/v1/changes.
func (s *HTTPRemote) Pull(ctx context.Context, cursor string, limit int) (api.ChangePage, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	var page api.ChangePage
	if err := s.ask(ctx, Request{Method: "GET", Path: "/api/v1/changes?" + q.Encode()}, &page); err != nil {
		return api.ChangePage{}, err
	}
	if page.Cursor == "" || (page.HasMore && page.Cursor == cursor) {
		return api.ChangePage{}, noAnswer(errors.New("a page of changes without a cursor to go on from"))
	}
	for _, c := range page.Changes {
		if c.EntityID == "" || c.EntityType == "" || c.Version < 1 || c.Deleted != queue.IsNull(c.Document) {
			return api.ChangePage{}, noAnswer(errors.New("a page of changes with a broken change"))
		}
	}
	return page, nil
}

// Bucket implements Remote with GET /api/v1/buckets/{bucket}.
func (s *HTTPRemote) Bucket(ctx context.Context, q BucketQuery) (api.BucketPage, error) {
	v := url.Values{"entityType": {q.Type}, "cursor": {q.Cursor}, "limit": {strconv.Itoa(q.Limit)}}
	if q.After != "" {
		v.Set("after", q.After)
	}
	var page api.BucketPage
	if err := s.ask(ctx, Request{Method: "GET", Path: "/api/v1/buckets/" + strconv.Itoa(q.Bucket) + "?" + v.Encode()}, &page); err != nil {
		return api.BucketPage{}, err
	}
	if err := answersBucket(q, page); err != nil {
		return api.BucketPage{}, noAnswer(err)
	}
	return page, nil
}

// answersBucket checks that a page is of the bucket that was asked for: what is not
// in it will be removed from this device.
func answersBucket(q BucketQuery, page api.BucketPage) error {
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

// Fetch implements Remote with GET of the entity's resource.
func (s *HTTPRemote) Fetch(ctx context.Context, ref queue.Ref) (api.Change, error) {
	path, ok := s.Paths[ref.Type]
	if !ok {
		return api.Change{}, fmt.Errorf("no resource for entities of type %q", ref.Type)
	}
	var document json.RawMessage
	err := s.ask(ctx, Request{Method: "GET", Path: path + "/" + url.PathEscape(ref.ID)}, &document)
	change := api.Change{EntityType: ref.Type, EntityID: ref.ID}
	var o *RequestError
	if errors.As(err, &o) && o.Problem.Code == api.CodeNotFound {
		change.Deleted = true
		return change, nil
	}
	if err != nil {
		return api.Change{}, err
	}
	var head struct {
		ID      string `json:"id"`
		Version int64  `json:"version"`
	}
	if err := json.Unmarshal(document, &head); err != nil || head.ID != ref.ID || head.Version < 1 {
		return api.Change{}, noAnswer(errors.New("an answer that is not this entity"))
	}
	change.Version, change.Document = head.Version, document
	return change, nil
}

// ask sends a request and decodes a good answer into out.
func (s *HTTPRemote) ask(ctx context.Context, r Request, out any) error {
	r.Header = map[string]string{"Accept": "application/json"}
	if r.Body != nil {
		r.Header["Content-Type"] = "application/json"
	}
	resp, err := s.HTTP.Do(ctx, r)
	ReportProgress(ctx)
	if err != nil {
		return noAnswer(err)
	}
	if o := Classify(resp); o != nil {
		o.observe(s.Observe, resp)
		return o
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		return noAnswer(fmt.Errorf("decode the answer: %w", err))
	}
	observe(s.Observe, resp)
	return nil
}

func (o *RequestError) observe(f func(time.Time), resp Response) {
	if o.Kind != NoAnswer {
		observe(f, resp)
	}
}

// observe passes on the Date header (RFC 9110, section 6.6.1; whole seconds,
// hence the half second that it is late on average).
func observe(f func(time.Time), resp Response) {
	if f == nil || resp.Header["age"] != "" { // some cache's copy, which tells an old time
		return
	}
	if t, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", resp.Header["date"]); err == nil {
		f(t.Add(500 * time.Millisecond))
	}
}

func isJSON(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.TrimSpace(strings.ToLower(t))
	return t == "application/json" || t == "application/problem+json"
}
