//go:build js && wasm

package idb

import (
	"context"
	"strings"
	stdsync "sync"
	"syscall/js"
	"unsafe"

	"github.com/rollcall/rollcall/wasm/replica"
)

// Database is replica.Database over IndexedDB.
type Database struct{ conn *connection }

var _ replica.Database = (*Database)(nil)

// NewDatabase returns a database that is opened when it is first used, and again when the
// connection was lost.
func NewDatabase(o Options) *Database {
	if o.Deadline == 0 {
		o.Deadline = DefaultDeadline
	}
	return &Database{&connection{options: o, gate: make(chan struct{}, 1), bounded: within(o.Deadline)}}
}

// Open opens the database at once.
func (d *Database) Open(ctx context.Context) error {
	_, err := d.conn.get(ctx)
	return err
}

// Close closes the connection; the next use opens it again.
func (d *Database) Close() { d.conn.close() }

// Run implements replica.Database.
func (d *Database) Run(ctx context.Context, query replica.Query, decide func(replica.Found) (replica.Step, error)) error {
	return d.conn.call(ctx, query, decide)
}

type decider func(replica.Found) (replica.Step, error)

// decision is Go's part of one transaction.
type decision struct {
	opened  int64
	read    replica.Read
	decide  decider
	err     error // what decide has returned, or what the transaction failed with
	done    chan struct{}
	refused bool
}

// decisions are those of all transactions under way, by the numbers that the helper calls
// back with. A function of JavaScript for each would cost more than the rest of it.
var decisions struct {
	mu     stdsync.Mutex
	last   int
	of     map[int]*decision
	decide js.Func
	ended  js.Func
}

// begin returns a number for the transaction.
func (d *decision) begin() int {
	decisions.mu.Lock()
	defer decisions.mu.Unlock()
	if decisions.of == nil {
		decisions.of = map[int]*decision{}
		decisions.decide = js.FuncOf(func(_ js.Value, args []js.Value) any {
			return decisionOf(args[0].Int(), false).answer(args[1], args[2], args[3])
		})
		decisions.ended = js.FuncOf(func(_ js.Value, args []js.Value) any {
			decisionOf(args[0].Int(), true).end(args[1], args[2])
			return nil
		})
	}
	decisions.last++
	decisions.of[decisions.last] = d
	return decisions.last
}

func decisionOf(number int, last bool) *decision {
	decisions.mu.Lock()
	defer decisions.mu.Unlock()
	d := decisions.of[number]
	if last {
		delete(decisions.of, number)
	}
	return d
}

// answer returns what to do next for what was read; null refuses.
func (d *decision) answer(seqs, bytes, ends js.Value) any {
	step, err := d.decide(found(d.opened, d.read, seqs, unpack(bytes, ends)))
	switch {
	case err != nil:
		d.err, d.refused = err, true
		return nil
	case step.More != nil:
		d.read = *step.More
		return []any{"read", d.read.After, strings.Join(d.read.Keys, "\n")}
	}
	return written(step)
}

func (d *decision) end(name, message js.Value) {
	switch {
	case name.IsNull():
		d.err = nil
	case !d.refused:
		d.err = &failure{text(name), text(message)}
	}
	close(d.done)
}

func array(texts []string) []any {
	out := make([]any, len(texts))
	for i, s := range texts {
		out[i] = s
	}
	return out
}

// found says what a read has found: first the texts of the records of these numbers, then those of the keys.
func found(opened int64, read replica.Read, seqs js.Value, texts []string) replica.Found {
	f := replica.Found{Opened: opened}
	for i := range seqs.Length() {
		f.Log = append(f.Log, replica.Record{Seq: int64(seqs.Index(i).Float()), Text: texts[i]})
	}
	if len(read.Keys) > 0 {
		f.Base = make(map[string]string, len(read.Keys))
	}
	for i, key := range read.Keys {
		f.Base[key] = texts[len(f.Log)+i]
	}
	return f
}

// unpack returns texts that the helper has packed, each in memory of its own: some are kept for
// long, and would keep all.
func unpack(packed, ends js.Value) []string {
	bytes := make([]byte, packed.Length())
	js.CopyBytesToGo(bytes, packed)
	all, from := unsafe.String(unsafe.SliceData(bytes), len(bytes)), 0
	texts := make([]string, ends.Length())
	for i := range texts {
		end := ends.Index(i).Int()
		texts[i], from = strings.Clone(all[from:end]), end
	}
	return texts
}

func written(step replica.Step) any {
	out := []any{"write", 0, ""}
	if r := step.Append; r != nil {
		out[1], out[2] = r.Seq, r.Text
	}
	if len(step.Delete) == 0 && len(step.Put) == 0 && step.Trim == 0 {
		return out
	}
	var keys, texts []string
	for key, text := range step.Put {
		keys, texts = append(keys, key), append(texts, text)
	}
	return append(out, array(step.Delete), array(keys), array(texts), step.Trim)
}
