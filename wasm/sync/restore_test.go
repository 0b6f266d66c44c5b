package sync_test

import (
	"context"
	"testing"

	"github.com/rollcall/rollcall/sim/testbed"
)

// TestUndoneDeletes: what a person deletes and brings back is there, with no conflict, whatever
// reaches the server in between and wherever its versions go on after a restart.
func TestUndoneDeletes(t *testing.T) {
	ctx := context.Background()
	for name, steps := range map[string]string{
		"at once":                          "DR",
		"after the delete was sent":        "DSR",
		"deleted again, all unsent":        "DSRDR",
		"restored, deleted, each sent":     "DSRSDSRS",
		"deleted twice, the last unsent":   "DSRSDR",
		"deleted again and sent":           "DRDSR",
		"a third time, all unsent":         "DSRDRDR",
		"after the delete was sent, twice": "DSRDSR",
	} {
		for _, restarts := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", with restarts"}[restarts], func(t *testing.T) {
				w := testbed.New(t)
				id := addAt(w, "Ann", 1)
				a := w.Device()
				a.Sync()
				was, err := a.Get(ctx, id)
				a.OK(err)
				for _, step := range steps + "S" {
					if restarts {
						w.StartOn(w.Copy())
					}
					switch step {
					case 'D':
						a.OK(testbed.Delete(a, id))
					case 'R':
						_, err := a.Restore(ctx, was)
						a.OK(err)
					case 'S':
						a.Sync()
					}
				}
				a.Shows("Ann()")
				if users := w.Users(); len(users) != 1 || users[0].ID != id {
					t.Errorf("the server has %+v", users)
				}
				if found, err := a.Conflicts(ctx, 10); err != nil || len(found) > 0 {
					t.Errorf("conflicts %+v (%v)", found, err)
				}
			})
		}
	}
}
