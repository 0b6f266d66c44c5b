package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

func (f *fixture) digest() api.Digest {
	f.Helper()
	d, err := f.Digest(f.ctx, person)
	f.must(err)
	return d
}

func digestOf(changes ...api.Change) (d api.Digest) {
	for _, c := range changes {
		d.Add(c.EntityID, c.Version, api.ContentHash(c.Document))
	}
	return d
}

// repair makes the rows of a range of ids those of the server.
func (f *fixture) repair(within api.IDRange, server ...api.Change) []string {
	f.Helper()
	r := sync.Repair{Type: person, IDs: within, Generation: 1}
	for _, c := range server {
		if within.Contains(c.EntityID) {
			r.Changes = append(r.Changes, c)
		}
	}
	differed, err := f.Repair(f.ctx, r)
	f.must(err)
	return ids(differed)
}

// everything is the range of all ids.
var everything api.IDRange

// people are confirmed rows of entities in different states, each in its own bucket.
var people = []api.Change{
	change("04-clean", "Clean", 3), change("24-updated", "Before", 3), change("44-deleted", "Deleted", 3), change("84-disputed", "Disputed", 3),
}

// populate puts people into the store, with operations and a conflict.
func (f *fixture) populate() {
	f.Helper()
	f.pull(pageOf(people...))
	f.enqueue("24-updated", operation("24-updated", "Updated"))
	f.enqueue("44-deleted", queue.Operation{ID: "d", Ref: ref("44-deleted"), Type: api.Delete, State: queue.Queued, CreatedAt: day})
	create := operation("64-created", "Created")
	create.Type, create.Base, create.BaseVersion = api.Create, nil, 0
	f.enqueue("64-created", create)
	f.update("84-disputed", func(e *queue.Entity) { e.Conflicts = []queue.Conflict{aConflict("k", "84-disputed", day)} })
}

// corruptAndRepair damages an entity, and checks that it is detected and repaired.
func (f *fixture) corruptAndRepair(id string, damage Damage) {
	f.Helper()
	intact, list, counts := f.digest(), f.list(), f.counts()
	operations := f.entity(id).Operations
	f.same("a digest", intact, digestOf(people...))
	if !f.corrupt(f.T, f.Store, ref(id), damage) {
		return
	}
	corrupted := f.digest()
	f.same(fmt.Sprintf("%s: %s: buckets that differ", id, damage), intact.Diff(&corrupted), []int{api.BucketOf(id)})
	f.same(fmt.Sprintf("%s: %s: repaired", id, damage), f.repair(api.BucketRange(api.BucketOf(id)), people...), []string{id})
	f.same("list", f.list(), list)
	f.same("counts", f.counts(), counts)
	f.same("digest", f.digest(), intact)
	f.same("operations", f.entity(id).Operations, operations)
	f.same("nothing is left to repair", f.repair(everything, people...), []string{})
}

var repairCases = map[string]func(*fixture){
	"digest: of the confirmed rows of a type": func(f *fixture) {
		f.same("empty", f.digest(), api.Digest{})
		f.populate()
		n := change("04-clean", "Note", 9)
		n.EntityType = note
		f.pull(pageOf(n))
		f.same("people", f.digest(), digestOf(people...))
		notes, err := f.Digest(f.ctx, note)
		f.must(err)
		f.same("notes", notes, digestOf(n))
		f.pull(pageOf(tombstone("04-clean", 4), tombstone("24-updated", 4), change("44-deleted", "New", 7)))
		f.same("after a page", f.digest(), digestOf(change("44-deleted", "New", 7), people[3]))
		f.update("44-deleted", func(e *queue.Entity) { e.Confirmed, e.Operations = nil, nil })
		f.update("64-created", func(e *queue.Entity) { e.Confirmed, e.Operations = row("64-created", "Created", 1), nil })
		f.same("after answers", f.digest(), digestOf(change("64-created", "Created", 1), people[3]))
	},

	"digest: of more rows than are read at once": func(f *fixture) {
		var all []api.Change
		for i := range 2300 {
			all = append(all, change(fmt.Sprintf("%02x-%04d", i%256, i), fmt.Sprint("Näme 漢 👩‍👩‍👧 ", i), int64(i%7)+1))
		}
		f.pull(pageOf(all...))
		for start := 0; start < 1200; start += 300 {
			var txn queue.Txn
			for _, c := range all[start : start+300] {
				txn.Refs = append(txn.Refs, ref(c.EntityID))
			}
			f.must(f.Update(f.ctx, txn, func(es []*queue.Entity) error {
				for _, e := range es {
					o := operation(e.Ref.ID, "x")
					second := operation(e.Ref.ID, "y")
					e.Operations = append(e.Operations, o, second)
				}
				return nil
			}))
		}
		f.same("digest", f.digest(), digestOf(all...))
		f.same("nothing to repair", f.repair(everything, all...), []string{})
		f.same("all but one", len(f.repair(everything, all[0])), 2299)
		f.same("digest", f.digest(), digestOf(all[0]))
		f.same("counts", f.counts(), queue.Counts{Rows: 1200, Waiting: 2400})
	},

	"repair: a row without operations": func(f *fixture) {
		f.populate()
		for _, damage := range []Damage{Altered, Reversed, Lost, Hidden, Misplaced} {
			f.corruptAndRepair("04-clean", damage)
		}
	},

	"repair: a row with an open conflict": func(f *fixture) {
		f.populate()
		for _, damage := range []Damage{Altered, Reversed, Lost, Hidden, Misplaced} {
			f.corruptAndRepair("84-disputed", damage)
		}
	},

	"repair: a row under an unsent update": func(f *fixture) {
		f.populate()
		for _, damage := range []Damage{Altered, Reversed, Lost, Hidden, Misplaced} {
			f.corruptAndRepair("24-updated", damage)
		}
	},

	"repair: a row under an unsent delete": func(f *fixture) {
		f.populate()
		for _, damage := range []Damage{Altered, Reversed, Lost} {
			f.corruptAndRepair("44-deleted", damage)
		}
	},

	"repair: the visible row of an unsent create": func(f *fixture) {
		f.populate()
		for _, damage := range []Damage{Hidden, Misplaced} {
			f.corruptAndRepair("64-created", damage)
		}
	},

	"repair: a row that should not exist": func(f *fixture) {
		f.populate()
		f.corruptAndRepair("a4-forged", Forged)
	},

	"repair: rows that the server lacks are removed, but only within the range": func(f *fixture) {
		f.populate()
		within := api.IDRange{From: "04-clean", To: "44-deleted"}
		f.same("differed", f.repair(within, change("04-other", "Other", 1)), []string{"04-clean", "04-other", "24-updated"})
		f.same("list", f.list(), []string{"Created:pending", "Disputed:conflict", "Other", "Updated:pending"})
		e := f.entity("24-updated")
		if e.Confirmed != nil || len(e.Operations) != 1 {
			f.Fatalf("got %+v", e)
		}
		f.same("the rest", f.digest(), digestOf(change("04-other", "Other", 1), people[2], people[3]))
		f.same("an empty range", f.repair(api.IDRange{From: "x", To: "y"}), []string{})
	},

	"repair: the server's row wins, even an older one": func(f *fixture) {
		f.populate()
		server := []api.Change{change("04-clean", "Clean", 2), change("24-updated", "Another", 3), change("44-deleted", "Deleted", 9), people[3]}
		f.same("differed", f.repair(everything, server...), []string{"04-clean", "24-updated", "44-deleted"})
		f.same("digest", f.digest(), digestOf(server...))
		f.same("base", f.entity("24-updated").Confirmed.Document, server[1].Document)
		f.same("list", f.list(), []string{"Clean", "Created:pending", "Disputed:conflict", "Updated:pending"})
	},

	"repair: an intact row is not touched": func(f *fixture) {
		f.populate()
		before := f.entity("04-clean")
		same := people[0]
		same.Stamp = ""
		f.same("differed", f.repair(api.BucketRange(1), same), []string{})
		f.same("entity", f.entity("04-clean"), before)
	},

	"repair: a repaired row gets the generation of the repair": func(f *fixture) {
		f.pull(pageOf(change("a", "Ada", 1), change("b", "Bea", 1)))
		f.enqueue("b", operation("b", "Mine"))
		f.pull(sync.Page{Generation: 4})
		differed, err := f.Repair(f.ctx, sync.Repair{
			Type: person, Generation: 4, Changes: []api.Change{change("a", "Ada", 2), change("b", "Bea", 2), change("c", "Cy", 1)},
		})
		f.must(err)
		f.same("differed", ids(differed), []string{"a", "b", "c"})
		f.same("swept", f.sweep(4), []string{})
	},

	"repair: a later round makes it stale": func(f *fixture) {
		f.populate()
		first, err := f.BeginRound(f.ctx)
		f.must(err)
		_, err = f.BeginRound(f.ctx)
		f.must(err)
		if _, err := f.Repair(f.ctx, sync.Repair{Type: person, Fence: first}); !errors.Is(err, queue.ErrFenced) {
			f.Fatalf("got %v, want ErrFenced", err)
		}
		f.same("digest", f.digest(), digestOf(people...))
	},

	"page: a corrupt row is replaced by the same version": func(f *fixture) {
		f.populate()
		for _, c := range people {
			f.corrupt(f.T, f.Store, ref(c.EntityID), Altered)
		}
		f.pull(pageOf(people...))
		f.same("list", f.list(), []string{"Clean", "Created:pending", "Disputed:conflict", "Updated:pending"})
		f.same("digest", f.digest(), digestOf(people...))
		f.same("base", f.entity("24-updated").Confirmed.Document, people[1].Document)
	},

	"update: a write to a corrupt row does not make it intact": func(f *fixture) {
		f.populate()
		f.corrupt(f.T, f.Store, ref("04-clean"), Altered)
		f.enqueue("04-clean", operation("04-clean", "Mine"))
		d, intact := f.digest(), digestOf(people...)
		f.same("while it is pending", intact.Diff(&d), []int{1})
		f.update("04-clean", func(e *queue.Entity) { e.Operations = nil })
		d = f.digest()
		f.same("after", intact.Diff(&d), []int{1})
		f.update("04-clean", func(e *queue.Entity) {
			e.Confirmed = row("04-clean", "Answered", 3)
			e.Confirmed.SyncedAt = day.Add(time.Hour)
		})
		answered := slices.Concat([]api.Change{change("04-clean", "Answered", 3)}, people[1:])
		f.same("a response of the server is intact", f.digest(), digestOf(answered...))
	},
}
