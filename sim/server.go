package sim

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/signin"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/memory"
	"github.com/rollcall/rollcall/server/store/sqlite"
	engine "github.com/rollcall/rollcall/wasm/sync"
)

// backend is a store of the server with its housekeeping.
type backend interface {
	rest.Store
	Collect(ctx context.Context, before time.Time) (int64, error)
	Prune(ctx context.Context, before time.Time) (int64, error)
	Close() error
}

// server is the real server code over a store, followed by the model.
type server struct {
	w       *world
	store   backend
	handler *handler
	gate    *signin.Gate // nil without accounts
	model   *model
	asked   int // whose session the request has that is being answered

	era  int            // incremented when the data go back to a copy
	eras map[uint64]int // by the feed's epoch

	made   event  // the last
	serial uint64 // unique among all histories

	dir   string       // of the SQLite files; "" for the store in memory
	life  int          // incremented when the process is killed
	saved *savedServer // the backup, nil for none
	// rolledBack says that data went back unnoticed: what was lost shows in digests alone.
	rolledBack bool
	digests    bool // since rows were given up for room
}

type savedServer struct {
	model  snapshot
	memory *memory.Store
}

// handler is the server's code above the store. It keeps nothing of a history, so it is
// reused across histories.
type handler struct {
	http.Handler
	observedStore *observedStore
}

var handlers = sync.Pool{New: func() any {
	w := &observedStore{}
	return &handler{rest.New(rest.Config{Store: w, Hub: feed.NewHub()}), w}
}}

// observedStore reports writes to the model.
type observedStore struct {
	rest.Store
	s *server
}

func (o *observedStore) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	o.s.w.accounts.checkWrites(writes, o.s.asked)
	outcomes, err := o.Store.Apply(ctx, writes)
	if err == nil {
		o.s.model.observe(writes, outcomes)
	}
	return outcomes, err
}

// Revision differs between histories, since the reused handler caches pages by it, and once pages
// have digests.
func (o *observedStore) Revision(ctx context.Context) (string, error) {
	revision, err := o.Store.Revision(ctx)
	return fmt.Sprint(o.s.serial, " ", o.s.digests, " ", revision), err
}

// serials counts the servers of all histories.
var serials atomic.Uint64

// Changes omits the digests unless the script has them: without corruption replicas must
// converge without repairs, and a missing safeguard must not be repaired away.
func (o *observedStore) Changes(ctx context.Context, cursor string, limit int) (api.ChangePage, error) {
	page, err := o.Store.Changes(ctx, cursor, limit)
	if !o.s.w.script.Digests && !o.s.rolledBack && !o.s.digests {
		page.Digests = nil
	}
	return page, err
}

func newServer(w *world, onDisk bool) (*server, error) {
	s := &server{w: w, model: newModel(w), eras: map[uint64]int{}, serial: serials.Add(1)}
	if !w.accounts.are() {
		s.handler = handlers.Get().(*handler)
	}
	if onDisk {
		dir, err := os.MkdirTemp(scratch(), "rollcall-sim-")
		if err != nil {
			return nil, fmt.Errorf("make room for the server's file: %w", err)
		}
		s.dir = dir
		if err := s.open(); err != nil {
			return nil, err
		}
		return s, nil
	}
	m := memory.New(memory.Options{Now: s.now})
	m.Enter()
	err := s.serve(m)
	return s, err
}

// scratch is a directory for files that need not survive a reboot.
func scratch() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func (s *server) now() time.Time { return s.w.now }

func (s *server) file() string { return filepath.Join(s.dir, fmt.Sprintf("rollcall-%d.db", s.life)) }

func (s *server) backupFile() string { return filepath.Join(s.dir, "backup.db") }

func (s *server) open() error {
	db, err := sqlite.Open(context.Background(), s.file(), sqlite.Options{Now: s.now})
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	return s.serve(db)
}

func (s *server) serve(b backend) error {
	s.store = b
	if err := s.openGate(); err != nil {
		return err
	}
	*s.handler.observedStore = observedStore{b, s}
	head, err := b.Head(context.Background())
	if err != nil {
		return fmt.Errorf("read the feed's epoch: %w", err)
	}
	cursor, err := feed.ParseCursor(head)
	s.eras[cursor.Epoch] = s.era
	s.made = event{}
	for _, b := range s.w.browsers {
		b.closeStreams()
	}
	return err
}

// openGate gives the process a gate of its own, and a handler with it, if there are accounts.
func (s *server) openGate() (err error) {
	accounts, keeps := s.store.(signin.Store)
	if !s.w.accounts.are() || !keeps {
		return nil
	}
	if s.gate, err = signin.Open(context.Background(), accounts, signin.Options{Now: s.now}); err != nil {
		return fmt.Errorf("read the accounts: %w", err)
	}
	o := &observedStore{}
	s.handler = &handler{rest.New(rest.Config{Store: o, Hub: feed.NewHub(), Gate: s.gate}), o}
	return nil
}

// eraOf is the era of a cursor; -1 for none.
func (s *server) eraOf(c feed.Cursor) int {
	if era, ok := s.eras[c.Epoch]; ok {
		return era
	}
	return -1
}

// comparisonDue reports whether a browser with this cursor may have rows that the server has lost: a
// cursor of the present goes on where the data went back, and only a comparison shows what was lost.
func (s *server) comparisonDue(check string, cursor feed.Cursor) bool {
	return s.rolledBack && engine.ParseCheck(check).Epoch != strconv.FormatUint(cursor.Epoch, 16)
}

// close ends the server and removes its files.
func (s *server) close() error {
	err := s.store.Close()
	*s.handler.observedStore = observedStore{}
	if s.gate == nil {
		handlers.Put(s.handler)
	}
	if s.dir != "" {
		err = firstOf(err, os.RemoveAll(s.dir))
	}
	return err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// restart ends the process and starts another on the stored data.
func (s *server) restart() error {
	if m, ok := s.store.(*memory.Store); ok {
		m.Enter()
		return s.serve(m)
	}
	return firstOf(s.store.Close(), s.open())
}

// crash kills the process and starts another on the files it left: the database and its
// write-ahead log.
func (s *server) crash() error {
	if s.dir == "" {
		return s.restart()
	}
	killed, left := s.store, s.file()
	s.life++
	s.w.stats.hit("server killed with an open file")
	return firstOf(copyFile(left, s.file()), copyFile(left+"-wal", s.file()+"-wal"), s.open(), killed.Close())
}

// backup copies the stored data.
func (s *server) backup() error {
	saved := &savedServer{model: s.model.backup()}
	if m, ok := s.store.(*memory.Store); ok {
		saved.memory = m.Copy()
	} else if err := firstOf(s.store.Close(), copyFile(s.file(), s.backupFile()), s.open()); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	s.saved = saved
	return nil
}

// restore puts the backup back as OPERATIONS says.
func (s *server) restore() error {
	s.era++
	s.model.restore(s.saved.model)
	epoch := uint64(s.era)
	if s.saved.memory != nil {
		m, err := s.saved.memory.Restored(epoch)
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		return s.serve(m)
	}
	err := firstOf(s.store.Close(), copyFile(s.backupFile(), s.file()),
		sqlite.FinishRestore(context.Background(), s.file(), epoch, s.now()), s.open())
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// rollBack starts the server on the backup as it is.
func (s *server) rollBack() error {
	s.era++
	s.rolledBack = true
	s.w.pass(time.Millisecond) // no database is copied and started in less
	s.model.rollBack(s.saved.model)
	if s.saved.memory != nil {
		m := s.saved.memory.Copy()
		m.Enter()
		return s.serve(m)
	}
	if err := firstOf(s.store.Close(), copyFile(s.backupFile(), s.file()), s.open()); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// answer passes a request to the server's code and returns the answer.
func (s *server) answer(r engine.Request) engine.Response {
	u, err := url.ParseRequestURI(r.Path)
	if err != nil {
		s.w.fail(12, "a request to %q: %v", r.Path, err)
		return engine.Response{Status: http.StatusBadRequest}
	}
	req := &http.Request{
		Method: r.Method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "rollcall",
		RequestURI: r.Path, Header: http.Header{"X-Request-Id": {"sim"}},
		Body: io.NopCloser(bytes.NewReader(r.Body)), ContentLength: int64(len(r.Body)),
	}
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	if s.gate != nil {
		req.TLS = &tls.ConnectionState{}
	}
	s.asked = s.w.accounts.admitted(secretOf(r.Header["Cookie"]))
	rec := &recorder{header: http.Header{}}
	s.handler.ServeHTTP(rec, req)
	resp := engine.Response{Status: rec.status, Body: rec.body.Bytes(), Header: map[string]string{
		"date": s.w.now.UTC().Format(http.TimeFormat),
	}}
	for k := range rec.header {
		resp.Header[strings.ToLower(k)] = rec.header.Get(k)
	}
	s.w.accounts.checkAnswer(r, s.asked, resp)
	return resp
}

// recorder is an http.ResponseWriter that keeps the answer.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

// SetReadDeadline is for http.ResponseController.
func (r *recorder) SetReadDeadline(time.Time) error { return nil }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}
