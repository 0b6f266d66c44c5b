package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rollcall/rollcall/roster/plan"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/repository"
)

// UndoWithin is how long an import can be undone.
const UndoWithin = 24 * time.Hour

// Last is the last import, which can be undone.
type Last struct {
	File    string    `json:"file"`
	Until   time.Time `json:"until"`
	Created int       `json:"created"`
	Changed int       `json:"changed"`
	// Ended is false of an import that was cut off: how far it came nobody knows.
	Ended bool `json:"ended"`
	Parts int  `json:"parts"`
}

// Names of what is kept.
const (
	keyLast = "import/last"
	keyPart = "import/part/" // and a number
)

func partKey(n int) string { return fmt.Sprint(keyPart, n) }

// partSize is how many changes one text has.
const partSize = 1000

// Imported is what became of an import: Left are those that had changed since the plan.
type Imported struct {
	Created, Changed, Left int
}

// Import does what a plan says, and keeps what undoes it. With an error it is what was done before:
// queue.ErrQuota when the device is full, or the cause of ctx's end.
func (d *Device) Import(ctx context.Context, p *Plan, file string, progress Progress) (Imported, error) {
	all := p.replacements()
	last := Last{File: file, Until: d.Now().Add(UndoWithin)}
	if err := d.keep(ctx, &last, all); err != nil { // before: it may be cut off at any time
		return Imported{}, fmt.Errorf("keep what undoes the import: %w", err)
	}
	var made []change
	var out Imported
	done := 0
	err := repository.Replace(ctx, d.Users, all, func(results []bool) {
		for _, ok := range results {
			switch c := all[done]; {
			case !ok:
				out.Left++
			case c.From == nil:
				made, out.Created = append(made, c), out.Created+1
			default:
				made, out.Changed = append(made, c), out.Changed+1
			}
			done++
		}
		progress(done, len(all))
	})
	if errors.Is(err, queue.ErrUncertain) {
		return out, err // as after one that was cut off, all of it can be undone
	}
	last.Created, last.Changed, last.Ended = out.Created, out.Changed, true
	if kept := d.keep(context.WithoutCancel(ctx), &last, made); err == nil {
		err = kept
	}
	return out, err
}

// keep writes the changes of an import in the place of the last one's.
func (d *Device) keep(ctx context.Context, last *Last, all []change) error {
	before, err := d.readLast(ctx)
	if err != nil {
		return err
	}
	put := map[string]string{}
	for part := range slices.Chunk(all, partSize) {
		text, err := json.Marshal(part)
		if err != nil {
			return err
		}
		put[partKey(len(put))] = string(text)
	}
	last.Parts = len(put)
	var gone []string
	for n := last.Parts; n < before.Parts; n++ {
		gone = append(gone, partKey(n))
	}
	if len(all) == 0 {
		return d.Keep.Put(ctx, nil, append(gone, keyLast))
	}
	text, err := json.Marshal(last)
	put[keyLast] = string(text)
	if err != nil {
		return err
	}
	return d.Keep.Put(ctx, put, gone)
}

func (d *Device) readLast(ctx context.Context) (last Last, err error) {
	texts, err := d.Keep.Get(ctx, keyLast)
	if err == nil && texts[keyLast] != "" {
		err = json.Unmarshal([]byte(texts[keyLast]), &last)
	}
	return last, err
}

// Last returns the import that can be undone, if there is one. Its changes are dropped once it can't.
func (d *Device) Last(ctx context.Context) (*Last, error) {
	last, err := d.readLast(ctx)
	if err != nil || last.Parts == 0 {
		return nil, err
	}
	if d.Now().After(last.Until) {
		return nil, d.keep(ctx, &Last{}, nil)
	}
	return &last, nil
}

// Undone is what became of an undo: Left are those that were changed since, and stay as they are.
type Undone struct {
	Undone, Left int
}

// Undo restores what was before the last import, by operations like any others. Cut off, it can be
// called again.
func (d *Device) Undo(ctx context.Context, progress Progress) (Undone, error) {
	last, err := d.Last(ctx)
	if err != nil || last == nil {
		return Undone{}, err
	}
	var all []change
	for n := range last.Parts {
		texts, err := d.Keep.Get(ctx, partKey(n))
		if err != nil {
			return Undone{}, err
		}
		var part []change
		if err := json.Unmarshal([]byte(texts[partKey(n)]), &part); err != nil {
			return Undone{}, fmt.Errorf("read what undoes the import: %w", err)
		}
		for _, c := range part {
			all = append(all, c.Reverse())
		}
	}
	slices.Reverse(all) // an address that was handed on goes back the same way
	var out Undone
	done := 0
	err = repository.Replace(ctx, d.Users, all, func(results []bool) {
		for _, ok := range results {
			if ok {
				out.Undone++
			} else {
				out.Left++
			}
		}
		done += len(results)
		progress(done, len(all))
	})
	if err == nil {
		err = d.keep(ctx, &Last{}, nil)
	}
	return out, err
}

// Beside is a Keeper in the database of the data themselves, so that it goes when they do.
type Beside struct{ replica.Database }

// Put implements Keeper.
func (b Beside) Put(ctx context.Context, put map[string]string, gone []string) error {
	return b.Run(ctx, replica.Query{Write: true, Read: replica.Read{After: noLog}}, func(replica.Found) (replica.Step, error) {
		return replica.Step{Put: maps.Clone(put), Delete: gone}, nil
	})
}

// Get implements Keeper.
func (b Beside) Get(ctx context.Context, keys ...string) (found map[string]string, err error) {
	err = b.Run(ctx, replica.Query{Read: replica.Read{After: noLog, Keys: keys}}, func(f replica.Found) (replica.Step, error) {
		found = f.Base
		return replica.Step{}, nil
	})
	return found, err
}

// noLog is behind all records of a log.
const noLog = 1 << 53

func inOrderOfFile(results []plan.Result) []plan.Result {
	sorted := slices.Clone(results)
	slices.SortStableFunc(sorted, func(a, b plan.Result) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Item - b.Item
	})
	return sorted
}
