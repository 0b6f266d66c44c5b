package sim

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/sync"
)

// network is a slot's connection to the server.
type network struct {
	*slot
}

var _ sync.HTTP = network{}

var (
	errNetwork = errors.New("the network failed")
	errCut     = errors.New("the answer broke off")
)

// portalPage is the answer of a captive portal.
var portalPage = []byte("<!doctype html><title>Sign in to this network</title>")

// interceptions are the answers of intermediaries that do not pass the request on.
var interceptions = map[Fault]sync.Response{
	Portal:    {Status: 200, Header: map[string]string{"content-type": "text/html"}, Body: portalPage},
	Portal403: {Status: 403, Header: map[string]string{"content-type": "text/html"}, Body: portalPage},
	Busy429:   {Status: 429, Header: map[string]string{"content-type": "text/plain", "retry-after": "20"}},
	Broken500: {Status: 500, Header: map[string]string{"content-type": "text/plain"}},
	Gate502:   {Status: 502, Header: map[string]string{"content-type": "text/html"}, Body: portalPage},
	Busy503:   {Status: 503, Header: map[string]string{"content-type": "text/plain", "retry-after": "5"}},
	Timeout:   {Status: 408, Header: map[string]string{"content-type": "text/plain"}},
}

var (
	unauthorized = sync.Response{Status: 401, Header: map[string]string{"content-type": "text/plain"}}
	tooLarge     = sync.Response{Status: 413, Header: map[string]string{"content-type": "text/plain"}}
)

// quickAnswer bounds the time of an answer whose date may set the clock.
const quickAnswer = 10 * time.Second

// Do implements sync.HTTP.
func (n network) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	n.slot = n.me()
	n.w.logf("%s sends %s %s %s", n.who, r.Method, r.Path, r.Body)
	n.checkRequest(r)
	r = n.dressed(r, true)
	if n.w.accounts.are() && n.b.account != n.b.device.account {
		n.w.stats.hit("worked for another account than the device's")
	}
	// A batch without operations asks whether the server is there. What is answered says nothing
	// about operations.
	asks := r.Body != nil && len(n.batch) == 0
	if !asks {
		n.answer = answer{}
	}
	sent := n.b.clock()
	f := n.pause(sending)
	resp, err := n.send(ctx, r, f)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if len(n.batch) == 1 {
		mine := attempts{n.who, n.batch[0].ID}
		n.b.alone[mine]++
		if err == nil && resp.Status == 200 && json.Valid(resp.Body) {
			delete(n.b.alone, mine)
		}
	}
	if err != nil {
		return sync.Response{}, err
	}
	n.w.logf("%s receives %d %s", n.who, resp.Status, resp.Body)
	if !asks {
		n.noteAnswer(resp)
	}
	if took := n.b.clock().Sub(sent); took >= 0 && took <= quickAnswer && !n.clockJumped && resp.Header["date"] != "" && resp.Header["age"] == "" && readable(resp) {
		n.clockMeasured = true
	}
	return resp, nil
}

// readable reports whether an answer is whole.
func readable(resp sync.Response) bool {
	if resp.InLines() {
		_, err := api.ParseLines(resp.Body)
		return err == nil
	}
	return json.Valid(resp.Body)
}

// send delivers the request and the answer, as far as f and the state of the world allow.
func (n network) send(ctx context.Context, r sync.Request, f Fault) (sync.Response, error) {
	if n.b.offline {
		n.w.stats.hit("request while offline")
		if n.b.oneWay && !n.b.signedOut {
			n.w.stats.hit("request arrived, no answer can")
			n.w.server.answer(r)
		}
		return sync.Response{}, errNetwork
	}
	if instead, ok := interceptions[f]; ok {
		n.w.stats.fault(f)
		return instead, nil
	}
	if limit := n.w.script.BodyLimit; limit > 0 && !n.w.healed && len(r.Body) > limit {
		n.w.stats.hit("413")
		return tooLarge, nil
	}
	if n.b.signedOut {
		n.w.stats.hit("401")
		return unauthorized, nil
	}
	switch f {
	case Lost:
		n.w.stats.fault(f)
		return sync.Response{}, errNetwork
	case Late:
		n.w.stats.fault(f)
		n.w.inFlight = append(n.w.inFlight, late{r, n.w.now})
		return sync.Response{}, errNetwork
	case Echo:
		n.w.stats.fault(f)
		n.w.inFlight = append(n.w.inFlight, late{r, n.w.now})
	case Twice:
		n.w.stats.fault(f)
		n.w.server.answer(r)
	}
	if ctx.Err() != nil {
		return sync.Response{}, context.Cause(ctx)
	}
	resp := n.w.server.answer(r)
	f = n.pause(answering)
	if readsFeed(r) {
		old, copied := n.b.pages[r.Path]
		if copied = copied && f == OldCopy; copied {
			n.w.stats.fault(f)
			resp = old
			resp.Header = maps.Clone(old.Header)
			resp.Header["age"] = "1"
		} else {
			n.b.pages[r.Path] = resp
		}
		n.b.noteCopy(resp, copied)
	}
	return n.back(resp, f)
}

// back delivers the answer.
func (n network) back(resp sync.Response, f Fault) (sync.Response, error) {
	if n.b.offline {
		return sync.Response{}, errCut
	}
	if f != NoFault && f != OldCopy {
		n.w.stats.fault(f)
	}
	switch f {
	case AnswerLost:
		return sync.Response{}, errCut
	case ServerDied:
		n.w.must(n.w.server.crash())
		return sync.Response{}, errCut
	case Truncated:
		resp.Body = resp.Body[:len(resp.Body)/2]
	case Answered500:
		return interceptions[Broken500], nil
	case Answered502:
		return interceptions[Gate502], nil
	case ShuffledBack:
		resp.Body = shuffled(resp.Body)
	case ReplyDelayed:
		n.w.pass(30 * time.Second)
	}
	return resp, nil
}

// shuffled reverses the results of a batch.
func shuffled(body []byte) []byte {
	var b struct {
		Results []json.RawMessage `json:"results"`
	}
	if json.Unmarshal(body, &b) != nil || len(b.Results) < 2 {
		return body
	}
	slices.Reverse(b.Results)
	out, err := json.Marshal(b)
	if err != nil {
		return body
	}
	return out
}

// answer is the last answer a slot received, for the checker.
type answer struct {
	status  int                   // 0 for no answer
	batch   []api.Operation       // of the request
	results map[string]api.Result // of a batch, by operation
}

// checkRequest checks a request as it leaves the browser.
func (n network) checkRequest(r sync.Request) {
	n.w.stats.requests++
	n.requests++
	n.w.stats.most("requests in one go", n.requests)
	if n.requests > maxRequests {
		n.w.fail(12, "%s sent %d requests and does not stop", n.who, n.requests)
	}
	if n.inTransaction {
		n.w.fail(12, "%s sends a request within a transaction", n.who)
	}
	if len(r.Body) > api.MaxBody {
		n.w.fail(12, "a body of %d bytes", len(r.Body))
	}
	n.batch = nil
	if readsFeed(r) {
		n.reads++
	}
	if r.Body == nil {
		n.checkPageRequest(r)
		return
	}
	var b api.Batch
	if err := json.Unmarshal(r.Body, &b); err != nil {
		n.w.fail(12, "a body is not a batch: %v", err)
		return
	}
	if len(b.Operations) > api.MaxOperations {
		n.w.fail(12, "a batch of %d operations", len(b.Operations))
	}
	n.batch = b.Operations
	n.b.checker.checkBatch(b.Operations)
}

func (n network) checkPageRequest(r sync.Request) {
	_, query, _ := strings.Cut(r.Path, "?")
	q, err := url.ParseQuery(query)
	if limit := q.Get("limit"); limit != "" {
		if v, bad := strconv.Atoi(limit); bad != nil || err != nil || v < 1 || v > api.MaxChanges {
			n.w.fail(12, "a page of %q changes was requested", limit)
		}
	}
}

func readsFeed(r sync.Request) bool {
	return r.Body == nil && strings.HasPrefix(r.Path, api.PathChanges)
}

// maxRequests bounds the requests of a round: its pushes, each with an empty one that asks
// whether the server is there, and each page at most twice, since the feed may start over.
const maxRequests = 2*sync.MaxPushes + 2*sync.MaxPages + sync.MaxRepairPages

// noteAnswer notes what an answer says about operations.
func (n network) noteAnswer(resp sync.Response) {
	n.answer.status, n.answer.batch = resp.Status, n.batch
	var b api.BatchResult
	if n.batch == nil || resp.Status != 200 || json.Unmarshal(resp.Body, &b) != nil {
		return
	}
	n.answer.results = map[string]api.Result{}
	for _, r := range b.Results {
		n.answer.results[r.ID] = r
		if r.Problem != nil && r.Problem.Code == api.CodeForbidden {
			n.w.stats.hit("operation forbidden")
		}
	}
}

// oldHostHTTP is the network of a host of an earlier version, which sent no stamps.
type oldHostHTTP struct {
	sync.HTTP
	stats *Stats
}

// Do implements sync.HTTP.
func (o oldHostHTTP) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	var b api.Batch
	if r.Body != nil && json.Unmarshal(r.Body, &b) == nil {
		o.stats.hit("sent by an older version")
		for i := range b.Operations {
			b.Operations[i].Stamp = ""
		}
		body, err := json.Marshal(b)
		if err != nil {
			return sync.Response{}, err
		}
		r.Body = body
	}
	return o.HTTP.Do(ctx, r)
}

// noDigests is the remote of an earlier version, which did not compare digests.
type noDigests struct{ sync.Remote }

// Pull implements sync.Remote.
func (n noDigests) Pull(ctx context.Context, cursor string, limit int) (api.ChangePage, error) {
	page, err := n.Remote.Pull(ctx, cursor, limit)
	page.Digests = nil
	return page, err
}

// smallPages is a remote that limits its pages to most changes.
type smallPages struct {
	sync.Remote
	most int
}

// Bucket implements sync.Remote.
func (s smallPages) Bucket(ctx context.Context, q sync.BucketQuery) (api.BucketPage, error) {
	q.Limit = min(q.Limit, s.most)
	return s.Remote.Bucket(ctx, q)
}

// Pull implements sync.Remote.
func (s smallPages) Pull(ctx context.Context, cursor string, limit int) (api.ChangePage, error) {
	return s.Remote.Pull(ctx, cursor, min(limit, s.most))
}
