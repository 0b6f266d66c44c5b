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
	// notifyInterval is the least time between two notifications of a process. Every
	// listener receives every notification.
	notifyInterval = 50 * time.Millisecond
	// reconnectDelay is the wait before a lost connection is opened again.
	reconnectDelay = time.Second
	// statementTimeout bounds a statement of the listener, and a notification.
	statementTimeout = 5 * time.Second
)

// notifier notifies other processes after a commit that the feed has grown, and receives
// their notifications. A notification has only its sender's name; the receiver reads how far
// the feed reaches. It also does so from time to time, in case a notification was lost.
type notifier struct {
	store   *Store
	self    string
	stop    context.CancelFunc
	tasks   sync.WaitGroup
	pending chan struct{} // holds a value if there is something to notify

	mu     sync.Mutex
	epoch  uint64
	change int64
}

func newNotifier(s *Store, st store.FeedState) *notifier {
	return &notifier{
		store: s, self: fmt.Sprintf("%d-%s", os.Getpid(), uuid.NewString()[:8]), pending: make(chan struct{}, 1),
		epoch: st.Epoch, change: st.Change,
	}
}

// start starts to notify and, if Committed is set, to listen.
func (n *notifier) start(config *pgx.ConnConfig) {
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.tasks.Go(func() { n.notifyAll(ctx) })
	if n.store.opts.Committed != nil {
		n.tasks.Go(func() { n.listenAlways(ctx, config) })
	}
}

// close sends the last notification and stops.
func (n *notifier) close() {
	n.stop()
	n.tasks.Wait()
}

// committed reports a commit of this process, here and to the others.
func (n *notifier) committed(epoch uint64, change int64) {
	n.advance(epoch, change)
	select {
	case n.pending <- struct{}{}:
	default:
	}
}

// advance calls Committed if the feed reaches further than known before.
func (n *notifier) advance(epoch uint64, change int64) {
	n.mu.Lock()
	further := epoch != n.epoch || change > n.change
	if further {
		n.epoch, n.change = epoch, change
	}
	n.mu.Unlock()
	if further && n.store.opts.Committed != nil {
		n.store.opts.Committed()
	}
}

// notifyAll notifies the other processes until ctx ends, and then once more if needed.
func (n *notifier) notifyAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			select {
			case <-n.pending:
				n.notify()
			default:
			}
			return
		case <-n.pending:
			n.notify()
		}
		wait(ctx, notifyInterval)
	}
}

func (n *notifier) notify() {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	if _, err := n.store.writes.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, n.self); err != nil {
		n.store.opts.Log.Warn("could not notify other servers; they find the changes within seconds", "error", err)
	}
}

// listenAlways listens until ctx ends, and reconnects when needed.
func (n *notifier) listenAlways(ctx context.Context, config *pgx.ConnConfig) {
	for ctx.Err() == nil {
		err := n.listen(ctx, config)
		if ctx.Err() != nil {
			return
		}
		n.store.opts.Log.Warn("lost the connection that listens to other servers; reconnecting", "error", err)
		wait(ctx, reconnectDelay)
		if err := n.store.enter(ctx); err != nil && ctx.Err() == nil {
			n.store.opts.Log.Warn("could not begin a new epoch of the feed; the next write tries again", "error", err)
		}
		if st, err := readFeed(ctx, n.store.reads); err == nil {
			n.advance(st.Epoch, st.Change)
		}
	}
}

// listen listens on one connection until it fails.
func (n *notifier) listen(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, with(config, map[string]string{"application_name": "rollcall listener"}))
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), statementTimeout)
		defer cancel()
		_ = conn.Close(closing) // it is not used any more
	}()
	// While servers hold this lock, FinishRestore fails.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock_shared($1)`, int64(lockServe)); err != nil {
		return fmt.Errorf("share the servers' lock: %w", err)
	}
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for {
		// Reading first, on this connection, covers the notifications from before LISTEN
		// and detects a dead connection.
		if err := n.readHead(ctx, conn); err != nil {
			return err
		}
		if err := n.receive(ctx, conn); err != nil {
			return err
		}
	}
}

func (n *notifier) readHead(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	st, err := readFeed(ctx, conn)
	if err != nil {
		return err
	}
	n.advance(st.Epoch, st.Change)
	return nil
}

// receive waits for another process's notification, or until it is time to poll.
func (n *notifier) receive(ctx context.Context, conn *pgx.Conn) error {
	poll, cancel := context.WithTimeout(ctx, n.store.opts.Poll)
	defer cancel()
	for {
		notification, err := conn.WaitForNotification(poll)
		switch {
		case err != nil && poll.Err() != nil && ctx.Err() == nil && !conn.IsClosed():
			return nil
		case err != nil:
			return err
		case notification.Payload != n.self:
			return nil
		}
	}
}

// wait waits for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
