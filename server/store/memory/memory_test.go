package memory_test

import (
	"testing"
	"time"

	"github.com/rollcall/rollcall/server/store/memory"
	"github.com/rollcall/rollcall/server/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, o storetest.Options) storetest.Store {
		return memory.New(memory.Options{Now: o.Now, Committed: o.Committed})
	})
}

// clock returns a clock that moves: no two runs of a database begin in the same millisecond.
func clock() func() time.Time {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		at = at.Add(time.Second)
		return at
	}
}

func TestRollback(t *testing.T) {
	now, saved := memory.New(memory.Options{Now: clock()}), (*memory.Store)(nil)
	open := func() storetest.Store {
		now = now.Copy()
		now.Enter()
		return now
	}
	storetest.RunRollback(t, storetest.Rollback{
		Open: open, Save: func() { saved = now.Copy() }, PutBack: func() { now = saved },
	})
}

func TestHotRollback(t *testing.T) {
	now, saved := memory.New(memory.Options{Now: clock()}), (*memory.Store)(nil)
	open := func() storetest.Store {
		if saved != nil {
			now = saved
		}
		now = now.Copy()
		now.Enter()
		return now
	}
	storetest.RunHotRollback(t, open, func() { saved = now.Copy() })
}
