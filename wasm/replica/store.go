package replica

import (
	"context"
	"errors"
	"fmt"
	stdsync "sync"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Options say what a replica keeps, and where.
type Options struct {
	Database Database
	Schemas  []queue.Schema
	// Now dates rows of the feed.
	Now func() time.Time
	// NewID returns a new identity for a database.
	NewID func() string
	// Cache is how much memory the pages of the base may take, in bytes, and Texts how much those
	// that a search looks in; 0 means DefaultCache and DefaultTexts.
	Cache, Texts int
	// Reserve is how much room is kept for the person's work, in bytes; 0 means DefaultReserve.
	Reserve int
	// Bounds; the zero value means DefaultBounds.
	Bounds Bounds
	// Hidden, unless nil, reports whether nobody looks at what is read. The browser may have
	// frozen such a page, and a transaction that it begins never ends and holds up all
	// others; so it begins none merely to learn whether there is something new.
	Hidden func() bool
	// Publish, unless nil, gets each record that this replica has added to the log, for the
	// Receive of all other replicas of the database. It must not block.
	Publish func(Message)
}

// DefaultCache is what a page may keep of the base: a window of the list needs a hundredth.
// DefaultTexts are those of 120,000 people: each letter of a search looks through all of them.
const (
	DefaultCache = 12 << 20
	DefaultTexts = 20 << 20
)

// Message is a record of the log on its way to the other replicas.
type Message struct {
	Epoch string `json:"epoch"`
	Seq   int64  `json:"seq"`
	Text  string `json:"text"`
}

// Store is a replica. It is safe for concurrent use, and several may share a database.
type Store struct {
	options Options
	schemas map[string]queue.Schema
	// directories are the names of their texts, two of each type.
	directories []string
	// suspect is what Digest has found, by type. It outlives the state, which is read anew whenever
	// others have compacted: what disagrees still does.
	suspect map[string]*suspicion

	turn chan struct{} // held by who reads the texts

	mu     stdsync.Mutex     // never held while the database is asked
	state  *state            // nil: to be loaded
	opened int64             // Found.Opened of the state
	doubt  bool              // the log may have more
	early  map[int64]Message // that have overtaken others
	asked  time.Time         // when the database was last asked
}

var (
	_ sync.Store       = (*Store)(nil)
	_ repository.Store = (*Store)(nil)
)

// New returns a replica that reads its database when it is first used. It panics if one of
// the schemas can't work.
func New(o Options) *Store {
	w := sync.Wiring{Of: "replica.New"}
	w.Schemas(o.Schemas...)
	w.Need("Database", o.Database)
	w.Need("Now", o.Now)
	w.Need("NewID", o.NewID)
	w.Must()
	if o.Cache == 0 {
		o.Cache = DefaultCache
	}
	if o.Texts == 0 {
		o.Texts = DefaultTexts
	}
	if o.Reserve == 0 {
		o.Reserve = DefaultReserve
	}
	if o.Bounds == (Bounds{}) {
		o.Bounds = DefaultBounds
	}
	s := &Store{options: o, schemas: map[string]queue.Schema{}, suspect: map[string]*suspicion{}, turn: make(chan struct{}, 1)}
	for _, schema := range o.Schemas {
		s.suspect[schema.Type] = &suspicion{}
		s.schemas[schema.Type], s.directories = schema, append(s.directories, listName(schema), idsName(schema))
	}
	return s
}

// Receive takes a record in that another replica has published. One that is not the next
// makes the next read ask the database.
func (s *Store) Receive(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == nil:
	case m.Epoch != s.state.epoch:
		s.doubt = true // this one may have been there before the database had an identity
	case m.Seq <= s.state.seq:
	case m.Seq > s.state.seq+1:
		if len(s.early) < maxEarly {
			s.early[m.Seq] = m
		}
	case s.state.fold(Record{m.Seq, m.Text}, true) != nil:
		s.state = nil // reading it says why
	case len(s.early) > 0:
		s.takeEarly()
	}
}

// maxEarly is how many records are kept that have overtaken others: who has saved one
// publishes it when it gets to that.
const maxEarly = 64

// takeEarly takes in what has overtaken the record that came last.
func (s *Store) takeEarly() {
	for m, ok := s.early[s.state.seq+1]; ok; m, ok = s.early[s.state.seq+1] {
		if s.state.fold(Record{m.Seq, m.Text}, true) != nil {
			s.state = nil
			return
		}
	}
	for seq := range s.early {
		if seq <= s.state.seq {
			delete(s.early, seq)
		}
	}
}

// Doubt makes the next read ask the database: messages may have been lost.
func (s *Store) Doubt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubt = true
}

// Refresh reads what the log has that no message brought.
func (s *Store) Refresh(ctx context.Context) error {
	s.Doubt()
	return s.read(ctx, func(*state) error { return nil })
}

// Forget drops what is in memory. The next use reads it anew.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = nil
}

// want is what the next transaction reads first. It is called with the lock held.
func (s *Store) want() Read {
	if s.state == nil || s.state.outdone {
		s.state = nil
		return Read{Keys: append([]string{keyHead, keyState, keyTwin}, s.directories...)}
	}
	r := Read{After: s.state.seq, Keys: s.state.missing}
	if s.state.stale {
		r.Keys = append(r.Keys, s.directories...)
	}
	s.state.missing = nil
	return r
}

// absorb takes in what a transaction has found. It returns what else to read, nil if the
// state is now that of the transaction.
func (s *Store) absorb(found Found) (*Read, error) {
	_, whole := found.Base[keyHead]
	if s.state != nil && s.opened != found.Opened {
		s.state = nil
	}
	if s.state == nil && !whole {
		r := s.want()
		return &r, nil
	}
	s.opened, s.asked, s.early = found.Opened, s.options.Now(), map[int64]Message{}
	if s.state == nil {
		st := newState(s.options, s.suspect)
		if err := st.load(found); err != nil {
			return nil, err
		}
		s.state, s.doubt = st, false
		return nil, nil
	}
	return s.catchUp(found)
}

// catchUp folds the log behind the state, and puts pages into the cache.
func (s *Store) catchUp(found Found) (*Read, error) {
	st := s.state
	for _, record := range found.Log {
		if record.Seq <= st.seq {
			continue
		}
		if record.Seq > st.seq+1 || st.epoch == "" {
			s.state = nil // what lies between is in the base by now
			r := s.want()
			return &r, nil
		}
		if err := st.fold(record, false); err != nil {
			s.state = nil
			return nil, err
		}
	}
	s.doubt = false
	if _, ok := found.Base[s.directories[0]]; st.stale && ok {
		if err := st.readDirectories(found.Base); err != nil {
			return nil, err
		}
		for _, t := range st.tables {
			t.rebase()
		}
	}
	if st.stale {
		return &Read{After: st.seq, Keys: s.directories}, nil
	}
	if _, whole := found.Base[keyHead]; whole {
		return nil, nil // meant for another's load
	}
	for key, text := range found.Base {
		st.cacheOf(key).put(key, text)
	}
	return nil, nil
}

// read runs body over the state, which must not be kept, as often as it notes that pages
// are missing. It asks the database only for those, and goes on within the transaction: another step of
// compaction would take pages away that a directory has named.
func (s *Store) read(ctx context.Context, body func(*state) error) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		want, done, err := s.attempt(body)
		if done || err != nil {
			return err
		}
		err = s.options.Database.Run(ctx, Query{Read: want}, func(found Found) (Step, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if more, err := s.absorb(found); more != nil || err != nil {
				return Step{More: more}, err
			}
			if err := s.state.run(body); err != nil {
				return Step{}, err
			}
			if done = len(s.state.missing) == 0; done {
				s.state.trim()
				return Step{}, nil
			}
			r := s.want()
			return Step{More: &r}, nil
		})
		if done || err != nil {
			return err
		}
	}
}

// attempt runs body over the state as far as it is in memory. Unless that is done, it
// returns what to read. A base that has changed since says nothing else than the pages in memory
// and the entries: only who needs another page needs its directories.
func (s *Store) attempt(body func(*state) error) (want Read, done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil && !s.doubt && len(s.early) == 0 && !s.state.outdone && s.trusts(s.options.Now()) {
		err := s.state.run(body)
		if err != nil || len(s.state.missing) == 0 {
			s.state.trim()
			return Read{}, true, err
		}
	}
	return s.want(), false, nil
}

// maxTrust is how long a replica believes that it has heard of everything. Messages are
// seldom lost, and that the last one was shows in nothing.
const maxTrust = 5 * time.Second

func (s *Store) trusts(now time.Time) bool {
	since := now.Sub(s.asked)
	return since >= 0 && since < maxTrust || s.options.Hidden != nil && s.options.Hidden()
}

// run runs body until it has met no damaged leaf that it did not know of.
func (st *state) run(body func(*state) error) error {
	for {
		st.missing, st.again = nil, false
		if err := body(st); err != nil || !st.again {
			return err
		}
	}
}

// transact runs body over the newest state in a transaction that excludes all others, and
// adds what it puts into the batch to the log. body may be called more than once, each time
// with an empty batch.
func (s *Store) transact(ctx context.Context, t txn, body func(*batch) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	query := Query{Write: true, Relaxed: t.relaxed}
	s.mu.Lock()
	done := s.propose(t, body)
	if query.Read = s.want(); done != nil {
		query.Try = &Try{Opened: s.opened, Record: *done.step().Append}
	}
	s.mu.Unlock()
	err := s.options.Database.Run(ctx, query, func(found Found) (Step, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		done = nil
		more, err := s.absorb(found)
		if more != nil || err != nil {
			return Step{More: more}, err
		}
		if t.fence != 0 && t.fence != s.state.fence {
			return Step{}, queue.ErrFenced
		}
		var b *batch
		err = s.state.run(func(st *state) error {
			b = newBatch(st)
			return body(b)
		})
		switch {
		case err != nil:
			return Step{}, err
		case len(s.state.missing) > 0:
			r := s.want()
			return Step{More: &r}, nil
		case b.empty():
			s.state.trim()
			return Step{}, nil
		}
		if s.state.epoch == "" {
			b.identity = s.options.NewID()
			b.put(keyHead, b.identity)
		}
		done = b
		return b.step(), nil
	})
	if errors.Is(err, queue.ErrUncertain) {
		s.Doubt() // who looks whether it was saved must not be answered from memory
	}
	if err != nil || done == nil {
		return err
	}
	if err := s.committed(done); err != nil {
		return err
	}
	if s.options.Publish != nil {
		s.options.Publish(Message{Epoch: done.identity, Seq: done.seq, Text: done.text})
	}
	return nil
}

// propose returns what to add to the log if nobody else has added anything: as a rule nobody
// has, and the transaction need not wait for Go. It is nil where there is anything to refuse:
// that takes the newest state.
func (s *Store) propose(t txn, body func(*batch) error) *batch {
	st := s.state
	if st == nil || t.base || st.epoch == "" || s.doubt || st.stale || len(s.early) > 0 || t.fence != 0 && t.fence != st.fence {
		return nil
	}
	var b *batch
	err := st.run(func(st *state) error {
		b = newBatch(st)
		return body(b)
	})
	if err != nil || len(st.missing) > 0 || b.empty() {
		return nil
	}
	return b
}

// committed takes in what a transaction has saved.
func (s *Store) committed(b *batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil && s.state.epoch == "" {
		s.state.epoch = b.identity
	}
	if s.state == nil || s.state.epoch != b.identity {
		return nil // it will be read
	}
	if s.state.seq == b.seq-1 {
		if err := s.state.fold(Record{b.seq, b.text}, true); err != nil {
			s.state = nil
			return fmt.Errorf("take in what was saved: %w", err)
		}
		b.index()
		b.install(s.state)
	}
	s.state.trim()
	return nil
}

func (s *Store) schema(ref queue.Ref) (queue.Schema, error) {
	schema, ok := s.schemas[ref.Type]
	if !ok {
		return schema, fmt.Errorf("save %s %s: this type has no schema", ref.Type, ref.ID)
	}
	return schema, nil
}
