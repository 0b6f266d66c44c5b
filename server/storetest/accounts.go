package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/store"
)

// decide changes the accounts.
func (b *fixture) decide(f func(*account.State) (account.Change, error)) {
	b.Helper()
	if err := b.store.ChangeAccess(b.Context(), f); err != nil {
		b.Fatal(err)
	}
}

func (b *fixture) access() *account.State {
	b.Helper()
	s, err := b.store.Access(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	revision, err := b.store.AccessRevision(b.Context())
	if err != nil || revision != s.Revision {
		b.Errorf("revision %d of a state with %d (%v)", revision, s.Revision, err)
	}
	return s
}

// act is the operator's command.
func (b *fixture) act() account.Act { return account.Act{Now: b.now()} }

// account adds one with a password, a session and a token, whose secrets are returned.
func (b *fixture) account(name string, role account.Role) (a account.Account, session, token string) {
	b.Helper()
	b.decide(func(s *account.State) (c account.Change, err error) {
		c, a, err = s.Add(b.act(), account.New{Name: name, Display: "Ann 𝄞 Straße", Role: role})
		return c, err
	})
	b.decide(func(s *account.State) (account.Change, error) {
		return s.SetPassword(b.act(), a.ID, "hash", account.Hash{})
	})
	b.decide(func(s *account.State) (c account.Change, err error) {
		c, session, err = s.NewSession(b.act(), a.ID, "Firefox on a tablet")
		return c, err
	})
	b.decide(func(s *account.State) (c account.Change, err error) {
		c, _, token, err = s.NewToken(b.act(), account.NewTokenOf{Account: a.ID, Name: "curl", Role: account.Viewer, Lasts: time.Hour})
		return c, err
	})
	return a, session, token
}

// testAccounts: what a store keeps is what the decisions made of the state, field by field.
func testAccounts(t *testing.T, b *fixture) {
	empty := b.access()
	if !empty.Open() || len(empty.Grants) != 0 {
		t.Errorf("a new store has accounts: %+v", empty)
	}
	want := empty
	both := func(f func(*account.State) (account.Change, error)) {
		t.Helper()
		b.decide(func(s *account.State) (account.Change, error) {
			c, err := f(s)
			want = want.With(c)
			return c, err
		})
		if got := b.access(); !reflect.DeepEqual(got, want) {
			t.Fatalf("the store has\n%+v, want\n%+v", got, want)
		}
	}
	var ann account.Account
	both(func(s *account.State) (c account.Change, err error) {
		c, ann, err = s.Add(b.act(), account.New{Name: "Ann", Display: "Ann 𝄞 Straße", Role: account.Admin})
		return c, err
	})
	both(func(s *account.State) (account.Change, error) {
		return s.SetPassword(b.act(), ann.ID, "one", account.Hash{})
	})
	b.advance(time.Minute)
	both(func(s *account.State) (account.Change, error) {
		return s.SetPassword(b.act(), ann.ID, "two", account.Hash{})
	})
	for _, kind := range []string{"session", "token", "link", "a second link"} {
		both(func(s *account.State) (c account.Change, err error) {
			switch kind {
			case "session":
				c, _, err = s.NewSession(b.act(), ann.ID, "Firefox")
			case "token":
				c, _, _, err = s.NewToken(b.act(), account.NewTokenOf{Account: ann.ID, Name: "curl", Role: account.Viewer, Lasts: time.Hour})
			default:
				c, _, err = s.NewLink(b.act(), ann.ID, time.Hour)
			}
			return c, err
		})
	}
	for _, id := range []string{"k1", "k2"} {
		both(func(s *account.State) (account.Change, error) {
			return s.AddPasskey(b.act(), account.Credential{Account: ann.ID, ID: id, Data: `{"name":"Phone"}`})
		})
	}
	both(func(s *account.State) (account.Change, error) { return s.DropPasskey(b.act(), ann.ID, "k1") })
	if got := b.access(); len(got.Key) < 32 || len(got.CredentialsOf(ann.ID, account.Passkey)) != 1 {
		t.Errorf("the state is %+v", got)
	}
	name := "Ann Lee"
	both(func(s *account.State) (account.Change, error) {
		return s.Edit(b.act(), ann.ID, account.Edit{Display: &name})
	})
	both(func(s *account.State) (account.Change, error) { return s.SignOut(b.act(), ann.ID) })
	before := b.access()
	refused := errors.New("refused")
	err := b.store.ChangeAccess(t.Context(), func(*account.State) (account.Change, error) {
		return account.Change{Accounts: []account.Account{{ID: "x", Name: "x"}}}, refused
	})
	if !errors.Is(err, refused) || !reflect.DeepEqual(b.access(), before) {
		t.Errorf("a decision that fails: %v, and the state is %+v", err, b.access())
	}
	err = b.store.ChangeAccess(t.Context(), func(*account.State) (account.Change, error) {
		return account.Change{Accounts: []account.Account{{ID: "x", Name: "x"}}, Drop: []account.Hash{{1}}}, nil
	})
	if _, ok := b.access().Find("x"); err != nil || ok != nil {
		t.Errorf("a plain change: %v, %v", err, ok)
	}
}

// testAccountsConcurrently: each decision sees all before it, so that a name is given once.
func testAccountsConcurrently(t *testing.T, b *fixture) {
	const n = 16
	errs := together(n, func(i int) error {
		return b.store.ChangeAccess(t.Context(), func(s *account.State) (account.Change, error) {
			c, _, err := s.Add(b.act(), account.New{Name: fmt.Sprintf("p%d", i/2), Role: account.Viewer})
			return c, err
		})
	})
	if s := b.access(); len(errs) != n/2 || len(s.Accounts) != n/2 || s.Revision != n/2 {
		t.Errorf("%d were refused, there are %d accounts in revision %d, want %d of each: %v", len(errs), len(s.Accounts), s.Revision, n/2, errs)
	}
}

// testTouch: saved without a revision, never backwards, and not for what has ended.
func testTouch(t *testing.T, b *fixture) {
	ann, session, token := b.account("ann", account.Editor)
	ended := account.HashOf(token)
	b.decide(func(*account.State) (account.Change, error) { return account.Change{Drop: []account.Hash{ended}}, nil })
	before, used := b.access(), account.HashOf(session)
	at := b.now().Add(time.Hour)
	for _, seen := range []time.Time{at, at.Add(-time.Minute)} {
		if err := b.store.TouchGrants(t.Context(), map[account.Hash]time.Time{used: seen, ended: seen}); err != nil {
			t.Fatal(err)
		}
	}
	s := b.access()
	if got := s.Grants[used].Seen; !got.Equal(at) || s.Revision != before.Revision || len(s.Grants) != 1 {
		t.Errorf("used at %v, in revision %d after %d, with %d grants", got, s.Revision, before.Revision, len(s.Grants))
	}
	if got := s.Accounts[ann.ID].Seen; !got.Equal(at) {
		t.Errorf("the account was seen at %v, want %v", got, at)
	}
}

// testAudit: events are kept in their order, and read from a time on.
func testAudit(t *testing.T, b *fixture) {
	b.account("ann", account.Admin)
	later := b.now().Add(time.Hour)
	b.advance(time.Hour)
	b.account("bo", account.Viewer)
	read := func(from time.Time) (actions []string) {
		if err := b.store.Audit(t.Context(), from, func(e account.Event) error {
			if e.Account == "" || e.At.Before(from) {
				t.Errorf("event %+v", e)
			}
			actions = append(actions, e.Action)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return actions
	}
	want := []string{"account_added", "password_set", "signed_in", "token_made"}
	if got := read(later); !reflect.DeepEqual(got, want) {
		t.Errorf("later: %v, want %v", got, want)
	}
	if got := read(time.Time{}); len(got) != 2*len(want) {
		t.Errorf("in all: %v", got)
	}
	pages, before := []string{}, int64(0)
	for {
		page, err := b.store.AuditBefore(t.Context(), before, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			pages, before = append(pages, e.Action), e.Number
		}
	}
	slices.Reverse(pages)
	if all := read(time.Time{}); !reflect.DeepEqual(pages, all) {
		t.Errorf("backwards, in pages: %v, want %v", pages, all)
	}
	if n, err := b.store.Forget(t.Context(), store.Old{Audit: later}); err != nil || n != int64(len(want)) || !reflect.DeepEqual(read(time.Time{}), want) {
		t.Errorf("%d were forgotten (%v), and left is %v", n, err, read(time.Time{}))
	}
}
