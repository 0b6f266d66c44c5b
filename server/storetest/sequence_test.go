package storetest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

// sequence numbers changes like a database sequence: in the order in which writes start, though
// rows become visible in the order of the commits. CheckNoSkippedChange must catch that.
type sequence struct {
	mu     sync.Mutex
	polled *sync.Cond
	total  int64
	next   int64
	passed int64 // the highest number a poll has passed
	rows   map[int64]string
}

// Apply lets every fourth write commit after a poll has passed its number.
func (s *sequence) Apply(_ context.Context, writes []store.Write) ([]store.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	number := s.next
	for number%4 == 0 && number < s.total-100 && s.passed <= number {
		s.polled.Wait()
	}
	s.rows[number] = writes[0].EntityID
	return []store.Outcome{{Result: api.Result{Status: api.Applied}}}, nil
}

func (s *sequence) Changes(_ context.Context, cursor string, limit int) (api.ChangePage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, err := feed.State{Epoch: 1, Change: s.next}.Resume(cursor)
	if err != nil {
		return api.ChangePage{}, err
	}
	page := api.ChangePage{}
	for n := from.Change + 1; n <= s.next; n++ {
		if id, committed := s.rows[n]; committed {
			if len(page.Changes) == limit {
				page.HasMore = true
				break
			}
			page.Changes = append(page.Changes, api.Change{EntityID: id})
			from.Change = n
		}
	}
	page.Cursor = from.String()
	s.passed = max(s.passed, from.Change)
	s.polled.Broadcast()
	return page, nil
}

func TestTheCheckCatchesASequence(t *testing.T) {
	s := &sequence{total: 16 * 20, rows: map[int64]string{}}
	s.polled = sync.NewCond(&s.mu)
	err := CheckNoSkippedChange(t.Context(), s, 16, 20)
	if err == nil || !strings.Contains(err.Error(), "passed a change") {
		t.Fatalf("a store with a bare sequence passes: %v", err)
	}
	t.Log(err)
}
