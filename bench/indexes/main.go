// Command indexes measures what SQLite itself takes to save a person, index by index: a
// bare program with the server's library and settings, without HTTP, JSON, a look at what
// is there or a decision about anything. Its rows are somewhat shorter than the server's.
// It is about the most that a server on SQLite could do.
//
//	make bench-indexes
package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/rollcall/rollcall/bench/figures"
)

// layout is how people are kept.
type layout struct {
	name   string
	schema []string
	record bool // of the operation, too
}

const (
	table = `CREATE TABLE users (rowid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, email_key TEXT NOT NULL, document TEXT NOT NULL,
change INTEGER NOT NULL, updated_at INTEGER NOT NULL, sort TEXT NOT NULL, search TEXT NOT NULL, deleted INTEGER NOT NULL)`
	records    = `CREATE TABLE records (key TEXT PRIMARY KEY, client_id TEXT NOT NULL, hash TEXT NOT NULL, result TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID`
	saveUser   = `INSERT INTO users (id, email_key, document, change, updated_at, sort, search, deleted) VALUES (?, ?, ?, ?, ?, ?, ?, 0)`
	saveRecord = `INSERT INTO records (key, client_id, hash, result, at) VALUES (?, ?, ?, ?, ?)`
)

// layouts are from the least that keeps ids and emails unique to about what the server
// keeps.
func layouts() []layout {
	unique := []string{table, `CREATE UNIQUE INDEX users_email ON users (email_key) WHERE deleted = 0`}
	feed := slices.Concat(unique, []string{`CREATE UNIQUE INDEX users_change ON users (change)`, `CREATE INDEX users_updated ON users (updated_at) WHERE deleted = 0`})
	name := slices.Concat(feed, []string{`CREATE INDEX users_list ON users (sort, id, search) WHERE deleted = 0`})
	list := slices.Concat(feed, []string{`CREATE INDEX users_list ON users (sort, id, deleted, updated_at, search, document) WHERE deleted = 0`})
	kept := []string{records, `CREATE INDEX records_at ON records (at)`}
	return []layout{
		{"id and email, unique", unique, false},
		{"and the feed's order, and the time of the update", feed, false},
		{"and name with the text that a search reads", name, false},
		{"and in that index all that the list shows", list, false},
		{"and the operation's record", slices.Concat(list, kept), true},
	}
}

// groups are how many people are saved in a transaction: about those that wait together
// when 16 connections create one each, or a hundred each.
var groups = []int{8, 800}

type options struct {
	people, rounds int
	doc            string
}

func main() {
	var o options
	flag.IntVar(&o.people, "people", 80_000, "how many people are saved")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each is measured")
	flag.StringVar(&o.doc, "doc", "", "Markdown `file` to put the table in, between its markers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "indexes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.people < 800 || o.rounds < 1 {
		return errors.New("-people must be at least 800 and -rounds at least 1")
	}
	all := layouts()
	took := make([]map[int][]time.Duration, len(all)) // by layout and group
	for range o.rounds {
		for i, l := range all {
			for _, size := range groups {
				one, err := measure(ctx, l, size, o.people)
				if err != nil {
					return fmt.Errorf("%s, %d at once: %w", l.name, size, err)
				}
				if took[i] == nil {
					took[i] = map[int][]time.Duration{}
				}
				took[i][size] = append(took[i][size], one)
			}
		}
	}
	t := &figures.Table{Head: []string{"kept, in order"}}
	for _, size := range groups {
		t.Head = append(t.Head, fmt.Sprintf("%d at once, µs a person", size), "people/s")
	}
	for i, l := range all {
		cells := []string{l.name}
		for _, size := range groups {
			m := figures.Median(took[i][size])
			cells = append(cells, fmt.Sprintf("%.0f", float64(m.Nanoseconds())/1000), fmt.Sprintf("%.0f", 1/m.Seconds()))
		}
		t.Add(cells...)
	}
	text := fmt.Sprintf("%d people in each, medians of %d rounds, by the clock, one at work.\n\n%s", o.people, o.rounds, t)
	fmt.Print(text)
	return figures.ReplaceIn(o.doc, "indexes", text)
}

// measure saves people in transactions of a size, and says how long one takes. That
// includes checkpoints, which the server has beside its writer.
func measure(ctx context.Context, l layout, size, people int) (each time.Duration, err error) {
	dir, err := os.MkdirTemp("", "indexes-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "people.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(24000)&_pragma=cache_size(-32768)&_pragma=temp_store(MEMORY)")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, strings.Join(l.schema, ";")); err != nil {
		return 0, err
	}
	w, err := newWriter(ctx, db, l.record)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	var took time.Duration
	done := 0
	for done+size <= people {
		group := make([]person, size)
		for i := range group {
			group[i] = personOf(done + i)
		}
		began := time.Now()
		// A statement that can be ended early would cost a goroutine.
		if err := errors.Join(ctx.Err(), w.save(context.WithoutCancel(ctx), group)); err != nil {
			return 0, err
		}
		took += time.Since(began)
		done += size
	}
	return took / time.Duration(done), nil
}

// writer has its statements ready; note is nil when no records are kept.
type writer struct {
	conn                      *sql.Conn
	begin, commit, user, note *sql.Stmt
}

func newWriter(ctx context.Context, db *sql.DB, records bool) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn}
	var errs [4]error
	w.begin, errs[0] = conn.PrepareContext(ctx, "BEGIN IMMEDIATE")
	w.commit, errs[1] = conn.PrepareContext(ctx, "COMMIT")
	w.user, errs[2] = conn.PrepareContext(ctx, saveUser)
	if records {
		w.note, errs[3] = conn.PrepareContext(ctx, saveRecord)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *writer) close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{w.begin, w.commit, w.user, w.note} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

// save saves people in one transaction. After an error the file is of no use any more.
func (w *writer) save(ctx context.Context, group []person) error {
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return err
	}
	for _, p := range group {
		if _, err := w.user.ExecContext(ctx, p.id, p.email, p.document, p.number, p.number, p.name, p.name+"\n"+p.email); err != nil {
			return err
		}
		if w.note == nil {
			continue
		}
		if _, err := w.note.ExecContext(ctx, p.operation, p.id, p.hash, `{"status":"applied","version":1}`, p.number); err != nil {
			return err
		}
	}
	_, err := w.commit.ExecContext(ctx)
	return err
}

// person is one to save, with what is known of the operation that does.
type person struct {
	number                                     int
	id, name, email, document, operation, hash string
}

// personOf makes one up: its id, name and email are in no order, its operation's id is in
// that of time.
func personOf(n int) person {
	p := person{number: n, id: uuid.NewString(), operation: "operation:" + uuid.Must(uuid.NewV7()).String()}
	p.name, p.email = "person "+p.id[24:], p.id[:18]+"@example.org"
	p.document = fmt.Sprintf(`{"id":%q,"name":%q,"email":%q,"bio":"Looks after the stores at site %d and has the keys. Speaks four languages; call after nine, or leave a message with the clinic.",`+
		`"createdAt":"2026-01-31T12:00:00.000000Z","updatedAt":"2026-01-31T12:00:00.000000Z","version":1}`, p.id, p.name, p.email, n)
	sum := sha256.Sum256([]byte(p.id))
	p.hash = hex.EncodeToString(sum[:])
	return p
}
