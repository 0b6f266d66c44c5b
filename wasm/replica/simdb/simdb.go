// Package simdb is a database for replicas in memory, with the faults of a browser's. Tests
// and the simulator run on it, and pages that the browser gives no storage.
package simdb

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
	mu     stdsync.Mutex
	log    map[int64]string
	base   map[string]string
	opened int64
}

// New returns an empty database.
func New() *Database { return &Database{log: map[int64]string{}, base: map[string]string{}} }

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
	step, err := c.decide(query.Read, decide)
	if err == nil && fault == Rerun {
		step, err = c.decide(query.Read, decide)
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
	if err := c.save(step); err != nil {
		return err
	}
	if fault == UncertainSaved {
		return fmt.Errorf("%w: simulated", queue.ErrUncertain)
	}
	return nil
}

// decide reads and asks until there is nothing more to read.
func (c *Conn) decide(read replica.Read, decide func(replica.Found) (replica.Step, error)) (replica.Step, error) {
	for {
		found := replica.Found{Opened: c.number, Base: map[string]string{}}
		for _, seq := range slices.Sorted(maps.Keys(c.log)) {
			if seq > read.After {
				found.Log = append(found.Log, replica.Record{Seq: seq, Text: c.log[seq]})
			}
		}
		for _, key := range read.Keys {
			if _, twice := found.Base[key]; twice {
				return replica.Step{}, fmt.Errorf("%s is read twice at once", key)
			}
			found.Base[key] = c.base[key]
		}
		step, err := decide(found)
		if err != nil || step.More == nil {
			return step, err
		}
		read = *step.More
	}
}

func (c *Conn) save(step replica.Step) error {
	if r := step.Append; r != nil {
		if _, ok := c.log[r.Seq]; ok {
			return fmt.Errorf("the log has a record %d already", r.Seq)
		}
		c.log[r.Seq] = r.Text
	}
	for _, key := range step.Delete {
		delete(c.base, key)
	}
	maps.Copy(c.base, step.Put)
	maps.DeleteFunc(c.log, func(seq int64, _ string) bool { return seq <= step.Trim })
	return nil
}

// Texts returns all that is stored: the base by its keys, the log by its numbers.
func (d *Database) Texts() (base map[string]string, log map[int64]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.base), maps.Clone(d.log)
}

// Damage changes a text of the base behind everybody's back.
func (d *Database) Damage(key string, change func(string) string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.base[key] = change(d.base[key])
}

// DamageLog is Damage for a record of the log.
func (d *Database) DamageLog(seq int64, change func(string) string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log[seq] = change(d.log[seq])
}
