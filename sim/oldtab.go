package sim

import (
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// oldTabQueue is how many operations of one entity a tab of the earlier version queues.
const oldTabQueue = 4

// asOldTab makes of what a tab of this version has queued what one of an earlier
// version would have, if it is one: that knew no stamps, and coalesced no updates.
// Its operations are worked on by hosts of either version.
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
	data := queue.Decode(second.Data).Without(queue.Decode(first.Data))
	e.Operations = append(e.Operations[:last:last], first)
	e.Outcomes = nil // the first has not left
	if len(data) == 0 {
		return
	}
	s.w.stats.hit("not coalesced by an older version")
	second.Seq, second.Type, second.Data = 0, api.Update, data.Encode()
	second.Base, second.BaseVersion = before.Document(), first.BaseVersion
	e.Operations = append(e.Operations, second)
}

// old reports whether a tab is of the earlier version.
func (s *slot) old() bool {
	c := s.w.script.Browsers[s.b.number]
	return c.OldTab && s.who.Index == c.Tabs-1
}
