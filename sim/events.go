package sim

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	stdsync "sync"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/wasm/sync"
)

// stream is what a host has of the server's event stream.
type stream struct {
	told   string   // the cursor that the server has told it of; "" while it is closed
	grown  int64    // how many changes the feed had then
	events []string // on their way: the data of each
	called bool     // an event has requested a round

	open   sync.Request // what it was opened with, and when the server was last asked about that
	looked int64
	still  bool
}

// streams reports whether the host's stream is open, or can be opened: the server looks at who
// has opened it again whenever an account has changed.
func (s *slot) streams() bool {
	if !s.w.accounts.are() {
		return true
	}
	now := 2*s.w.server.gate.State().Revision + int64(s.w.server.life)<<32
	if s.stream.told == "" {
		path := api.EventsPath(idOf(s.b.account))
		if s.mum() {
			path = api.PathEvents
		}
		r := s.dressed(sync.Request{Method: http.MethodHead, Path: path}, true)
		delete(r.Header, api.HeaderAccount)
		if s.stream.looked == now && s.stream.open.Header["Cookie"] == r.Header["Cookie"] {
			return s.stream.still
		}
		s.stream.open, s.stream.looked = r, 0
	}
	if s.stream.looked != now {
		s.stream.looked, s.stream.still = now, s.w.server.answer(s.stream.open).Status == http.StatusOK
	}
	if !s.stream.still {
		s.stream.told = ""
	}
	return s.stream.still
}

// follow has the server tell a host's stream of what has changed, or opens it. As luck has it, the
// event arrives at once, or with a later Tell or never, or is one with the next.
func (s *slot) follow() {
	share, change := s.b.config.Events, s.w.server.model.change
	if share == 0 || s.who.Kind != host || s.closed || s.b.offline || s.b.signedOut || !s.streams() || (s.stream.told != "" && s.stream.grown == change) {
		return
	}
	s.stream.grown = change
	luck := s.b.luck(change, s.who.Index)
	if s.stream.told != "" && luck%4 == 0 {
		return
	}
	head, err := s.w.server.store.Head(context.Background())
	s.w.must(err)
	told := s.stream.told
	s.stream.told = head
	if told == "" || told == head {
		return
	}
	var data string
	data, s.stream.told = s.w.server.event(told, head, s.protocol())
	s.stream.events = append(s.stream.events, data)
	s.w.logf("%s gets an event on its way: %q", s.who, data)
	if int(luck/4%100) < share {
		s.tell(2 * len(s.stream.events))
	}
}

// protocol is the version of the protocol that the host speaks.
func (s *slot) protocol() int {
	if s.b.config.OldHost && s.who.Index == 1 {
		return api.ProtocolNews - 1
	}
	return api.Protocol
}

// tell has the event number n/2 arrive: 0 is the last of those on their way, 1 the first. For an
// odd n, it comes again later. A frozen process gets it when it thaws.
func (s *slot) tell(n int) {
	count := len(s.stream.events)
	if s.frozen || s.closed || count == 0 {
		return
	}
	i := (n/2 + count - 1) % count
	s.w.stats.hit("event arrived")
	if i > 0 {
		s.w.stats.hit("event overtook another")
	}
	s.engine.Tell(s.stream.events[i])
	s.stream.called = true
	if n%2 == 1 {
		s.w.stats.hit("event doubled")
		return
	}
	s.stream.events = append(s.stream.events[:i:i], s.stream.events[i+1:]...)
}

// startCalled starts the round that an event has requested, as soon as no other runs.
func (s *slot) startCalled() {
	if s.stream.called && s.actor == nil && !s.frozen && !s.closed {
		s.stream.called = false
		s.round(sync.Stream)
	}
}

// closeStreams ends all event streams of a browser. What is on its way may still arrive.
func (b *browser) closeStreams() {
	if b == nil {
		return
	}
	for _, s := range b.slots {
		s.stream.told = ""
	}
}

// event returns the data of the event for a stream that was told of the feed up to a cursor, and
// the cursor that it tells of. Streams that were told as much get the same.
func (s *server) event(told, head string, protocol int) (data, cursor string) {
	if e := s.made; e.told != told || e.head != head || e.protocol != protocol {
		data, cursor = s.makeEvent(told, protocol)
		s.made = event{told, head, protocol, data, cursor}
	}
	return s.made.data, s.made.cursor
}

type event struct {
	told, head   string
	protocol     int
	data, cursor string
}

// streaming is the server's own code for event streams. It caches nothing of a history, so it is
// reused across histories.
type streaming struct {
	http.Handler
	hub   *feed.Hub
	store *toldStore
	used  time.Time
}

// streamings are at rest, the one first that was used first. A hub that has just notified keeps
// the next waiting.
var streamings struct {
	stdsync.Mutex
	list []*streaming
}

const hubRests = 100 * time.Millisecond

func takeStreaming() *streaming {
	streamings.Lock()
	defer streamings.Unlock()
	if len(streamings.list) > 0 && time.Since(streamings.list[0].used) > hubRests {
		s := streamings.list[0]
		streamings.list = streamings.list[1:]
		return s
	}
	s := &streaming{hub: feed.NewHub(), store: &toldStore{}}
	s.Handler = rest.New(rest.Config{Store: s.store, Hub: s.hub, Limits: rest.Limits{Bytes: 8}})
	return s
}

func (s *streaming) release() {
	s.hub.Notify() // it forgets the head
	s.store.observedStore, s.used = nil, time.Now()
	streamings.Lock()
	defer streamings.Unlock()
	streamings.list = append(streamings.list, s)
}

// makeEvent has the server's own code make the event for a stream that was told of the feed up to a
// cursor.
func (s *server) makeEvent(told string, protocol int) (data, cursor string) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	to := takeStreaming()
	defer to.release()
	to.store.observedStore, to.store.told = &observedStore{s.store, s}, told
	w := &eventWriter{header: http.Header{}, hub: to.hub, stop: stop}
	r := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: api.PathEvents, RawQuery: api.ParamProtocol + "=" + strconv.Itoa(protocol)},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "rollcall", Header: http.Header{"X-Request-Id": {"sim"}}, Body: http.NoBody,
	}
	to.ServeHTTP(w, r.WithContext(ctx))
	var lines []string
	for line := range strings.Lines(w.event) {
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			lines = append(lines, strings.TrimSuffix(text, "\n"))
		}
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			cursor = strings.TrimSuffix(id, "\n")
		}
	}
	return strings.Join(lines, "\n"), cursor
}

// toldStore is a store whose feed ended where a stream was told of it, until that is known.
type toldStore struct {
	*observedStore
	told string
}

// Head implements rest.Store.
func (t *toldStore) Head(ctx context.Context) (string, error) {
	if told := t.told; told != "" {
		t.told = ""
		return told, nil
	}
	return t.observedStore.Head(ctx)
}

// eventWriter is the client of an event stream. Once it is open, the feed changes, and after the
// event about that the client leaves.
type eventWriter struct {
	header http.Header
	hub    *feed.Hub
	stop   context.CancelFunc
	opened bool
	event  string
}

func (w *eventWriter) Header() http.Header { return w.header }

func (w *eventWriter) WriteHeader(int) {}

func (w *eventWriter) Write(b []byte) (int, error) {
	if w.opened {
		w.event = string(b)
		w.stop()
	}
	w.opened = true
	return len(b), nil
}

// FlushError, SetReadDeadline and SetWriteDeadline are for http.ResponseController.
func (w *eventWriter) FlushError() error {
	if w.event == "" {
		w.hub.Notify()
	}
	return nil
}

func (w *eventWriter) SetReadDeadline(time.Time) error { return nil }

func (w *eventWriter) SetWriteDeadline(time.Time) error { return nil }
