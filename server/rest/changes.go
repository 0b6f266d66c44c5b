package rest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

func (s *server) listChanges(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, ok := parseLimit(q.Get("limit"), api.DefaultChanges, api.MaxChanges)
	if !ok {
		s.fail(w, r, store.Invalid("The feed can't be asked for so", api.FieldError{
			Field: "limit", Detail: fmt.Sprintf("must be a number from 1 to %d", api.MaxChanges)}))
		return
	}
	page := s.pageFor(w, r, func(ctx context.Context) (content, error) {
		page, err := s.store.Changes(ctx, q.Get("cursor"), limit)
		return content{sizeOf(page.Changes), func(w io.Writer) error { return feed.WritePage(w, page) }}, err
	})
	if page == nil {
		return
	}
	markSeen(w, r)
	s.sendPage(w, r, page)
}

// sizeOf is about how many bytes changes take.
func sizeOf(changes []api.Change) (n int64) {
	for _, c := range changes {
		n += int64(len(c.Document))
	}
	return n
}

func (s *server) listBucket(w http.ResponseWriter, r *http.Request) {
	q, err := parseBucket(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page, err := s.store.Bucket(r.Context(), q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.sendOwn(w, r, content{sizeOf(page.Changes), func(w io.Writer) error { return feed.WriteBucket(w, page) }})
}

func parseBucket(r *http.Request) (store.BucketQuery, error) {
	v := r.URL.Query()
	q := store.BucketQuery{Cursor: v.Get("cursor"), After: v.Get("after")}
	var errs []api.FieldError
	bad := func(is bool, field, detail string) {
		if is {
			errs = append(errs, api.FieldError{Field: field, Detail: detail})
		}
	}
	n, err := strconv.Atoi(r.PathValue("bucket"))
	bad(err != nil || n < 0 || n >= api.Buckets || strconv.Itoa(n) != r.PathValue("bucket"),
		"bucket", fmt.Sprintf("must be a number from 0 to %d", api.Buckets-1))
	bad(v.Get("entityType") != api.EntityUser, "entityType", `is not known; it must be "user"`)
	bad(q.Cursor == "", "cursor", "is required: the one that the feed's last page gave")
	bad(q.After != "" && !api.ValidID(q.After), "after", "must be the id of the last user of the page before")
	limit, ok := parseLimit(v.Get("limit"), api.DefaultChanges, api.MaxChanges)
	bad(!ok, "limit", fmt.Sprintf("must be a number from 1 to %d", api.MaxChanges))
	if len(errs) > 0 {
		return q, store.Invalid("The bucket can't be asked for so", errs...)
	}
	q.Bucket, q.Limit = n, limit
	return q, nil
}

// streamWrite is how long a client may take to receive an event; slower than
// that, and it is gone or never reads.
const streamWrite = 10 * time.Second

// streamEvents tells a client when there is something after the cursor it has:
// at connection, unless its Last-Event-ID is the newest, and after each change.
// What happens while an event is on its way is one event.
func (s *server) streamEvents(w http.ResponseWriter, r *http.Request) {
	if s.hub.Listeners() >= s.admission.limits.Streams {
		s.fail(w, r, api.NewProblem(api.CodeUnavailable, "Too many streams", "no more clients can listen now"))
		return
	}
	tells, stop := s.hub.Listen() // before the first look at the head: nothing falls between
	defer stop()
	head, err := s.heads.get(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies must not hold events back
	out := events{w: w, rc: http.NewResponseController(w)}
	// The server's read timeout is for requests; here it would end the stream.
	if err := out.rc.SetReadDeadline(time.Time{}); err != nil {
		s.fail(w, r, fmt.Errorf("begin a stream: %w", err))
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	first := "retry: 2000\n: connected\n\n"
	if r.Header.Get("Last-Event-ID") != head {
		first = "retry: 2000\n" + event(head)
	}
	pings := time.NewTicker(s.ping)
	defer pings.Stop()
	for err := out.send(first); err == nil; {
		select {
		case <-r.Context().Done():
			return
		case <-s.hub.Done():
			return
		case <-pings.C:
			err = out.send(ping)
		case since := <-tells:
			next, failed := s.heads.get(r.Context())
			if failed != nil && r.Context().Err() == nil {
				s.log.Error("stream ended", "request", scopeOf(r.Context()).id, "error", failed)
			}
			if failed != nil {
				return // the client comes back, and finds out then
			}
			if next != head {
				head = next
				err = out.send(event(head))
				s.metrics.lag.Observe(time.Since(since).Seconds())
			}
		}
	}
}

// event is the news that there is something before the given cursor.
func event(cursor string) string {
	return "event: change\nid: " + cursor + "\ndata: {\"cursor\":\"" + cursor + "\"}\n\n"
}

// ping shows that the stream is alive. It is an event, not a comment, because a
// browser's EventSource keeps comments to itself. It has no id: the last one counts.
const ping = "event: ping\ndata: {}\n\n"

type events struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (s events) send(text string) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return fmt.Errorf("set the stream's deadline: %w", err)
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write to the stream: %w", err)
	}
	return s.rc.Flush()
}
