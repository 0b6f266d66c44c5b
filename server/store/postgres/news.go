package postgres

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/server/store"
)

const (
	channel = "rollcall_changes"
	// pace is the least time between two notifications of a process. PostgreSQL has
	// every listener read every one.
	pace = 50 * time.Millisecond
	// again is how long to wait before a lost connection is made anew.
	again = time.Second
	// patience bounds one statement of the listener, and the last notification.
	patience = 5 * time.Second
)

// news passes on that the feed has grown: to other processes, by a notification
// after the commit, and from them. A notification carries nothing but who sent it;
// who hears it looks how far the feed is. One that is lost is made up for by looking
// from time to time.
type news struct {
	store *Store
	self  string
	stop  context.CancelFunc
	works sync.WaitGroup
	fresh chan struct{} // holds one value when there is something to notify of

	mu     sync.Mutex
	epoch  uint64
	change int64
}

func newNews(s *Store, st store.FeedState) *news {
	return &news{
		store: s, self: fmt.Sprintf("%d-%s", os.Getpid(), uuid.NewString()[:8]), fresh: make(chan struct{}, 1),
		epoch: st.Epoch, change: st.Change,
	}
}

// start begins to notify and, when somebody wants to know, to listen.
func (n *news) start(config *pgx.ConnConfig) {
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.works.Go(func() { n.notifyAll(ctx) })
	if n.store.opts.Committed != nil {
		n.works.Go(func() { n.listenAlways(ctx, config) })
	}
}

// close sends what is to be notified, and ends.
func (n *news) close() {
	n.stop()
	n.works.Wait()
}

// own tells of a commit of this process, here and elsewhere.
func (n *news) own(epoch uint64, change int64) {
	n.reached(epoch, change)
	select {
	case n.fresh <- struct{}{}:
	default:
	}
}

// reached tells of where the feed is, unless that was told before.
func (n *news) reached(epoch uint64, change int64) {
	n.mu.Lock()
	fresh := epoch != n.epoch || change > n.change
	if fresh {
		n.epoch, n.change = epoch, change
	}
	n.mu.Unlock()
	if fresh && n.store.opts.Committed != nil {
		n.store.opts.Committed()
	}
}

// notifyAll notifies other processes until ctx ends, and then of what is left.
func (n *news) notifyAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			select {
			case <-n.fresh:
				n.notify()
			default:
			}
			return
		case <-n.fresh:
			n.notify()
		}
		wait(ctx, pace)
	}
}

func (n *news) notify() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := n.store.writes.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, n.self); err != nil {
		n.store.opts.Log.Warn("other processes were not notified; they look by themselves", "error", err)
	}
}

// listenAlways listens until ctx ends, on one connection after the other.
func (n *news) listenAlways(ctx context.Context, config *pgx.ConnConfig) {
	for ctx.Err() == nil {
		err := n.listen(ctx, config)
		if ctx.Err() != nil {
			return
		}
		n.store.opts.Log.Warn("listening to other processes ended; it begins anew", "error", err)
		wait(ctx, again)
		if st, err := readFeed(ctx, n.store.reads); err == nil {
			n.reached(st.Epoch, st.Change)
		}
	}
}

// listen listens on one connection until that fails.
func (n *news) listen(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, with(config, map[string]string{"application_name": "rollcall listener"}))
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = conn.Close(closing) // it is of no more use, whatever it says
	}()
	// As long as it is held, nobody who changes what servers rely on gets theirs.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock_shared($1)`, int64(lockServe)); err != nil {
		return fmt.Errorf("share the servers' lock: %w", err)
	}
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for {
		// First of all, and on this connection: what was notified before it listened
		// is not heard, and one that died in silence is found out.
		if err := n.look(ctx, conn); err != nil {
			return err
		}
		if err := n.hear(ctx, conn); err != nil {
			return err
		}
	}
}

func (n *news) look(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	st, err := readFeed(ctx, conn)
	if err != nil {
		return err
	}
	n.reached(st.Epoch, st.Change)
	return nil
}

// hear waits for another process's notification, or until it is time to look anyway.
func (n *news) hear(ctx context.Context, conn *pgx.Conn) error {
	turn, cancel := context.WithTimeout(ctx, n.store.opts.Poll)
	defer cancel()
	for {
		told, err := conn.WaitForNotification(turn)
		switch {
		case err != nil && turn.Err() != nil && ctx.Err() == nil && !conn.IsClosed():
			return nil
		case err != nil:
			return err
		case told.Payload != n.self:
			return nil
		}
	}
}

// wait waits, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
