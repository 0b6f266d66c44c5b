// Package memdb is a database for replicas in memory, with the faults of a browser's. Tests
// and the simulator run on it, and pages that the browser gives no storage.
package memdb

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	stdsync "sync"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
)

// Fault is what becomes of a transaction.
type Fault int

const (
	None           Fault = iota
	Aborted              // before it could save anything
	Rerun                // decided twice, as after an abort of the browser's own
	UncertainSaved       // saved, and nobody says so
	UncertainLost        // not saved, and nobody says so
	Full                 // the disk is, for whatever would be saved
)

// Database is what one browser keeps. It is safe for concurrent use.
type Database struct {
	mu      stdsync.Mutex
	log     []replica.Record // in order
	base    map[string]string
	opened  int64
	changes int
	// Room, unless 0, is how many bytes fit. A transaction that adds any must find room for
	// them beside all that was there before.
	Room int
}

// New returns an empty database.
func New() *Database { return &Database{base: map[string]string{}} }

// Changes counts what has changed the database.
func (d *Database) Changes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changes
}

// Conn is a connection of one tab.
type Conn struct {
	*Database
	number int64
	// Fault, unless nil, is asked about each transaction.
	Fault func(replica.Query) Fault
	// Reads counts transactions that could only read, Writes the others.
	Reads, Writes int
}

var _ replica.Database = (*Conn)(nil)

// Open returns a new connection.
func (d *Database) Open() *Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened++
	return &Conn{Database: d, number: d.opened}
}

// Run implements replica.Database.
func (c *Conn) Run(ctx context.Context, query replica.Query, decide func(replica.Found) (replica.Step, error)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	fault := None
	if c.Fault != nil {
		fault = c.Fault(query)
	}
	if query.Write {
		c.Writes++
	} else {
		c.Reads++
	}
	if fault == Aborted {
		return fmt.Errorf("%w: simulated", queue.ErrClosed)
	}
	step, err := c.attempt(query, decide)
	if err == nil && fault == Rerun {
		step, err = c.attempt(query, decide)
	}
	if err != nil || !query.Write {
		return err
	}
	saves := step.Append != nil || len(step.Put) > 0 || len(step.Delete) > 0 || step.Trim > 0
	switch {
	case !saves:
		return nil
	case fault == Full:
		return fmt.Errorf("%w: simulated", queue.ErrQuota)
	case fault == UncertainLost:
		return fmt.Errorf("%w: simulated", queue.ErrUncertain)
	}
	if added := bytesOf(step); added > 0 && c.Room > 0 && c.used()+added > c.Room {
		return fmt.Errorf("%w: simulated", queue.ErrQuota)
	}
	if err := c.save(step); err != nil {
		return err
	}
	if fault == UncertainSaved {
		return fmt.Errorf("%w: simulated", queue.ErrUncertain)
	}
	return nil
}

// attempt adds what is to be tried if it can be, and else has it decided.
func (c *Conn) attempt(query replica.Query, decide func(replica.Found) (replica.Step, error)) (replica.Step, error) {
	if at, _ := c.find(query.After + 1); query.Try != nil && query.Try.Opened == c.number && at == len(c.log) {
		return replica.Step{Append: &query.Try.Record}, nil
	}
	return c.decide(query.Read, decide)
}

// decide reads and asks until there is nothing more to read.
func (c *Conn) decide(read replica.Read, decide func(replica.Found) (replica.Step, error)) (replica.Step, error) {
	for {
		at, _ := c.find(read.After + 1)
		found := replica.Found{Opened: c.number, Log: slices.Clone(c.log[at:]), Base: make(map[string]string, len(read.Keys))}
		for _, key := range read.Keys {
			if _, twice := found.Base[key]; twice {
				return replica.Step{}, fmt.Errorf("%s is read twice at once", key)
			}
			found.Base[key] = c.base[key]
			if behind, ok := replica.IsNames(key); ok {
				found.Base[key] = strings.Join(c.namesBehind(behind), "\n")
			}
		}
		step, err := decide(found)
		if err != nil || step.More == nil {
			return step, err
		}
		read = *step.More
	}
}

func (d *Database) namesBehind(name string) []string {
	names := slices.Sorted(maps.Keys(d.base))
	at, found := slices.BinarySearch(names, name)
	if found {
		at++
	}
	return names[at:min(at+replica.NamesPart, len(names))]
}

// find returns the place of a record in the log, and whether there is one.
func (d *Database) find(seq int64) (int, bool) {
	return slices.BinarySearchFunc(d.log, seq, func(r replica.Record, seq int64) int { return cmp.Compare(r.Seq, seq) })
}

func (c *Conn) save(step replica.Step) error {
	if r := step.Append; r != nil {
		at, ok := c.find(r.Seq)
		if ok {
			return fmt.Errorf("the log has a record %d already", r.Seq)
		}
		c.log = slices.Insert(c.log, at, *r)
	}
	for _, key := range step.Delete {
		delete(c.base, key)
	}
	maps.Copy(c.base, step.Put)
	from, _ := c.find(step.Trim + 1)
	c.log = slices.Delete(c.log, 0, from)
	c.changes++
	return nil
}

func bytesOf(step replica.Step) (n int) {
	if step.Append != nil {
		n = len(step.Append.Text)
	}
	for _, text := range step.Put {
		n += len(text)
	}
	return n
}

// used is how many bytes are stored. Its lock is held.
func (d *Database) used() (n int) {
	for _, r := range d.log {
		n += len(r.Text)
	}
	for _, text := range d.base {
		n += len(text)
	}
	return n
}

// Fill leaves room for so many bytes more than are stored.
func (d *Database) Fill(left int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Room = d.used() + left
}

// Texts returns all that is stored: the base by its keys, the log by its numbers.
func (d *Database) Texts() (base map[string]string, log map[int64]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	log = make(map[int64]string, len(d.log))
	for _, r := range d.log {
		log[r.Seq] = r.Text
	}
	return maps.Clone(d.base), log
}

// Damage changes a text of the base behind everybody's back.
func (d *Database) Damage(key string, change func(string) string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.base[key] = change(d.base[key])
	d.changes++
}

// DamageLog is Damage for a record of the log.
func (d *Database) DamageLog(seq int64, change func(string) string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok := d.find(seq)
	if !ok {
		d.log = slices.Insert(d.log, at, replica.Record{Seq: seq})
	}
	d.log[at].Text = change(d.log[at].Text)
	d.changes++
}
