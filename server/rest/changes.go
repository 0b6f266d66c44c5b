package rest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/coding"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

func (s *server) listChanges(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	limit, ok := parseLimit(q.Get("limit"), api.DefaultChanges, api.MaxChanges)
	if !ok {
		return store.Invalid("Invalid query", api.FieldError{
			Field: "limit", Detail: fmt.Sprintf("must be a number from 1 to %d", api.MaxChanges)})
	}
	media := chooseMedia(r)
	page, err := s.pageFor(r, media, func(ctx context.Context) (content, error) {
		page, err := s.store.Changes(ctx, q.Get("cursor"), limit)
		if err == nil && media == api.LinesType && page.InLines() {
			return content{sizeOf(page.Changes), media, func(w io.Writer) error { return feed.WriteLines(w, page) }}, nil
		}
		return content{sizeOf(page.Changes), mediaJSON, func(w io.Writer) error { return feed.WritePage(w, page) }}, err
	})
	if err != nil {
		return err
	}
	setSyncedCookie(w, r)
	return s.sendPage(w, r, page)
}

// chooseMedia returns the media type of a page of changes that the client prefers, JSON if it
// names none of ours.
func chooseMedia(r *http.Request) string {
	chosen, ok := coding.Choose(r.Header.Values("Accept"), mediaJSON, api.LinesType)
	if !ok {
		return mediaJSON
	}
	return chosen
}

// sizeOf estimates the bytes that changes take.
func sizeOf(changes []api.Change) (n int64) {
	for _, c := range changes {
		n += int64(len(c.Document))
	}
	return n
}

func (s *server) listBucket(w http.ResponseWriter, r *http.Request) error {
	q, err := parseBucket(r)
	if err != nil {
		return err
	}
	page, err := s.store.Bucket(r.Context(), q)
	if err != nil {
		return err
	}
	return s.sendOwn(w, r, content{sizeOf(page.Changes), mediaJSON, func(w io.Writer) error { return feed.WriteBucket(w, page) }})
}

func parseBucket(r *http.Request) (store.BucketQuery, error) {
	v, err := query(r)
	if err != nil {
		return store.BucketQuery{}, err
	}
	q := store.BucketQuery{Cursor: v.Get("cursor"), After: v.Get("after")}
	var errs []api.FieldError
	check := func(bad bool, field, detail string) {
		if bad {
			errs = append(errs, api.FieldError{Field: field, Detail: detail})
		}
	}
	n, err := strconv.Atoi(r.PathValue("bucket"))
	check(err != nil || n < 0 || n >= api.Buckets || strconv.Itoa(n) != r.PathValue("bucket"),
		"bucket", fmt.Sprintf("must be a number from 0 to %d", api.Buckets-1))
	check(v.Get("entityType") != api.EntityUser, "entityType", `is unknown; it must be "user"`)
	check(q.Cursor == "", "cursor", "is required; use the one from the feed's last page")
	check(q.After != "" && !api.ValidID(q.After), "after", "must be the id of the last user on the previous page")
	limit, ok := parseLimit(v.Get("limit"), api.DefaultChanges, api.MaxChanges)
	check(!ok, "limit", fmt.Sprintf("must be a number from 1 to %d", api.MaxChanges))
	if len(errs) > 0 {
		return q, store.Invalid("Invalid query", errs...)
	}
	q.Bucket, q.Limit = n, limit
	return q, nil
}

// streamEvents sends an event when the feed has changes after the client's cursor: at the
// start, unless its Last-Event-ID is the head, and after each change. Changes while an event
// is being sent become one event.
func (s *server) streamEvents(w http.ResponseWriter, r *http.Request) error {
	network := scopeOf(r.Context()).network
	if s.admission.streams.Take(network, 1) != nil {
		return api.NewProblem(api.CodeUnavailable, "Too many event streams", "the server has no room for another one now; try again later")
	}
	defer s.admission.streams.Release(network, 1)
	notifications, unsubscribe := s.hub.Subscribe() // before reading the head, so that no change is missed
	defer unsubscribe()
	changed := s.gate.Changed() // before looking again, so that no revocation is missed
	if err := s.authorise(r, account.Viewer); err != nil {
		return err
	}
	head, err := s.heads.get(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies must not buffer events
	out := events{w: w, rc: http.NewResponseController(w)}
	// The server's read timeout would end the stream.
	if err := out.rc.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("start a stream: %w", err)
	}
	if r.Method == http.MethodHead {
		return nil
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
			return nil
		case <-s.hub.Done():
			return nil
		case <-changed:
			if changed = s.gate.Changed(); !s.still(r, account.Viewer) {
				return nil // the client reconnects, and is told why not
			}
		case <-pings.C:
			if !s.still(r, account.Viewer) {
				return nil
			}
			err = out.send(ping)
		case since := <-notifications:
			next, failed := s.heads.get(r.Context())
			if failed != nil && r.Context().Err() == nil {
				s.log.Error("ended an event stream: the feed's head can't be read; the client reconnects", "request", scopeOf(r.Context()).id, "error", failed)
			}
			if failed != nil {
				return nil
			}
			if next != head {
				var text string
				text, head = s.news(r, head, next)
				err = out.send(text)
				s.metrics.lag.Observe(time.Since(since).Seconds())
			}
		}
	}
	return nil
}

// Bounds of the changes in an event: of more, a client reads a page.
const (
	maxNews      = 20
	maxNewsBytes = 16 << 10
)

// news is the event for a client that was told of the feed up to one cursor, when it has grown
// to another, and the cursor that it tells of. Few changes are in the event itself, in lines,
// for a client that reads them. All clients that were told as much share one read.
func (s *server) news(r *http.Request, after, head string) (text, cursor string) {
	if protocolOf(r) < api.ProtocolNews {
		return event(head), head
	}
	ready, err := s.pages.get("news "+after+" "+head, scopeOf(r.Context()).network, func() (*page, error) {
		few, err := s.store.Changes(context.WithoutCancel(r.Context()), after, maxNews)
		if err != nil {
			return nil, err
		}
		p := &page{body: []byte(event(head)), told: head}
		if !few.HasMore && few.InLines() && sizeOf(few.Changes) <= maxNewsBytes {
			few.After = after
			p.body, p.told = eventWith(few), few.Cursor
		}
		s.pages.add("news "+after+" "+head, p)
		return p, nil
	})
	if err != nil {
		return event(head), head // the client's own read says what is wrong
	}
	return string(ready.body), ready.told
}

// eventWith is the event that brings a page. It has no digest: a client compares that when it
// reads the feed.
func eventWith(p api.ChangePage) []byte {
	p.Digests, p.Epoch = nil, ""
	lines := p.AppendHead(nil)
	for _, c := range p.Changes {
		lines = c.AppendLine(lines)
	}
	text := []byte("event: change\nid: " + p.Cursor + "\n")
	for line := range bytes.Lines(p.AppendEnd(lines)) {
		text = append(append(text, "data: "...), line...)
	}
	return append(text, '\n')
}

// event says that the feed has changes up to a cursor.
func event(cursor string) string {
	return "event: change\nid: " + cursor + "\ndata: {\"cursor\":\"" + cursor + "\"}\n\n"
}

// ping shows that the stream is alive. It is an event, since a browser's EventSource does not
// report comments. It has no id, so Last-Event-ID stays.
const ping = "event: ping\ndata: {}\n\n"

type events struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (s events) send(text string) error {
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write to the stream: %w", err)
	}
	if err := s.rc.Flush(); err != nil {
		return fmt.Errorf("send the stream's events: %w", err)
	}
	// Over HTTP/2, a deadline that passes between two events would end the stream.
	return s.rc.SetWriteDeadline(time.Time{})
}
