package memory_test

import (
	"testing"

	"github.com/rollcall/rollcall/server/store/memory"
	"github.com/rollcall/rollcall/server/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, o storetest.Options) storetest.Store {
		return memory.New(memory.Options{Now: o.Now, Committed: o.Committed})
	})
}
