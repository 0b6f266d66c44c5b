package sync_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// recorded wants a device to have this many conflicts, and returns them.
func recorded(a *testbed.Device, want int) {
	a.World.T.Helper()
	conflicts, err := a.Conflicts(context.Background(), 10)
	a.OK(err)
	if len(conflicts) != want {
		a.World.T.Errorf("%d conflicts are recorded, want %d: %+v", len(conflicts), want, conflicts)
	}
}

// The page "Sync" shows a decision for as long as it is not reviewed. What others write
// meanwhile is not on it.
func TestAReversedDecisionOverwritesNothingUnseen(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		strategy     sync.StrategyName
		mine, theirs func(*testbed.Device, string) error
		since        api.UserPatch
		want         string
		conflicts    int
	}{
		"mine was kept":        {sync.ClientWins, testbed.Update(testbed.Bio("mine")), testbed.Update(testbed.Bio("theirs")), testbed.Bio("newer"), "Ann(theirs) conflict", 2},
		"theirs was kept":      {sync.ServerWins, testbed.Update(testbed.Bio("mine")), testbed.Update(testbed.Bio("theirs")), testbed.Bio("newer"), "Ann(mine) conflict", 2},
		"another field":        {sync.ServerWins, testbed.Update(testbed.Bio("mine")), testbed.Update(testbed.Bio("theirs")), testbed.Name("Anna"), "Anna(mine)", 1},
		"my delete was not":    {sync.ServerWins, testbed.Delete, testbed.Update(testbed.Bio("theirs")), testbed.Bio("newer"), "", 2},
		"their delete was not": {sync.ClientWins, testbed.Update(testbed.Bio("mine")), testbed.Delete, testbed.Bio("newer"), "", 2},
	} {
		for where, on := range map[string]func(a, b *testbed.Device) *testbed.Device{
			"of others": func(_, b *testbed.Device) *testbed.Device { return b }, "of this device": func(a, _ *testbed.Device) *testbed.Device { return a },
		} {
			t.Run(name+", work "+where, func(t *testing.T) {
				w := testbed.New(t)
				a, b := w.Device(), w.Device()
				id := a.Add("Ann")
				a.Sync()
				b.Sync()
				b.OK(c.theirs(b, id))
				b.Sync()
				a.OK(a.SetStrategy(ctx, c.strategy))
				a.OK(c.mine(a, id))
				a.Sync()
				conflicts, err := a.Conflicts(ctx, 5)
				a.OK(err)
				b.Sync()
				a.OK(a.SetStrategy(ctx, sync.Merge))
				other := on(a, b)
				other.Wrote(other.Update(ctx, id, c.since))
				b.Sync()
				if other == b {
					a.Sync()
				}
				a.OK(a.Reverse(ctx, conflicts[0]))
				a.Sync()
				a.Sync()
				if other == b {
					a.Shows(c.want)
				}
				recorded(a, c.conflicts)
			})
		}
	}
}

// A form for a new user that is saved a second time, after a crash or in another tab,
// finds that the user is there, and others have been at work.
func TestCreatingAgainOverwritesNothingUnseen(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		tab       bool // another one
		bio, want string
		conflicts int
	}{
		"the same text":                {false, "draft", "Ann(theirs)", 0},
		"another text":                 {false, "better", "Ann(better) conflict", 1},
		"the same text in another tab": {true, "draft", "Ann(draft) conflict", 1},
		"another text in another tab":  {true, "better", "Ann(better) conflict", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := testbed.New(t)
			a, b := w.Device(), w.Device()
			id := a.NewID()
			a.Wrote(a.CreateAs(ctx, id, testbed.Patch("Ann", "ann@example.org", "draft")))
			a.Sync()
			b.Sync()
			b.Wrote(b.Update(ctx, id, testbed.Bio("theirs")))
			b.Sync()
			a.Sync()
			page := a.Collection
			if c.tab {
				page = repository.New(repository.Config[api.User, api.UserPatch]{
					Store: a.Store, Bus: a.Channel.Bus(), Schema: directory.Users, Codec: directory.Codec,
					Now: func() time.Time { return w.Now }, After: time.After, NewID: uuid.NewString,
				})
				defer page.Close()
			}
			a.Wrote(page.CreateAs(ctx, id, testbed.Patch("Ann", "ann@example.org", c.bio)))
			a.Sync()
			a.Sync()
			a.Shows(c.want)
			recorded(a, c.conflicts)
		})
	}
}
