package sync_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// TestRowsOfAnOlderRuleAreListedAnewOffline: a device with rows as an older program has listed
// them lists them anew once, without the server, and takes none for corrupt.
func TestRowsOfAnOlderRuleAreListedAnewOffline(t *testing.T) {
	w := testbed.New(t)
	id := addAt(w, "Straße", 1)
	addAt(w, "Zoe", 20)
	a := w.Device()
	a.Sync()
	byOlderRule := func(s *memory.Stored) { s.Key.Sort, s.Search = "zzz", "straße\n" }
	a.Store.Corrupt(userRef(id), byOlderRule)
	a.OK(a.Store.SetMeta(context.Background(), map[string]string{sync.MetaIndex: ""}))
	a.Shows("Zoe(); Straße()")

	a.Intercept(func(sync.Request) (*sync.Response, error) { return nil, errors.New("offline") })
	var heard []sync.Kind
	defer a.Channel.Bus().Subscribe(func(m sync.Message) { heard = append(heard, m.Kind) })()
	_, err := a.Engine.Round(context.Background(), sync.Start)
	if err == nil {
		t.Fatal("the round had an answer offline")
	}
	a.Shows("Straße(); Zoe()")
	list, err := a.List(context.Background(), repository.Query{Search: "STRASSE", Limit: 9})
	if err != nil || list.Total != 1 {
		t.Errorf("the search finds %d (%v), want 1", list.Total, err)
	}
	if !slices.Contains(heard, sync.RowsChanged) {
		t.Error("nobody told the pages")
	}

	a.Intercept(func(sync.Request) (*sync.Response, error) { return nil, nil })
	if r := roundFor(a, sync.Manual); r.Repaired != 0 || len(buckets(a)) != 0 {
		t.Errorf("repaired %d rows, requested buckets %v, want none", r.Repaired, buckets(a))
	}
	// Not once more: what differs now is damage, and repaired.
	a.Store.Corrupt(userRef(id), byOlderRule)
	if r := roundFor(a, sync.Manual); r.Repaired != 1 {
		t.Errorf("repaired %d rows, want 1", r.Repaired)
	}
}
