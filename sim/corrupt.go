package sim

import (
	"context"
	"fmt"

	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// damages are ways to corrupt an entity's rows behind the engine's back, as a broken disk
// or the browser's developer tools might. They never touch operations.
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

// damageNames are the events to count, one for each of damages.
var damageNames = func() (names []string) {
	for _, d := range damages {
		names = append(names, "row corrupted: "+d.name)
	}
	return names
}()

// neverCreated is the number of an entity that no device creates.
const neverCreated = 9999

// corrupt damages an entity's rows. It does so only if the server sends digests: without
// them nothing repairs the rows.
func (b *browser) corrupt(st Step) {
	if !b.w.script.Digests || b.w.healed {
		return
	}
	kind := int(st.N) % len(damages)
	ref := userRef(entityID(st.Entity))
	if damages[kind].name == "forged" && st.Entity%2 == 0 {
		ref = userRef(entityID(neverCreated))
	}
	b.w.stats.hit(damageNames[kind])
	b.corrupted[ref.ID] = true
	b.store.Corrupt(ref, func(is *memory.Stored) { damages[kind].do(is, ref) })
}

// checkHealth checks that the browser's last comparison with the server found no
// difference.
func (w *world) checkHealth(ctx context.Context, b *browser) {
	if !w.script.Digests {
		return
	}
	meta, err := b.store.Meta(ctx, sync.MetaCheck)
	if err != nil {
		w.fail(8, "read the last digest check: %v", err)
		return
	}
	if c := sync.ParseCheck(meta[sync.MetaCheck]); c.Mismatched > 0 || c.DeviceRows != c.ServerRows {
		w.fail(8, "browser %d found %d differing buckets, with %d rows here and %d on the server", b.number, c.Mismatched, c.DeviceRows, c.ServerRows)
	}
}
