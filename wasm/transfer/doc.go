// Package transfer brings people from files to a device and back: it plans an import with what is
// on the device, makes it through the queue, undoes it, and writes exports. It asks no server.
//
// Nothing is written before somebody has seen the plan. What an import changes is kept beside the
// data until it is undone, replaced by the next import, or a day old; so an import that was cut
// off, by a reload or a dead battery, can be undone as well.
package transfer

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/plan"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Device is the directory on a device.
type Device struct {
	Users *directory.Collection
	Meta  func(ctx context.Context, names ...string) (map[string]string, error)
	Keep  Keeper
	// Locks are those of the account: one import or undo at a time, in whichever tab.
	Locks sync.Locks
	Now   func() time.Time
	NewID func() string
}

// Keeper keeps texts beside the data, by names that nothing else has.
type Keeper interface {
	Put(ctx context.Context, put map[string]string, gone []string) error
	Get(ctx context.Context, keys ...string) (map[string]string, error)
}

// Progress is told how many of all records are done. It may wait until that is shown.
type Progress func(done, of int)

// pageSize is how many records are read at a time.
const pageSize = 1000

// each calls f with every user that a query finds, in the order of the list.
func (d *Device) each(ctx context.Context, q repository.Query, f func(api.User) error) error {
	for q.Limit = pageSize; ; {
		page, err := d.Users.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page.Records.All() {
			r.Value.ID, r.Value.Version = r.ID, r.Version
			if err := f(r.Value); err != nil {
				return err
			}
		}
		if len(page.Keys) < pageSize {
			return nil
		}
		q.From, q.Skip = page.Keys[len(page.Keys)-1], 1
	}
}

// Plan is what importing a file would do.
type Plan struct {
	roster.Info
	Results []plan.Result // in the order of the file
	// Incomplete says that the device does not have the whole list yet: whoever is missing would be
	// added once more.
	Incomplete bool

	order []plan.Result // in which they can be done
}

// MaxLines is how many lines of a file are planned at once.
const MaxLines = 200_000

// Plan plans a file with what is on the device.
func (d *Device) Plan(ctx context.Context, f *roster.File) (*Plan, error) {
	if f.Lines > MaxLines {
		return nil, &roster.Refusal{Reason: roster.Say("it has more than {0} lines; import it in parts, or with the command at the server", MaxLines)}
	}
	lines := make([]roster.Line, 0, f.Lines)
	for {
		line, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	people := plan.PeopleOf(lines, func(string) []string { return []string{d.NewID()} })
	known, err := d.known(ctx, people)
	if err != nil {
		return nil, err
	}
	p := &Plan{Info: f.Info}
	planner := plan.New()
	for _, person := range people {
		p.order = append(p.order, planner.Plan(person, known)...)
	}
	p.order = append(p.order, planner.Rest()...)
	p.Results = inOrderOfFile(p.order)
	meta, err := d.Meta(ctx, sync.MetaSyncedAt, sync.MetaResync)
	p.Incomplete = err == nil && (meta[sync.MetaSyncedAt] == "" || meta[sync.MetaResync] != "")
	return p, err
}

// known finds the users that people of a file may be.
func (d *Device) known(ctx context.Context, people []plan.Person) (plan.Known, error) {
	ids, emailKeys := plan.Sought(people)
	sought := make(map[string]bool, len(ids)+len(emailKeys))
	for _, key := range append(ids, emailKeys...) {
		sought[key] = true
	}
	var users []plan.User
	err := d.each(ctx, repository.Query{}, func(u api.User) error {
		if sought[u.ID] || sought[api.EmailKey(u.Email)] {
			users = append(users, plan.User{User: u})
		}
		return nil
	})
	return plan.KnownOf(users), err
}

// Count counts what a plan does, by action, and the fields that it would empty.
func (p *Plan) Count() (actions map[plan.Action]int, emptied map[string]int) {
	actions, emptied = map[plan.Action]int{}, map[string]int{}
	for _, r := range p.Results {
		actions[r.Action]++
		for _, field := range r.Emptied() {
			emptied[field]++
		}
	}
	return actions, emptied
}

// replacements are what a plan writes, in the order in which it can be written.
func (p *Plan) replacements() (all []change) {
	for _, r := range p.order {
		switch r.Action {
		case plan.Create:
			all = append(all, change{ID: r.ID, To: whole(r.Patch.Apply(api.User{}))})
		case plan.Change:
			all = append(all, change{ID: r.ID, From: whole(r.Had.User), To: whole(r.Patch.Apply(r.Had.User))})
		case plan.Unchanged, plan.Refused:
		}
	}
	return all
}

// standing returns the changes of a plan whose emails nobody else has by now: somebody may have come
// since it was made, from another device or by the same file in another tab.
func (d *Device) standing(ctx context.Context, planned []change) (standing []change, left Left, err error) {
	wants, leaves := map[string]string{}, map[string]bool{}
	for _, c := range planned {
		key := api.EmailKey(*c.To.Email)
		wants[key] = c.ID
		if c.From != nil && api.EmailKey(*c.From.Email) != key {
			leaves[c.ID] = true
		}
	}
	taken := map[string]bool{}
	err = d.each(ctx, repository.Query{}, func(u api.User) error {
		if id, ok := wants[api.EmailKey(u.Email)]; ok && id != u.ID && !leaves[u.ID] {
			taken[id] = true
		}
		return nil
	})
	for _, c := range planned {
		if taken[c.ID] {
			left.add(c)
		} else {
			standing = append(standing, c)
		}
	}
	return standing, left, err
}

type change = repository.Replacement[api.UserPatch]

func whole(u api.User) *api.UserPatch {
	patch := directory.Codec.Whole(u)
	return &patch
}

// Selection is whom an export is about: those that a search finds, or of them those with some ids.
type Selection struct {
	Query repository.Query
	IDs   map[string]bool // nil: all
}

// People calls f with each of a selection, as the device has them, unsent work included.
func (d *Device) People(ctx context.Context, s Selection, f func(api.User) error) error {
	return d.each(ctx, s.Query, func(u api.User) error {
		if s.IDs != nil && !s.IDs[u.ID] {
			return nil
		}
		return f(u)
	})
}

// Export writes a selection to a file, and returns how many it has.
func (d *Device) Export(ctx context.Context, s Selection, w roster.Writer) (n int, err error) {
	err = d.People(ctx, s, func(u api.User) error {
		n++
		return w.Write(u)
	})
	if err != nil {
		return n, err
	}
	return n, w.Close()
}
