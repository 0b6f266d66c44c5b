package sync

import (
	"context"
	"fmt"
	stdsync "sync"

	"github.com/rollcall/rollcall/api"
)

// maxNews is how many events with changes wait for a round. Of more, the round asks.
const maxNews = 32

// news are pages that came with events, in their order. The stream adds them while a round
// may be running.
type news struct {
	mu    stdsync.Mutex
	pages []api.ChangePage
}

func (n *news) add(page api.ChangePage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.pages) == maxNews {
		n.pages = nil
	}
	n.pages = append(n.pages, page)
}

func (n *news) take() []api.ChangePage {
	n.mu.Lock()
	defer n.mu.Unlock()
	pages := n.pages
	n.pages = nil
	return pages
}

// Tell takes in the data of an event that says that the feed has changed. If it has the changes
// themselves, a round for Stream need not ask for them.
func (e *Engine) Tell(data string) {
	if page, err := api.ParseLines([]byte(data)); err == nil && page.After != "" && page.Cursor != "" && !page.HasMore {
		e.news.add(page)
	}
}

// applyNews saves what events have brought, each page that follows the cursor exactly. It
// reports whether this device has all that it was told of, so that a round for the stream need
// not ask. From time to time it asks all the same: only an answer has a digest.
//
// An event may be older than the last answer to a push, and would bring back whom that push has
// deleted, or whom it found deleted by others. So once an operation has left the queue, only what
// is asked for afterwards is taken.
func (r *round) applyNews(ctx context.Context, outcome string) (told bool, err error) {
	pages := r.news.take()
	if r.position.cursor == "" || r.position.resyncing || r.position.outcome != outcome {
		return false, nil
	}
	for _, page := range pages {
		if page.After != r.position.cursor {
			continue
		}
		if err := r.savePage(ctx, page); err != nil {
			return false, fmt.Errorf("save the changes of an event: %w", err)
		}
		ReportProgress(ctx)
	}
	since := r.cfg.Now().Sub(r.asked)
	return len(pages) > 0 && pages[len(pages)-1].Cursor == r.position.cursor && r.reason == Stream && since >= 0 && since < PollOpen, nil
}
