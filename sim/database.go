package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
)

// smallBounds make many pages, and many steps of compaction, out of few rows.
var smallBounds = replica.Bounds{LogRows: 8, LogRecords: 12, LogBytes: 1 << 20, StepPages: 2, PartPages: 1, LeafRows: 2, LeafBytes: 2000}

// smallCache holds a page or two.
const smallCache = 2000

// smallReserve is as good as a large one: a script says when the disk is full.
const smallReserve = 100

// open returns a new replica over one of the browser's connections.
func (b *browser) open(db replica.Database, publish func(replica.Message)) *replica.Store {
	o := replica.Options{
		Database: db, Schemas: []queue.Schema{directory.Users}, Now: b.clock, Publish: publish, Reserve: smallReserve,
		NewID: func() string { return fmt.Sprintf("database %d", b.storage) },
	}
	if b.config.Small {
		o.Bounds, o.Cache, o.Texts = smallBounds, smallCache, smallCache
	}
	if publish == nil { // it asks when it must
		o.Now = func() time.Time { return epoch }
	}
	return replica.New(o)
}

// stored returns a replica that has read all that is stored. Only checks use it.
func (b *browser) stored() *replica.Store {
	if n := b.db.Changes(); n != b.read {
		b.read, b.list = n, nil
		b.witness.Doubt()
	}
	return b.witness
}

// call is what a slot is having its replica do.
type call struct {
	writes bool
	begun  bool   // its first transaction
	fault  Fault  // of the pause before that
	moving bool   // a later one, which moves the log into the base
	saved  func() // called once a transaction has saved something
}

// enter pauses before a call.
func (s *slot) enter(at pausePoint, saved func()) {
	s.call = call{writes: at == writing, saved: saved}
	s.call.fault = s.pause(at)
}

// connection is a process's connection to the database of its browser. Each transaction
// may meet the fault of the pause before it.
type connection struct {
	*slot
	conn *memdb.Conn
	next memdb.Fault
}

var _ replica.Database = (*connection)(nil)

func (s *slot) connect() *connection {
	c := &connection{slot: s, conn: s.b.db.Open()}
	c.conn.Fault = func(replica.Query) memdb.Fault { return c.next }
	return c
}

// databaseFaults are what faults of the script are to the database.
var databaseFaults = map[Fault]memdb.Fault{
	Aborted: memdb.Aborted, Quota: memdb.Full, Rerun: memdb.Rerun,
	UncertainSaved: memdb.UncertainSaved, UncertainLost: memdb.UncertainLost,
}

// Run implements replica.Database. Before all but the first transaction of a call it pauses:
// the call itself has.
func (c *connection) Run(ctx context.Context, query replica.Query, decide func(replica.Found) (replica.Step, error)) error {
	if c.w.running == nil {
		return c.conn.Run(ctx, query, decide) // for a check
	}
	me := c.me()
	first := !me.call.begun
	fault := me.call.fault
	switch {
	case !first && query.Write:
		me.call.moving = query.Relaxed && me.call.saved == nil
		fault = me.pause(writing)
		me.call.moving = false
	case !first:
		fault = me.pause(reading)
	case me.call.writes && !query.Write:
		fault = NoFault // what is read before the write
	default:
		me.call.begun = true
	}
	var last replica.Step
	if query.Try != nil {
		last.Append = &query.Try.Record // unless it has to be decided
	}
	before := c.b.db.Changes()
	c.next, me.inTransaction = databaseFaults[fault], true
	err := c.conn.Run(ctx, query, func(found replica.Found) (replica.Step, error) {
		step, err := decide(found)
		c.noteReads(query, step)
		last = step
		return step, err
	})
	c.next, me.inTransaction = memdb.None, false
	uncertain := errors.Is(err, queue.ErrUncertain)
	if fault == Rerun || fault == Aborted || uncertain || errors.Is(err, queue.ErrQuota) {
		c.w.stats.fault(fault)
	}
	saved := me.call.saved
	me.uncertain = me.uncertain || uncertain && (first || saved != nil)
	if c.b.db.Changes() != before {
		c.noteRoom(last)
		c.noteCompaction(last)
		if saved != nil && last.Append != nil { // else it has made room
			me.call.saved = nil
			saved()
		}
	} else if len(last.Put) > 1 {
		c.w.stats.hit("compaction failed")
	}
	return err
}

// noteReads counts what a transaction needs that its replica did not have.
func (c *connection) noteReads(query replica.Query, step replica.Step) {
	switch {
	case step.More == nil || query.After == 0:
	case slices.Contains(step.More.Keys, "head"):
		c.w.stats.hit("replica read anew")
	case slices.Contains(step.More.Keys, "list/"+directory.Users.Type):
		c.w.stats.hit("directory was stale")
	default:
		c.w.stats.hit("page was missing")
	}
}

// noteRoom notes that a full disk has cost rows, which a comparison with the server brings back.
func (c *connection) noteRoom(step replica.Step) {
	if step.Append != nil || len(step.Put) > 0 || len(step.Delete) == 0 || step.Delete[0] == "reserve" {
		return
	}
	c.w.stats.hit("rows given up for room")
	c.b.mayLackRows()
	c.w.server.digests = true
}

func (c *connection) noteCompaction(step replica.Step) {
	if len(step.Put) > 1 {
		c.w.stats.hit("log compacted")
	}
	if step.Trim > 0 {
		c.w.stats.hit("log trimmed")
	}
	c.w.stats.most("pages replaced at once", len(step.Delete))
}
