package transfer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster/plan"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// UndoWithin is how long an import can be undone.
const UndoWithin = 24 * time.Hour

// Last is the last import, which can be undone.
type Last struct {
	File    string    `json:"file"`
	Until   time.Time `json:"until"`
	Created int       `json:"created"`
	Changed int       `json:"changed"`
	Of      int       `json:"of"` // were planned
	// Ended is false of an import that was cancelled or cut off.
	Ended bool `json:"ended"`
	Parts int  `json:"parts"`
}

// ErrBusy is why nothing is done while another tab imports, or undoes an import.
var ErrBusy = errors.New("another tab is importing, or undoing an import")

// alone runs f while no other tab imports or undoes.
func (d *Device) alone(ctx context.Context, f func(context.Context) error) error {
	err := d.Locks.Hold(ctx, "rollcall-import", sync.NoWait, f)
	if errors.Is(err, sync.ErrLocked) {
		return ErrBusy
	}
	return err
}

// Names of what is kept.
const (
	keyLast = "import/last"
	keyPart = "import/part/" // and a number
)

func partKey(n int) string { return fmt.Sprint(keyPart, n) }

// partSize is how many changes one text has.
const partSize = 1000

// Left are the users that were left as they are, since they had changed.
type Left struct {
	N   int
	Who []string // names of the first of them
}

// maxNamed is how many are named.
const maxNamed = 10

func (l *Left) add(c change) {
	l.N++
	if len(l.Who) < maxNamed {
		l.Who = append(l.Who, *cmp.Or(c.To, c.From).Name)
	}
}

// Imported is what became of an import: Left are those that had changed since the plan.
type Imported struct {
	Created, Changed int
	Left             Left
}

// Import does what a plan says, and keeps what undoes it. With an error it is what was done before:
// queue.ErrQuota when the device is full, or the cause of ctx's end. ErrBusy is before anything is done.
//
// Importing a file again that was cut off goes on with it: both are undone together.
func (d *Device) Import(ctx context.Context, p *Plan, file string, progress Progress) (out Imported, err error) {
	err = d.alone(ctx, func(ctx context.Context) (err error) {
		out, err = d.doImport(ctx, p, file, progress)
		return err
	})
	return out, err
}

func (d *Device) doImport(ctx context.Context, p *Plan, file string, progress Progress) (out Imported, err error) {
	all, left, err := d.standing(ctx, p.replacements())
	if err != nil {
		return out, err
	}
	out.Left = left
	before, err := d.begun(ctx, file)
	if err != nil {
		return out, err
	}
	last := Last{File: file, Until: d.Now().Add(UndoWithin), Of: len(before) + len(all)}
	if err := d.keep(ctx, &last, joined(before, all)); err != nil { // before: it may be cut off at any time
		return out, fmt.Errorf("keep what undoes the import: %w", err)
	}
	var made []change
	done := 0
	err = repository.Replace(ctx, d.Users, all, func(results []bool) {
		for _, ok := range results {
			switch c := all[done]; {
			case !ok:
				out.Left.add(c)
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
	made = joined(before, made)
	last.Created, last.Changed = counted(made)
	last.Ended = err == nil
	if kept := d.keep(context.WithoutCancel(ctx), &last, made); err == nil {
		err = kept
	}
	return out, err
}

// begun returns what was made by an import of the same file that was cut off.
func (d *Device) begun(ctx context.Context, file string) ([]change, error) {
	last, err := d.readLast(ctx)
	if err != nil || last.Parts == 0 || last.Ended || last.File != file || d.Now().After(last.Until) {
		return nil, err
	}
	all, err := d.kept(ctx, last)
	if err != nil {
		return nil, err
	}
	return d.inEffect(ctx, all)
}

// joined are the changes of two imports, one after the other, as if they were one's.
func joined(first, then []change) (all []change) {
	place := map[string]int{}
	for _, c := range slices.Concat(first, then) {
		if i, again := place[c.ID]; again {
			all[i].To = c.To
			continue
		}
		place[c.ID] = len(all)
		all = append(all, c)
	}
	return all
}

func counted(all []change) (created, changed int) {
	for _, c := range all {
		if c.From == nil {
			created++
		}
	}
	return created, len(all) - created
}

// inEffect returns the changes whose users are as they were made.
func (d *Device) inEffect(ctx context.Context, all []change) (made []change, err error) {
	are := make(map[string]bool, len(all))
	to := make(map[string]api.User, len(all))
	for _, c := range all {
		to[c.ID] = c.To.Apply(api.User{})
	}
	err = d.each(ctx, repository.Query{}, func(u api.User) error {
		want, ok := to[u.ID]
		are[u.ID] = ok && want == api.User{Name: u.Name, Email: u.Email, Bio: u.Bio}
		return nil
	})
	for _, c := range all {
		if are[c.ID] {
			made = append(made, c)
		}
	}
	return made, err
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
// Of one that was cut off, or is under way, it counts what was made.
func (d *Device) Last(ctx context.Context) (*Last, error) {
	last, err := d.readLast(ctx)
	if err != nil || last.Parts == 0 {
		return nil, err
	}
	if d.Now().After(last.Until) {
		return nil, d.drop(ctx)
	}
	if last.Ended {
		return &last, nil
	}
	all, err := d.kept(ctx, last)
	if err != nil {
		return nil, err
	}
	made, err := d.inEffect(ctx, all)
	last.Created, last.Changed = counted(made)
	return &last, err
}

// drop forgets an import that can't be undone any more, unless another tab has begun one meanwhile.
func (d *Device) drop(ctx context.Context) error {
	err := d.alone(ctx, func(ctx context.Context) error {
		last, err := d.readLast(ctx)
		if err != nil || !d.Now().After(last.Until) {
			return err
		}
		return d.keep(ctx, &Last{}, nil)
	})
	if errors.Is(err, ErrBusy) {
		return nil
	}
	return err
}

// kept returns the changes of an import, in the order in which they were made.
func (d *Device) kept(ctx context.Context, last Last) (all []change, err error) {
	for n := range last.Parts {
		texts, err := d.Keep.Get(ctx, partKey(n))
		if err != nil {
			return nil, err
		}
		var part []change
		if err := json.Unmarshal([]byte(texts[partKey(n)]), &part); err != nil {
			return nil, fmt.Errorf("read what undoes the import: %w", err)
		}
		all = append(all, part...)
	}
	return all, nil
}

// Undone is what became of an undo: Left are those that were changed since, and stay as they are.
type Undone struct {
	Undone int
	Left   Left
}

// Undo restores what was before the last import, by operations like any others. Cut off, it can be
// called again.
func (d *Device) Undo(ctx context.Context, progress Progress) (out Undone, err error) {
	err = d.alone(ctx, func(ctx context.Context) (err error) {
		out, err = d.undo(ctx, progress)
		return err
	})
	return out, err
}

func (d *Device) undo(ctx context.Context, progress Progress) (out Undone, err error) {
	last, err := d.readLast(ctx)
	if err != nil || last.Parts == 0 || d.Now().After(last.Until) {
		return out, err
	}
	all, err := d.kept(ctx, last)
	if err == nil && !last.Ended { // the others were never made
		all, err = d.inEffect(ctx, all)
	}
	if err != nil {
		return out, err
	}
	for i := range all {
		all[i] = all[i].Reverse()
	}
	slices.Reverse(all) // an address that was handed on goes back the same way
	done := 0
	err = repository.Replace(ctx, d.Users, all, func(results []bool) {
		for _, ok := range results {
			if ok {
				out.Undone++
			} else {
				out.Left.add(all[done])
			}
			done++
		}
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
