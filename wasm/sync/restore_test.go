package sync_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
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

// TestAFetchBringsNobodyBack: an answer on its way while this device's delete reaches the server
// is not saved.
func TestAFetchBringsNobodyBack(t *testing.T) {
	w := testbed.New(t)
	d := w.Device()
	id := d.Add("Ann")
	d.Sync()
	reads := repository.New(repository.Config[api.User, api.UserPatch]{
		Store: d.Store, Bus: d.Channel.Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: func() time.Time { return w.Now }, After: time.After, NewID: uuid.NewString,
		Go: func(f func()) { f() },
		Remote: onTheWay{&remote.Server{HTTP: d, Paths: directory.Paths}, func() {
			_, err := d.Delete(t.Context(), id)
			d.OK(err)
			d.Intercept(func(r sync.Request) (*sync.Response, error) {
				if r.Method == "GET" {
					return nil, errors.New("the network is away")
				}
				return nil, nil
			})
			if _, err := d.Engine.Round(t.Context(), sync.Manual); err == nil {
				t.Error("the feed was read")
			}
		}},
	})
	if _, err := reads.Get(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if len(w.Users()) != 0 {
		t.Fatal("the delete was not sent")
	}
	d.Shows("")
}

// onTheWay does something once an answer is on its way.
type onTheWay struct {
	*remote.Server
	meanwhile func()
}

func (o onTheWay) Fetch(ctx context.Context, ref queue.Ref) (api.Change, error) {
	change, err := o.Server.Fetch(ctx, ref)
	o.meanwhile()
	return change, err
}
