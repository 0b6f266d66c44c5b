// Package signin lets people and programs in. A Gate keeps the state of the accounts in memory,
// so that to know who asks takes no read of the database, and follows what other processes
// change of it within a second or two. What may be done is decided in package account.
package signin

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/limit"
)

// Store is what a Gate needs of a store.
type Store interface {
	// AccessRevision grows with each change of the accounts, whoever makes it.
	AccessRevision(ctx context.Context) (int64, error)
	// Access returns all accounts. Nobody changes what it returns.
	Access(ctx context.Context) (*account.State, error)
	// ChangeAccess decides on the present state, one decision after the other, and makes the
	// change durable. An error of the decision leaves everything as it was.
	ChangeAccess(ctx context.Context, decide func(*account.State) (account.Change, error)) error
	// TouchGrants saves when grants were last used.
	TouchGrants(ctx context.Context, seen map[account.Hash]time.Time) error
}

// How often a gate looks at the store. A revocation has reached every process after a poll, or
// two when one fails.
const (
	pollInterval  = time.Second
	touchInterval = time.Minute
	sweepInterval = time.Hour
	pollTimeout   = 2 * time.Second
)

// How often somebody may try to sign in: to an account from one network, to it from all, and from a
// network to all. Who is over a limit waits; nobody who has signed in is kept out. One network alone
// can't use up what others have for an account: it would lock out its owner.
var (
	perAccount = limit.Rate{PerSecond: 1.0 / 60, Burst: 10}
	perOwner   = limit.Rate{PerSecond: 1.0 / 10, Burst: 100}
	perNetwork = limit.Rate{PerSecond: 1.0 / 6, Burst: 30}
)

const (
	maxBuckets  = 50_000
	maxHashing  = 256 // that wait
	maxFailures = 100 // that wait to be logged
)

// Options configure a Gate. All are optional.
type Options struct {
	Now func() time.Time // time.Now by default
	Log *slog.Logger
}

// Gate knows who may do what. Its methods may be called by many goroutines.
type Gate struct {
	store Store
	opts  Options
	state atomic.Pointer[account.State]

	loading sync.Mutex // so that no state takes the place of a later one

	mu      sync.Mutex
	changed chan struct{} // closed when the state has changed
	seen    map[account.Hash]time.Time

	compare    func(hash, password string) bool
	hashing    *limit.Turns
	byAccount  *limit.Buckets // and network
	byOwner    *limit.Buckets
	byNetwork  *limit.Buckets
	unrecorded chan account.Event // failed attempts
}

// nobody is the hash of a password that nobody has.
var nobody = sync.OnceValue(func() string {
	secret, _ := account.NewSecret(account.Link)
	return account.HashPassword(secret)
})

// Open returns the gate of a store's accounts.
func Open(ctx context.Context, s Store, o Options) (*Gate, error) {
	nobody() // not with the first attempt, which would take longer
	g := newGate(s, o)
	if err := g.load(ctx); err != nil {
		return nil, err
	}
	return g, nil
}

// None is the gate where there are no accounts, and never will be: everything is open.
func None() *Gate {
	g := newGate(nil, Options{})
	g.state.Store(account.NewState(0, account.Change{}))
	return g
}

func newGate(s Store, o Options) *Gate {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	at := max(1, runtime.GOMAXPROCS(0)/2)
	return &Gate{
		store: s, opts: o, changed: make(chan struct{}), seen: map[account.Hash]time.Time{},
		compare:   account.VerifyPassword,
		hashing:   limit.NewTurns(at, max(1, at-1), maxHashing),
		byAccount: limit.NewBuckets(perAccount, maxBuckets), byOwner: limit.NewBuckets(perOwner, maxBuckets), byNetwork: limit.NewBuckets(perNetwork, maxBuckets),
		unrecorded: make(chan account.Event, maxFailures),
	}
}

// State is the present state, as far as this process knows.
func (g *Gate) State() *account.State { return g.state.Load() }

// Changed is closed when the state is no longer the one of this moment.
func (g *Gate) Changed() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changed
}

// Now is the gate's clock.
func (g *Gate) Now() time.Time { return g.opts.Now() }

// load reads the state.
func (g *Gate) load(ctx context.Context) error {
	g.loading.Lock()
	defer g.loading.Unlock()
	state, err := g.store.Access(ctx)
	if err != nil {
		return err
	}
	g.state.Store(state)
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.changed)
	g.changed = make(chan struct{})
	return nil
}

// Decide changes the accounts, and knows the result at once.
func (g *Gate) Decide(ctx context.Context, decide func(*account.State) (account.Change, error)) error {
	if g.store == nil {
		return api.NewProblem(api.CodeConflict, "No accounts", "this server keeps no accounts")
	}
	if err := g.store.ChangeAccess(ctx, decide); err != nil {
		return err
	}
	return g.load(ctx)
}

// DecideAs is Decide for a principal. It fails if they have lost since what let them in, or their
// role: their request may have been under way for long, and another server may have been told.
func (g *Gate) DecideAs(ctx context.Context, p account.Principal, decide func(*account.State) (account.Change, error)) error {
	return g.Decide(ctx, func(s *account.State) (account.Change, error) {
		if err := s.Still(p, g.Now()); err != nil {
			return account.Change{}, err
		}
		return decide(s)
	})
}

// Used notes that a grant was used, now and then.
func (g *Gate) Used(p account.Principal, now time.Time) {
	if p.Grant.Kind == "" || !p.Grant.Stale(now) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[p.Grant.Hash] = now
}

// Watch follows the changes of other processes, and saves what this one has noted, until ctx
// ends.
func (g *Gate) Watch(ctx context.Context) {
	poll, touch, sweep := time.NewTicker(pollInterval), time.NewTicker(touchInterval), time.NewTicker(sweepInterval)
	defer poll.Stop()
	defer touch.Stop()
	defer sweep.Stop()
	var failing bool
	report := func(err error) {
		if err != nil && !failing && ctx.Err() == nil {
			g.opts.Log.Warn("could not follow the accounts; what was known stays valid, and the next try comes in a second", "error", err)
		}
		failing = err != nil
	}
	for {
		select {
		case <-ctx.Done():
			g.finish()
			return
		case <-poll.C:
			report(g.Follow(ctx))
		case e := <-g.unrecorded:
			report(g.store.ChangeAccess(ctx, func(*account.State) (account.Change, error) {
				return account.Change{Events: []account.Event{e}}, nil
			}))
		case <-touch.C:
			report(g.Touch(ctx))
		case <-sweep.C:
			report(g.sweep(ctx))
		}
	}
}

// finish saves at the end when grants were used.
func (g *Gate) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), pollTimeout)
	defer cancel()
	if err := g.Touch(ctx); err != nil {
		g.opts.Log.Warn("could not save when sessions were last used", "error", err)
	}
}

// Follow reads the state again if it has changed.
func (g *Gate) Follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	revision, err := g.store.AccessRevision(ctx)
	if err != nil || revision == g.State().Revision {
		return err
	}
	return g.load(ctx)
}

// Touch saves when grants were last used.
func (g *Gate) Touch(ctx context.Context) error {
	g.mu.Lock()
	seen := g.seen
	g.seen = map[account.Hash]time.Time{}
	g.mu.Unlock()
	if len(seen) == 0 {
		return nil
	}
	if err := g.store.TouchGrants(ctx, seen); err != nil {
		return err
	}
	return g.load(ctx)
}

// sweep drops the grants that have ended, and looks when others were used in other processes.
func (g *Gate) sweep(ctx context.Context) error {
	if len(g.State().DropEnded(g.Now()).Drop) == 0 {
		return g.load(ctx)
	}
	return g.Decide(ctx, func(s *account.State) (account.Change, error) { return s.DropEnded(g.Now()), nil })
}

// Attempt is one to sign in. Network is whose it is, empty for one without limits.
type Attempt struct {
	Name, Password, Device, Network string
}

// TooManyError is the error of an attempt over a limit.
type TooManyError struct{ Wait time.Duration }

// Error implements error.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("too many attempts to sign in; the next may come in %v", e.Wait)
}

// SignIn starts a session for who knows a name and its password. It takes as long for a name that
// nobody has.
func (g *Gate) SignIn(ctx context.Context, a Attempt) (secret string, err error) {
	if err := g.admitTo(a.Name, a.Network); err != nil {
		return "", err
	}
	who, hash := g.credential(a.Name)
	if ok, err := g.verify(ctx, a, hash); err != nil {
		return "", err
	} else if !ok {
		g.failed(who, a)
		return "", wrongPassword()
	}
	err = g.Decide(ctx, func(s *account.State) (account.Change, error) {
		if s.PasswordOf(who.ID) != hash { // it was set anew meanwhile
			return account.Change{}, wrongPassword()
		}
		var c account.Change
		c, secret, err = s.NewSession(account.Act{By: who.ID, Now: g.Now()}, who.ID, a.Device)
		return c, err
	})
	return secret, err
}

// credential returns the account of a name with the hash of its password, or nobody's.
func (g *Gate) credential(name string) (account.Account, string) {
	s := g.State()
	who, ok := s.ByName(name)
	if hash := s.PasswordOf(who.ID); ok && hash != "" {
		return who, hash
	}
	return account.Account{}, nobody()
}

func wrongPassword() error {
	return api.NewProblem(api.CodeSignIn, "Name or password is wrong", "check both, and the keyboard; an admin can make a link for a new password")
}

func wrongPresent() error {
	return api.NewProblem(api.CodeForbidden, "The present password is wrong", "nothing was changed")
}

// AdmitNetwork takes an attempt of a network's. One without a name has no limit.
func (g *Gate) AdmitNetwork(network string) error {
	if network == "" {
		return nil
	}
	return g.admit(g.byNetwork, network)
}

// admitTo takes an attempt to sign in to an account. The network is first: else it could name so many
// accounts that what is known of another one is dropped, and its attempts begin anew.
func (g *Gate) admitTo(name, network string) error {
	name = account.FoldName(name)
	if err := g.AdmitNetwork(network); err != nil {
		return err
	}
	if err := g.admit(g.byAccount, network+" "+name); err != nil {
		return err
	}
	return g.admit(g.byOwner, name)
}

// admit takes an attempt of somebody's.
func (g *Gate) admit(b *limit.Buckets, key string) error {
	h := account.HashOf(key) // what is typed may be long
	if wait, ok := b.Take(string(h[:]), g.Now()); !ok {
		return &TooManyError{wait}
	}
	return nil
}

// verify compares a password with a hash, in its turn.
func (g *Gate) verify(ctx context.Context, a Attempt, hash string) (ok bool, err error) {
	err = g.slowly(ctx, a.Network, func() { ok = g.compare(hash, a.Password) })
	return ok, err
}

// slowly does what takes a processor and memory for long, in turns by network.
func (g *Gate) slowly(ctx context.Context, network string, work func()) error {
	release, err := g.hashing.Acquire(ctx, network, 1)
	if err != nil {
		return err
	}
	defer release()
	work()
	return nil
}

// failed notes a failed attempt. What was typed as the name of nobody is not kept: it may be a
// password. The audit log is written later, since the answer must not take longer for a known
// name.
func (g *Gate) failed(who account.Account, a Attempt) {
	g.opts.Log.Warn("an attempt to sign in failed", "account", who.ID, "network", a.Network)
	if who.ID == "" {
		return
	}
	select {
	case g.unrecorded <- account.Event{At: g.Now(), Action: "sign_in_failed", Account: who.ID, Detail: a.Network}:
	default: // the log has it
	}
}

// Accept sets the password of a link's account, and signs it in.
func (g *Gate) Accept(ctx context.Context, link string, a Attempt) (secret string, err error) {
	who, err := g.State().Linked(link, g.Now())
	if err != nil {
		return "", err
	}
	if p := account.CheckPassword(a.Password, who); p != nil {
		return "", p
	}
	if err := g.AdmitNetwork(a.Network); err != nil {
		return "", err
	}
	var hash string
	if err := g.slowly(ctx, a.Network, func() { hash = account.HashPassword(a.Password) }); err != nil {
		return "", err
	}
	err = g.Decide(ctx, func(s *account.State) (account.Change, error) {
		if _, err := s.Linked(link, g.Now()); err != nil {
			return account.Change{}, err
		}
		act := account.Act{By: who.ID, Now: g.Now()}
		set, err := s.SetPassword(act, who.ID, hash, account.Hash{})
		if err != nil {
			return set, err
		}
		session, fresh, err := s.With(set).NewSession(act, who.ID, a.Device)
		secret = fresh
		return set.Then(session), err
	})
	return secret, err
}

// ChangePassword sets a new password for who knows the present one, and ends their other
// sessions.
func (g *Gate) ChangePassword(ctx context.Context, p account.Principal, a Attempt, fresh string) error {
	if err := g.admitTo(p.Name, a.Network); err != nil {
		return err
	}
	who, hash := g.credential(p.Name)
	if ok, err := g.verify(ctx, a, hash); err != nil {
		return err
	} else if !ok {
		g.failed(who, a)
		return wrongPresent()
	}
	if wrong := account.CheckPassword(fresh, who); wrong != nil {
		return wrong
	}
	var set string
	if err := g.slowly(ctx, a.Network, func() { set = account.HashPassword(fresh) }); err != nil {
		return err
	}
	return g.DecideAs(ctx, p, func(s *account.State) (account.Change, error) {
		if s.PasswordOf(who.ID) != hash { // it was set anew meanwhile
			return account.Change{}, wrongPresent()
		}
		return s.SetPassword(account.Act{By: who.ID, Now: g.Now()}, who.ID, set, p.Grant.Hash)
	})
}
