package sim

import (
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// oldTabQueue is how many operations of one entity an old tab queues at most.
const oldTabQueue = 4

// asOldTab turns what an old tab has queued into what its version would have: without
// stamps, and with updates not coalesced. Hosts of both versions process its operations.
func (s storage) asOldTab(before queue.Entity, e *queue.Entity) {
	came := difference(e.Operations, before.Operations)
	if s.who.Kind != tab || !s.old() || len(came) != 1 {
		return
	}
	s.w.stats.hit("queued by an older version")
	last := len(e.Operations) - 1
	e.Operations[last].Stamp = ""
	left := difference(before.Operations, e.Operations)
	if s.doing != Update || len(left) != 1 || left[0].State != queue.Queued || left[0].Type == api.Delete || len(before.Operations) >= oldTabQueue {
		return
	}
	first, second := left[0], e.Operations[last]
	data := queue.Decode(second.Data).ChangedFrom(queue.Decode(first.Data))
	e.Operations = append(e.Operations[:last:last], first)
	e.Outcomes = nil // the first is still queued
	if len(data) == 0 {
		return
	}
	s.w.stats.hit("not coalesced by an older version")
	second.Seq, second.Type, second.Data = 0, api.Update, data.Encode()
	second.Base, second.BaseVersion = before.Document(), first.BaseVersion
	e.Operations = append(e.Operations, second)
}

// old reports whether the tab runs the earlier version.
func (s *slot) old() bool {
	return s.b.config.OldTab && s.who.Index == s.b.config.Tabs-1
}
