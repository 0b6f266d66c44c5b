package health

import (
	"context"
	"fmt"
	stdsync "sync"

	"github.com/rollcall/rollcall/wasm/sync"
)

// Meta values of an EvictionDetector.
const (
	// metaVisited is saved by the first page that opens, before anything syncs.
	metaVisited = "here"
	// metaLoss says that the browser evicted the site's data: lossDetected, or
	// lossAcknowledged once the person knows.
	metaLoss         = "loss"
	lossDetected     = "noticed"
	lossAcknowledged = "heard"
)

// MetaStore keeps small named values on the device.
type MetaStore interface {
	Meta(ctx context.Context, names ...string) (map[string]string, error)
	SetMeta(ctx context.Context, values map[string]string) error
}

// EvictionDetector notices that the browser has evicted the site's data. There are two
// signs. Either the server has synced with this browser before, or this page has recorded
// its visit, but no page has ever opened as far as the device knows; or the client id is
// not that of a moment ago. A missing client id alone is no sign, since a worker may
// already have made a new one.
type EvictionDetector struct {
	store        MetaStore
	syncedBefore bool

	mu     stdsync.Mutex
	client string // the client id when it was last read
	// visited: a visit was recorded when this page last checked. Data can be evicted before
	// the first sync has told this page of a client id.
	visited bool
	lost    bool
}

// NewEvictionDetector returns a detector that has not checked yet. syncedBefore says
// whether the server synced with this browser before this page was loaded.
func NewEvictionDetector(store MetaStore, syncedBefore bool) *EvictionDetector {
	return &EvictionDetector{store: store, syncedBefore: syncedBefore}
}

// Check checks whether the data are still there. Call it before anything on this page
// syncs, and again whenever the connection to the database was lost.
func (d *EvictionDetector) Check(ctx context.Context) error {
	m, err := d.store.Meta(ctx, sync.MetaClient, metaVisited, metaLoss)
	if err != nil {
		return fmt.Errorf("check for an eviction: %w", err)
	}
	d.mu.Lock()
	replaced := d.client != "" && m[sync.MetaClient] != d.client
	evicted := m[metaLoss] == "" && (replaced || m[metaVisited] == "" && (d.syncedBefore || d.visited))
	d.client = m[sync.MetaClient]
	d.lost = evicted || m[metaLoss] == lossDetected
	d.mu.Unlock()
	switch {
	case evicted:
		err = d.store.SetMeta(ctx, map[string]string{metaVisited: "yes", metaLoss: lossDetected})
	case m[metaVisited] == "":
		err = d.store.SetMeta(ctx, map[string]string{metaVisited: "yes"})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.visited = err == nil
	return err
}

// LearnClient reads the client id, unless it is known already. The first sync makes it.
func (d *EvictionDetector) LearnClient(ctx context.Context) error {
	d.mu.Lock()
	client := d.client
	d.mu.Unlock()
	if client != "" {
		return nil
	}
	m, err := d.store.Meta(ctx, sync.MetaClient)
	if err != nil {
		return fmt.Errorf("read the client id: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.client = m[sync.MetaClient]
	return nil
}

// Lost reports whether data were lost and the person has not acknowledged it yet.
func (d *EvictionDetector) Lost() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}

// Acknowledge records that the person knows of the loss.
func (d *EvictionDetector) Acknowledge(ctx context.Context) error {
	if err := d.store.SetMeta(ctx, map[string]string{metaLoss: lossAcknowledged}); err != nil {
		return fmt.Errorf("save the acknowledgement: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lost = false
	return nil
}
