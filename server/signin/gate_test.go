package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/store/memory"
)

const good = "correct horse battery"

// world is a gate over a store, with a clock.
type world struct {
	*Gate
	t     *testing.T
	store *memory.Store
	clock time.Time
	ann   account.Account
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, store: memory.New(memory.Options{}), clock: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	w.Gate = w.open()
	w.do(func(s *account.State) (c account.Change, err error) {
		c, w.ann, err = s.Add(account.Act{Now: w.clock}, account.New{Name: "ann", Role: account.Admin})
		return c, err
	})
	if _, err := w.Accept(t.Context(), w.link(), Attempt{Password: good}); err != nil {
		t.Fatal(err)
	}
	return w
}

// open is another process's gate.
func (w *world) open() *Gate {
	w.t.Helper()
	g, err := Open(w.t.Context(), w.store, Options{Now: func() time.Time { return w.clock }})
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func (w *world) do(f func(*account.State) (account.Change, error)) {
	w.t.Helper()
	if err := w.Decide(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) link() (secret string) {
	w.t.Helper()
	w.do(func(s *account.State) (c account.Change, err error) {
		c, secret, err = s.NewLink(account.Act{Now: w.clock}, w.ann.ID, time.Hour)
		return c, err
	})
	return secret
}

func (w *world) signIn(name, password string) (string, error) {
	return w.SignIn(w.t.Context(), Attempt{Name: name, Password: password, Device: "Firefox", Network: "192.0.2.0/32"})
}

func codeOf(err error) api.Code {
	if p := (*api.Problem)(nil); errors.As(err, &p) {
		return p.Code
	}
	return ""
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	secret, err := w.signIn(" ANN ", good)
	if err != nil {
		t.Fatal(err)
	}
	p, refusal := w.State().Identify(secret, account.Session, w.clock)
	if refusal != account.Admitted || p.Account != w.ann.ID || p.Grant.Name != "Firefox" || p.Role != account.Admin {
		t.Errorf("signed in as %+v (%v)", p, refusal)
	}
	for _, a := range [][2]string{{"ann", "correct horse batterx"}, {"ann", ""}, {"bo", good}, {"", ""}} {
		if _, err := w.signIn(a[0], a[1]); codeOf(err) != api.CodeSignIn {
			t.Errorf("%q with %q: %v", a[0], a[1], err)
		}
	}
	w.compare = func(hash, password string) bool { // the password is set anew meanwhile
		w.do(func(s *account.State) (account.Change, error) {
			return s.SetPassword(account.Act{Now: w.clock}, w.ann.ID, account.HashPassword(good), account.Hash{})
		})
		return account.VerifyPassword(hash, password)
	}
	if _, err := w.signIn("ann", good); codeOf(err) != api.CodeSignIn {
		t.Errorf("with a password that was just replaced: %v", err)
	}
	w.compare = account.VerifyPassword
	w.do(func(s *account.State) (account.Change, error) {
		c, bo, err := s.Add(account.Act{Now: w.clock}, account.New{Name: "bo", Role: account.Admin})
		if err != nil {
			return c, err
		}
		off := true
		edit, err := s.With(c).Edit(account.Act{By: bo.ID, Now: w.clock}, w.ann.ID, account.Edit{Disabled: &off})
		return c.Then(edit), err
	})
	if _, err := w.signIn("ann", good); codeOf(err) != api.CodeAccountDisabled {
		t.Errorf("a disabled account: %v", err)
	}
	if _, err := w.signIn("ann", "another password"); codeOf(err) != api.CodeSignIn {
		t.Errorf("a disabled account with a wrong password: %v", err)
	}
	if _, err := w.signIn("bo", ""); codeOf(err) != api.CodeSignIn {
		t.Errorf("an account without a password: %v", err)
	}
}

// TestNobodyTakesAsLong: the time of an answer does not say whether there is an account. What
// takes the time is done as often, and at the same cost, for a name that nobody has.
func TestNobodyTakesAsLong(t *testing.T) {
	w := newWorld(t)
	w.do(func(s *account.State) (account.Change, error) {
		c, _, err := s.Add(account.Act{Now: w.clock}, account.New{Name: "invited", Role: account.Viewer})
		return c, err
	})
	cost := func(name string) (costs []string) {
		w.compare = func(hash, _ string) bool {
			parts := strings.Split(hash, "$")
			if len(parts) != 6 || len(parts[4]) != 22 || len(parts[5]) != 43 {
				t.Errorf("%s is compared with %q", name, hash)
			}
			costs = append(costs, strings.Join(parts[:4], "$"))
			return false
		}
		if _, err := w.signIn(name, "a wrong password"); codeOf(err) != api.CodeSignIn {
			t.Fatal(err)
		}
		return costs
	}
	known := cost("ann")
	for _, name := range []string{"nobody", "invited", ""} {
		if got := cost(name); !slices.Equal(got, known) || len(got) != 1 {
			t.Errorf("%q costs %v, a known name %v", name, got, known)
		}
	}
}

// TestAttemptsAreLimited: by account, whoever asks, and by network, whoever is asked for; whether
// there is such an account or not.
func TestAttemptsAreLimited(t *testing.T) {
	w := newWorld(t)
	var wait *TooManyError
	for _, name := range []string{"ann", "nobody"} {
		for i := range perAccount.Burst + 1 {
			_, err := w.SignIn(t.Context(), Attempt{Name: strings.ToUpper(name[:1]) + name[1:], Password: "x"})
			if errors.As(err, &wait) != (i == perAccount.Burst) {
				t.Fatalf("attempt %d for %s: %v", i+1, name, err)
			}
		}
	}
	if wait.Wait <= 0 || wait.Wait > time.Minute {
		t.Errorf("the next attempt may come in %v", wait.Wait)
	}
	w.clock = w.clock.Add(wait.Wait)
	if _, err := w.signIn("ann", good); err != nil {
		t.Errorf("after that time: %v", err)
	}
	refused, named := 0, w.byAccount.Len()
	attempt := func(name, network string) error {
		_, err := w.SignIn(t.Context(), Attempt{Name: name, Network: network})
		return err
	}
	for i := range perNetwork.Burst + 5 {
		if err := attempt(fmt.Sprint("someone", i), "198.51.100.0/32"); errors.As(err, &wait) {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d attempts of one network were refused, want 5", refused)
	}
	if n := w.byAccount.Len() - named; n != perNetwork.Burst { // who names very many must not have others' forgotten
		t.Errorf("%d names of one network are remembered, want %d", n, perNetwork.Burst)
	}
	if err := attempt("ann", "198.51.100.1/32"); errors.As(err, &wait) {
		t.Errorf("another network: %v", err)
	}
	// One network can't lock an account's owner out. Many together can, or they would guess for long.
	w.clock = w.clock.Add(24 * time.Hour)
	w.compare = func(string, string) bool { return false }
	for range 2 * perAccount.Burst {
		_ = attempt("ann", "198.51.100.2/32")
	}
	taken := perAccount.Burst
	for i := range perOwner.Burst {
		if err := attempt("ann", fmt.Sprintf("203.0.113.%d/32", i)); !errors.As(err, &wait) {
			taken++
		}
	}
	if taken != perOwner.Burst {
		t.Errorf("%d attempts were taken from all networks, want %d", taken, perOwner.Burst)
	}
}

// TestHashingIsBounded: however many sign in at once.
func TestHashingIsBounded(t *testing.T) {
	w := newWorld(t)
	w.hashing.Acquire(t.Context(), "", 1<<20) //nolint:errcheck // all turns are free
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.slowly(ctx, "", func() { t.Error("a password was hashed without a turn") }); !errors.Is(err, context.Canceled) {
		t.Errorf("without a turn: %v", err)
	}
}

func TestAccept(t *testing.T) {
	w := newWorld(t)
	before, err := w.signIn("ann", good)
	if err != nil {
		t.Fatal(err)
	}
	link := w.link()
	if _, err := w.Accept(t.Context(), link, Attempt{Password: "short"}); codeOf(err) != api.CodeInvalid {
		t.Errorf("a weak password: %v", err)
	}
	const n = 4
	var together sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		together.Go(func() {
			_, errs[i] = w.Accept(t.Context(), link, Attempt{Password: "another good password", Device: "x"})
		})
	}
	together.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
		} else if codeOf(err) != api.CodeNotFound {
			t.Error(err)
		}
	}
	if good != 1 {
		t.Errorf("a link worked %d times", good)
	}
	if _, refusal := w.State().Identify(before, account.Session, w.clock); refusal != account.Unknown {
		t.Error("a session from before the password was set goes on")
	}
	if _, err := w.signIn("ann", "another good password"); err != nil {
		t.Error(err)
	}
}

func TestChangePassword(t *testing.T) {
	w := newWorld(t)
	var sessions [2]string
	for i := range sessions {
		var err error
		if sessions[i], err = w.signIn("ann", good); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := w.State().Identify(sessions[0], account.Session, w.clock)
	for _, c := range []struct {
		was, is string
		code    api.Code
	}{{"wrong password", "a new good password", api.CodeForbidden}, {good, "short", api.CodeInvalid}, {good, "a new good password", ""}} {
		if err := w.ChangePassword(t.Context(), p, Attempt{Password: c.was}, c.is); codeOf(err) != c.code {
			t.Errorf("%q to %q: %v", c.was, c.is, err)
		}
	}
	w.compare = func(hash, password string) bool { // somebody else is first
		w.do(func(s *account.State) (account.Change, error) {
			return s.SetPassword(account.Act{Now: w.clock}, w.ann.ID, account.HashPassword(good), p.Grant.Hash)
		})
		return account.VerifyPassword(hash, password)
	}
	if err := w.ChangePassword(t.Context(), p, Attempt{Password: "a new good password"}, "a thief's password"); codeOf(err) != api.CodeForbidden {
		t.Errorf("with a password that was just replaced: %v", err)
	}
	w.compare = account.VerifyPassword
	if err := w.ChangePassword(t.Context(), p, Attempt{Password: good}, "a new good password"); err != nil {
		t.Error(err)
	}
	for i, want := range []account.Refusal{account.Admitted, account.Unknown} {
		if _, refusal := w.State().Identify(sessions[i], account.Session, w.clock); refusal != want {
			t.Errorf("session %d: %v", i, refusal)
		}
	}
	if _, err := w.signIn("ann", "a new good password"); err != nil {
		t.Error(err)
	}
}

// TestOtherProcessesFollow: what one process decides, another knows with its next poll, and tells
// those that wait for it.
func TestOtherProcessesFollow(t *testing.T) {
	w := newWorld(t)
	other := w.open()
	secret, err := w.signIn("ann", good)
	if err != nil {
		t.Fatal(err)
	}
	follow := func(want account.Refusal) {
		t.Helper()
		changed := other.Changed()
		if err := other.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
		default:
			t.Error("nobody is told")
		}
		if _, refusal := other.State().Identify(secret, account.Session, w.clock); refusal != want {
			t.Errorf("the other process says %v, want %v", refusal, want)
		}
	}
	follow(account.Admitted)
	w.do(func(s *account.State) (account.Change, error) { return s.SignOut(account.Act{Now: w.clock}, w.ann.ID) })
	follow(account.Unknown)
	changed := other.Changed()
	if err := other.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
		t.Error("it is told of nothing")
	default:
	}
}

// TestWatch: the poll runs by itself, and what was noted is saved at the end.
func TestWatch(t *testing.T) {
	w := newWorld(t)
	other := w.open()
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { other.Watch(ctx) })
	changed := other.Changed()
	secret, err := w.signIn("ann", good)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(time.Minute):
		t.Error("after a minute it does not know")
	}
	if _, err := other.SignIn(t.Context(), Attempt{Name: "ann", Password: "a wrong password", Network: ""}); err == nil {
		t.Error("a wrong password lets in")
	}
	p, _ := other.State().Identify(secret, account.Session, w.clock)
	later := w.clock.Add(2 * time.Hour)
	other.Used(p, later)
	stop()
	done.Wait()
	s, err := w.store.Access(t.Context())
	if got := s.Grants[account.HashOf(secret)].Seen; err != nil || !got.Equal(later) {
		t.Errorf("used at %v (%v), want %v", got, err, later)
	}
}

// TestFailuresAreAudited: of accounts that there are, and with nothing that was typed.
func TestFailuresAreAudited(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"ann", "my secret password"} {
		if _, err := w.signIn(name, "wrong wrong wrong"); err == nil {
			t.Error("it lets in")
		}
	}
	if len(w.unrecorded) != 1 {
		t.Fatalf("%d failures are recorded", len(w.unrecorded))
	}
	if e := <-w.unrecorded; e.Action != "sign_in_failed" || e.Account != w.ann.ID || e.By != "" || e.Detail != "192.0.2.0/32" {
		t.Errorf("recorded %+v", e)
	}
}

// TestUsed: a grant in use is saved now and then, and dropped when it has ended.
func TestUsed(t *testing.T) {
	w := newWorld(t)
	secret, err := w.signIn("ann", good)
	if err != nil {
		t.Fatal(err)
	}
	use := func(at time.Time, want int) {
		t.Helper()
		p, _ := w.State().Identify(secret, account.Session, at)
		w.Used(p, at)
		if len(w.seen) != want {
			t.Errorf("%d grants are noted, want %d", len(w.seen), want)
		}
	}
	use(w.clock.Add(time.Minute), 0)
	use(w.clock.Add(time.Hour), 1)
	if err := w.Touch(t.Context()); err != nil {
		t.Fatal(err)
	}
	use(w.clock.Add(time.Hour+time.Minute), 0)
	w.clock = w.clock.Add(time.Hour + account.SessionIdle)
	if err := w.sweep(t.Context()); err != nil || len(w.State().Grants) != 0 {
		t.Errorf("after the end there are %d grants (%v)", len(w.State().Grants), err)
	}
}

// TestDecideAs: what another server has done to an account counts, though this one does not know yet.
func TestDecideAs(t *testing.T) {
	viewer, off := account.Viewer, true
	for name, end := range map[string]struct {
		code   api.Code
		change func(*account.State, account.Act, string) (account.Change, error)
	}{
		"nothing":    {"", func(*account.State, account.Act, string) (account.Change, error) { return account.Change{}, nil }},
		"signed out": {api.CodeSignIn, (*account.State).SignOut},
		"disabled": {api.CodeAccountDisabled, func(s *account.State, act account.Act, id string) (account.Change, error) {
			return s.Edit(act, id, account.Edit{Disabled: &off})
		}},
		"demoted": {api.CodeForbidden, func(s *account.State, act account.Act, id string) (account.Change, error) {
			return s.Edit(act, id, account.Edit{Role: &viewer})
		}},
	} {
		w := newWorld(t)
		var secret string
		w.do(func(s *account.State) (account.Change, error) {
			add, bo, err := s.Add(account.Act{Now: w.clock}, account.New{Name: "bo", Role: account.Admin})
			if err != nil {
				return add, err
			}
			session, fresh, err := s.With(add).NewSession(account.Act{Now: w.clock}, bo.ID, "Firefox")
			secret = fresh
			return add.Then(session), err
		})
		bo, _ := w.State().Identify(secret, account.Session, w.clock)
		err := w.open().Decide(t.Context(), func(s *account.State) (account.Change, error) {
			return end.change(s, account.Act{Now: w.clock}, bo.Account)
		})
		if err != nil {
			t.Fatal(err)
		}
		err = w.DecideAs(t.Context(), bo, func(s *account.State) (c account.Change, err error) {
			c, _, err = s.Add(account.Act{Now: w.clock}, account.New{Name: "door", Role: account.Admin})
			return c, err
		})
		if codeOf(err) != end.code || (err == nil) != (end.code == "") {
			t.Errorf("%s at another server: %v", name, err)
		}
	}
}
