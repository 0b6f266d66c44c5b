//go:build js && wasm

package idb

import (
	"context"
	"errors"
	"syscall/js"

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
	opened   int64
	read     replica.Read
	decide   decider
	refused  error // what decide has returned
	callback js.Func
}

// start returns a function for the helper. It is called with what was read, first of all
// with nothing, and returns what to do next; null refuses.
func (d *decision) start() js.Func {
	begun := false
	d.callback = js.FuncOf(func(_ js.Value, args []js.Value) any {
		if !begun {
			begun = true
			return wanted(d.read)
		}
		step, err := d.decide(found(d.opened, d.read, args[0], args[1]))
		switch {
		case err != nil:
			d.refused = err
			return nil
		case step.More != nil:
			d.read = *step.More
			return wanted(d.read)
		}
		return written(step)
	})
	return d.callback
}

func (d *decision) release() {
	if d.refused == nil {
		d.refused = errors.New("the transaction was refused")
	}
	d.callback.Release()
}

func wanted(r replica.Read) any { return map[string]any{"after": r.After, "keys": array(r.Keys)} }

func array(texts []string) []any {
	out := make([]any, len(texts))
	for i, s := range texts {
		out[i] = s
	}
	return out
}

func found(opened int64, read replica.Read, log, base js.Value) replica.Found {
	f := replica.Found{Opened: opened}
	for i := range log.Length() {
		r := log.Index(i)
		f.Log = append(f.Log, replica.Record{Seq: int64(r.Get("seq").Float()), Text: text(r.Get("text"))})
	}
	if len(read.Keys) > 0 {
		f.Base = make(map[string]string, len(read.Keys))
	}
	for i, key := range read.Keys {
		f.Base[key] = text(base.Index(i))
	}
	return f
}

func written(step replica.Step) any {
	out := map[string]any{}
	if r := step.Append; r != nil {
		out["append"] = map[string]any{"seq": r.Seq, "text": r.Text}
	}
	if len(step.Delete) > 0 {
		out["delete"] = array(step.Delete)
	}
	if step.Trim > 0 {
		out["trim"] = step.Trim
	}
	var keys, texts []string
	for key, text := range step.Put {
		keys, texts = append(keys, key), append(texts, text)
	}
	if len(keys) > 0 {
		out["keys"], out["texts"] = array(keys), array(texts)
	}
	return out
}
