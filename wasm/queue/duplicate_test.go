package queue_test

import (
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// TestADuplicateTellsWhetherWhatFollowsHasSeenTheRow: an operation on values that are there
// again is put on the newest version; one on others leaves the conflict to the server.
func TestADuplicateTellsWhetherWhatFollowsHasSeenTheRow(t *testing.T) {
	for _, c := range []struct {
		name   string
		before bool // whether the operation was made on what its author had not seen
		row    *queue.Row
		want   string
		unseen bool
	}{
		{"seen, and the same", false, row(6, bo), `b update {"name":"Cy"} base 6 queued`, false},
		{"unseen, and the same again", true, row(6, bo), `b update {"name":"Cy"} base 6 queued`, false},
		{"seen, and changed since", false, row(6, `{"name":"Dee"}`), `b update {"name":"Cy"} base 3 queued`, true},
		{"unseen, and another", true, row(6, `{"name":"Dee"}`), `b update {"name":"Cy"} base 3 queued`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: row(3, ann), Operations: []queue.Operation{
				op("a", api.Update, bo, ann, 3), op("b", api.Update, `{"name":"Cy"}`, bo, 3),
			}}
			e.Operations[1].Unseen = c.before
			must(t, e.AcknowledgeDuplicate("a", c.row, 6, []string{"name"}), "acknowledge")
			if got := describe(e); got != c.want || e.Operations[0].Unseen != c.unseen {
				t.Errorf("got %s, unseen %v", got, e.Operations[0].Unseen)
			}
		})
	}
}
