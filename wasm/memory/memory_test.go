package memory_test

import (
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/storetest"
)

func TestStore(t *testing.T) {
	stores := map[string]*memory.Store{}
	storetest.Run(t, func(t *testing.T, name string) storetest.Store {
		key := t.Name() + "\x00" + name
		if stores[key] == nil {
			stores[key] = memory.New(storetest.Schemas...)
			stores[key].Now = func() time.Time { return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) }
		}
		return stores[key]
	})
}
