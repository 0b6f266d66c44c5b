package health

import (
	"context"
	"fmt"
	stdsync "sync"

	"github.com/rollcall/rollcall/wasm/sync"
)

// metaHere is written by the first page there is, before anything syncs. MetaLoss
// says that the browser has thrown the site's data away: lossNoticed, or lossHeard once
// the person knows of it.
const (
	metaHere    = "here"
	metaLoss    = "loss"
	lossNoticed = "noticed"
	lossHeard   = "heard"
)

// Values are small named values that are kept on the device.
type Values interface {
	Meta(ctx context.Context, names ...string) (map[string]string, error)
	SetMeta(ctx context.Context, values map[string]string) error
}

// EvictionDetector notices that the browser has thrown the site's data away. The sign is
// that no page has been here, as far as the device knows, although the server has
// synced with this browser; or that the client id is another one than a moment ago. A
// missing client id alone is no sign: a worker may have made a new one by then.
type EvictionDetector struct {
	values Values
	seen   bool // the server has synced with this browser before

	mu    stdsync.Mutex
	known string // the client id, as far as it was seen
	lost  bool
}

// NewEvictionDetector returns a presence that has not looked yet. Seen reports whether
// the server has synced with this browser before this page was loaded.
func NewEvictionDetector(values Values, seen bool) *EvictionDetector {
	return &EvictionDetector{values: values, seen: seen}
}

// Look looks whether the data are still there. The first time it must be called
// before anything of this page syncs; then when the connection to the database was lost.
func (p *EvictionDetector) Look(ctx context.Context) error {
	m, err := p.values.Meta(ctx, sync.MetaClient, metaHere, metaLoss)
	if err != nil {
		return fmt.Errorf("look for the data of before: %w", err)
	}
	p.mu.Lock()
	other := p.known != "" && m[sync.MetaClient] != p.known
	gone := m[metaLoss] == "" && (other || p.seen && m[metaHere] == "")
	p.known = m[sync.MetaClient]
	p.lost = gone || m[metaLoss] == lossNoticed
	p.mu.Unlock()
	switch {
	case gone:
		err = p.values.SetMeta(ctx, map[string]string{metaHere: "yes", metaLoss: lossNoticed})
	case m[metaHere] == "":
		err = p.values.SetMeta(ctx, map[string]string{metaHere: "yes"})
	}
	return err
}

// Remember learns the client id once there is one.
func (p *EvictionDetector) Remember(ctx context.Context) error {
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()
	if known != "" {
		return nil
	}
	m, err := p.values.Meta(ctx, sync.MetaClient)
	if err != nil {
		return fmt.Errorf("read the client id: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = m[sync.MetaClient]
	return nil
}

// Lost reports whether data were lost, and the person does not know yet.
func (p *EvictionDetector) Lost() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// Heard notes that the person knows.
func (p *EvictionDetector) Heard(ctx context.Context) error {
	if err := p.values.SetMeta(ctx, map[string]string{metaLoss: lossHeard}); err != nil {
		return fmt.Errorf("save that this was read: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = false
	return nil
}
