package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Bounds of the plain REST mode.
const (
	// DefaultOverlap is how far a poll reaches back before the last change seen, so that
	// it misses neither changes with equal times nor those that commit late.
	DefaultOverlap = time.Minute
	// DefaultListEvery is how often everything is listed, to find what was deleted.
	DefaultListEvery = 15 * time.Minute
	// restartListing is how old a listing must be for a restart to make another.
	restartListing = time.Minute
	methodGet      = "GET" // a page has no net/http
	// dateLayout has a fixed width, so that its texts sort like the times.
	dateLayout = "2006-01-02T15:04:05.000Z"
)

// REST is the sync.Remote for a backend that has plain resources only. Whether
// operations take effect once, and whether conflicts are found, depends on the backend;
// see Dialect.
//
// A lost answer does no harm: the retry finds the row as the first attempt left it, and
// counts as a success. Deletions leave no trace in a poll; a listing of everything finds
// them, see ListEvery. A backend that does not keep the id of a create gets no second one
// of that type; see CodeBackendIDs. One round at a time may use it.
type REST struct {
	// HTTP sends the requests. Required.
	HTTP sync.HTTP
	// Paths are the collections by entity type, such as "/users": POST to it creates,
	// GET lists, and GET, PATCH (or PUT) and DELETE go to "/users/ID". Required; an
	// operation of a type without a path fails.
	Paths map[string]string
	// Dialect says how the backend names things. Its zero value works with any backend
	// that answers with arrays of rows, and reads all of them at each pull.
	Dialect Dialect
	// Now is the device's clock. Required.
	Now func() time.Time
	// Overlap is how far a poll reaches back; 0 means DefaultOverlap. One shorter than
	// the backend's longest transaction misses what commits late, until the next listing.
	Overlap time.Duration
	// ListEvery is the time between listings of everything; 0 means DefaultListEvery.
	// Deletions show that late. A short one costs a full download each time.
	ListEvery time.Duration
	// Observe, when set, receives the backend's clock with each answer that has a Date.
	// Without it the engine doesn't correct the device's clock.
	Observe func(backend time.Time)

	pulled bool          // since the start
	skew   time.Duration // backend clock minus device clock
	ids    creations
}

var _ sync.Remote = (*REST)(nil)

// Fetch implements sync.Remote with GET of the entity's resource.
func (r *REST) Fetch(ctx context.Context, ref queue.Ref) (api.Change, error) {
	current, err := r.read(ctx, ref)
	if err != nil {
		return api.Change{}, err
	}
	if current == nil {
		return api.Change{EntityType: ref.Type, EntityID: ref.ID, Deleted: true}, nil
	}
	return current.change(ref.Type), nil
}

// Bucket implements sync.Remote. The engine never calls it, because a plain list has no
// digests. The listings of everything do what they are for.
func (r *REST) Bucket(context.Context, sync.BucketQuery) (api.BucketPage, error) {
	return api.BucketPage{}, errors.New("plain resources have no buckets")
}

// read returns the entity as the backend has it, nil when it has none.
func (r *REST) read(ctx context.Context, ref queue.Ref) (*row, error) {
	path, err := r.path(ref.Type)
	if err != nil {
		return nil, err
	}
	q := sync.Request{Method: methodGet, Path: api.ItemPath(path, ref.ID), Header: map[string]string{}}
	resp, err := r.send(ctx, q)
	var failed *sync.RequestError
	if errors.As(err, &failed) && notFound(failed) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	current, err := r.parseRow(resp.Body)
	if err == nil && current.id != ref.ID {
		err = &otherRow{asked: ref.ID, got: current.id}
	}
	if err != nil {
		return nil, misfit(q, err)
	}
	if tag := resp.Header["etag"]; strings.HasPrefix(tag, `"`) {
		current.etag = tag
	}
	return current, nil
}

func (r *REST) path(entityType string) (string, error) {
	path, ok := r.Paths[entityType]
	if !ok {
		return "", fmt.Errorf("no resource for entities of type %q", entityType)
	}
	return path, nil
}

// send sends a request and returns the good answer; any other is a *sync.RequestError.
func (r *REST) send(ctx context.Context, q sync.Request) (sync.Response, error) {
	q.Header["Accept"] = "application/json"
	if q.Body != nil {
		q.Header["Content-Type"] = "application/json"
	}
	resp, err := r.HTTP.Do(ctx, q)
	sync.ReportProgress(ctx)
	if err != nil {
		return sync.Response{}, sync.NoAnswerError(err)
	}
	failed := classify(q, resp)
	if failed == nil || failed.Kind != sync.NoAnswer {
		r.observeClock(resp)
	}
	if failed != nil {
		return sync.Response{}, failed
	}
	return resp, nil
}

func (r *REST) observeClock(resp sync.Response) {
	backend, ok := resp.ServerTime()
	if !ok {
		return
	}
	if r.Observe != nil {
		r.Observe(backend)
	}
	r.skew = sync.ClockSkew(backend, r.Now())
}

// notFound reports whether the backend says that it doesn't have this entity.
func notFound(err *sync.RequestError) bool {
	return (err.Status == 404 || err.Status == 410) && err.Kind == sync.Refused
}

// classify is sync.Classify for other backends: the answer to a write may have no body, or
// any but HTML, and an error that is JSON of any shape comes from the backend.
func classify(q sync.Request, resp sync.Response) *sync.RequestError {
	if succeeded := resp.Status >= 200 && resp.Status < 300; succeeded && q.Method != methodGet && !resp.IsJSON() && !isHTML(resp) {
		return nil
	}
	failed := sync.Classify(resp)
	if failed == nil {
		return nil
	}
	if resp.Status < 400 || resp.Status >= 500 || !resp.IsJSON() || !jsoncodec.Valid(resp.Body) {
		if failed.Kind == sync.NoAnswer {
			failed.Problem = unusable(q, resp)
		}
		return failed
	}
	problem, ours := resp.Problem()
	if problem.Code == api.CodeNoRoute { // about the address, not about the entity
		return &sync.RequestError{Kind: sync.Unavailable, Status: resp.Status, Problem: problem}
	}
	if failed.Kind == sync.NoAnswer || failed.Kind == sync.Resync {
		failed.Kind = sync.Refused
	}
	if !ours && failed.Kind == sync.Refused {
		problem = foreignProblem(resp)
	}
	failed.Problem, failed.Err = problem, nil
	return failed
}

func isHTML(resp sync.Response) bool {
	return strings.Contains(resp.Header["content-type"], "html") || bytes.HasPrefix(bytes.TrimSpace(resp.Body), []byte("<"))
}

// unusable is the problem of an answer that may not be the backend's.
func unusable(q sync.Request, resp sync.Response) api.Problem {
	media := resp.Header["content-type"]
	if media == "" {
		media = "no content type"
	}
	return api.Problem{Code: api.CodeUnavailable, Title: "The answer is not the backend's JSON", Detail: fmt.Sprintf(
		"%s was answered with status %d and %s. If the backend answered, it must answer errors as JSON, too, and the address may be wrong: "+
			"see Paths. Otherwise the network may want you to sign in.", address(q), resp.Status, media)}
}

// misfit is the error of an answer that is JSON, yet not what the Dialect says.
func misfit(q sync.Request, err error) *sync.RequestError {
	return &sync.RequestError{Kind: sync.Unavailable, Err: err, Problem: api.Problem{
		Code: api.CodeUnavailable, Title: "The backend's answer is not what Dialect says",
		Detail: fmt.Sprintf("%s was answered with %v", address(q), err),
	}}
}

func address(q sync.Request) string {
	path, _, _ := strings.Cut(q.Path, "?")
	return q.Method + " " + path
}

// foreignProblem finds what another backend's error says for a person.
func foreignProblem(resp sync.Response) api.Problem {
	p := api.Problem{Status: resp.Status, Code: api.CodeInvalid, Title: "The server does not take this (status " + strconv.Itoa(resp.Status) + ")"}
	body := queue.Decode(resp.Body)
	for _, wanted := range []string{"detail", "message", "error", "title"} {
		for name, value := range body {
			if text, ok := queue.Text(value); ok && text != "" && strings.EqualFold(name, wanted) {
				p.Detail = text
				return p
			}
		}
	}
	return p
}
