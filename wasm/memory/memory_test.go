package memory_test

import (
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
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
	}, corrupt)
}

// corrupt implements storetest.Corrupt.
func corrupt(t *testing.T, s storetest.Store, ref queue.Ref, damage storetest.Damage) bool {
	t.Helper()
	s.(*memory.Store).Corrupt(ref, func(is *memory.Stored) {
		switch damage {
		case storetest.Altered:
			is.Confirmed.Document = []byte(`{"id":"x","name":"Corrupted"}`)
		case storetest.Reversed:
			is.Confirmed.Version--
		case storetest.Lost:
			is.Confirmed, is.Visible = nil, nil
		case storetest.Hidden:
			is.Visible = nil
		case storetest.Misplaced, storetest.Dated:
			is.Key.Sort, is.Search = "Zzz", "zzz"
		case storetest.Forged:
			is.Confirmed = &queue.Row{Version: 1, Document: []byte(`{"id":"x","name":"Forged"}`)}
			is.Visible = &queue.View{Ref: ref, Version: 1, Document: is.Confirmed.Document}
			is.Key.Sort = "Forged"
		default:
			t.Fatalf("unknown damage %q", damage)
		}
	})
	return true
}
