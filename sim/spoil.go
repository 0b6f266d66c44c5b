package sim

import (
	"context"
	"fmt"

	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// damages are what can be done to the rows of an entity behind the engine's back,
// by a broken disk or a person in the browser's tools: to the confirmed row and to
// the one that is shown, never to operations.
var damages = []struct {
	name string
	do   func(*memory.Stored, queue.Ref)
}{
	{"altered", func(is *memory.Stored, _ queue.Ref) {
		if is.Confirmed != nil {
			is.Confirmed.Document = []byte(`{"name":"Spoiled","email":"spoiled@example.org"}`)
		}
	}},
	{"an older version", func(is *memory.Stored, _ queue.Ref) {
		if is.Confirmed != nil && is.Confirmed.Version > 1 {
			is.Confirmed.Version--
		}
	}},
	{"a newer version", func(is *memory.Stored, _ queue.Ref) {
		if is.Confirmed != nil {
			is.Confirmed.Version += 3
		}
	}},
	{"lost", func(is *memory.Stored, _ queue.Ref) { is.Confirmed, is.Visible = nil, nil }},
	{"hidden", func(is *memory.Stored, _ queue.Ref) { is.Visible = nil }},
	{"misplaced", func(is *memory.Stored, _ queue.Ref) { is.Key.Sort, is.Search = "Zzz", "zzz" }},
	{"forged", func(is *memory.Stored, ref queue.Ref) {
		document := fmt.Appendf(nil, `{"id":%q,"name":"Forged","email":"forged@example.org","bio":""}`, ref.ID)
		is.Confirmed = &queue.Row{Version: 7, Document: document}
		is.Visible = &queue.View{Ref: ref, Version: 7, Document: document}
		is.Key.Sort = "Forged"
	}},
}

// damageNames are the events of the damages.
var damageNames = func() (names []string) {
	for _, d := range damages {
		names = append(names, "row spoiled: "+d.name)
	}
	return names
}()

// unmade is the number of an entity that no device makes.
const unmade = 9999

// spoil does damage to an entity; only a server that sends digests lets it heal.
func (b *browser) spoil(st Step) {
	if !b.w.script.Digests || b.w.healed {
		return
	}
	kind := int(st.N) % len(damages)
	ref := userRef(entityID(st.Entity))
	if damages[kind].name == "forged" && st.Entity%2 == 0 {
		ref = userRef(entityID(unmade))
	}
	b.w.stats.hit(damageNames[kind])
	b.spoiled[ref.ID] = true
	b.store.Corrupt(ref, func(is *memory.Stored) { damages[kind].do(is, ref) })
}

// checkHealth judges what a browser says in the end of how its rows compare with
// the server's.
func (w *world) checkHealth(ctx context.Context, b *browser) {
	if !w.script.Digests {
		return
	}
	meta, err := b.store.Meta(ctx, sync.MetaCheck)
	if err != nil {
		w.fail(8, "read what is known of the server's digest: %v", err)
		return
	}
	if c := sync.ParseCheck(meta[sync.MetaCheck]); c.Mismatched > 0 || c.DeviceRows != c.ServerRows {
		w.fail(8, "browser %d says that %d of its buckets differ, and that it has %d rows, the server %d", b.number, c.Mismatched, c.DeviceRows, c.ServerRows)
	}
}
