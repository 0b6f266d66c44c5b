package account_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// book is a state that decisions are made on, one after the other.
type book struct {
	t *testing.T
	s *account.State
}

func newBook(t *testing.T) *book { return &book{t, account.NewState(0, account.Change{})} }

func (b *book) add(name string, role account.Role) account.Account {
	b.t.Helper()
	c, a, err := b.s.Add(account.Act{Now: noon}, account.New{Name: name, Role: role})
	b.keep(c, err)
	return a
}

func (b *book) keep(c account.Change, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	b.s = b.s.With(c)
}

func (b *book) session(id string) string {
	b.t.Helper()
	c, secret, err := b.s.NewSession(account.Act{Now: noon}, id, "Firefox")
	b.keep(c, err)
	return secret
}

func (b *book) link(id string, lasts time.Duration) string {
	b.t.Helper()
	c, secret, err := b.s.NewLink(account.Act{Now: noon}, id, lasts)
	b.keep(c, err)
	return secret
}

func (b *book) token(id string, role account.Role) string {
	b.t.Helper()
	c, _, secret, err := b.s.NewToken(account.Act{Now: noon}, account.NewTokenOf{Account: id, Name: "curl", Role: role, Lasts: time.Hour})
	b.keep(c, err)
	return secret
}

// refused fails the test unless an error is a problem with a code.
func refused(t *testing.T, err error, code api.Code) {
	t.Helper()
	var p *api.Problem
	if !errors.As(err, &p) || p.Code != code || p.Error() == p.Title && code != api.CodeInvalid {
		t.Errorf("the error is %v, want a problem %s with words", err, code)
	}
}

func TestRoles(t *testing.T) {
	order := []account.Role{"", account.Anyone, account.Viewer, account.Editor, account.Admin}
	for i, has := range order {
		for j, needed := range order {
			if got, want := has.Permits(needed), j > 0 && i >= j; got != want {
				t.Errorf("%q permits what needs %q: %v", has, needed, got)
			}
		}
		if got := has.Valid(); got != (i > 1) {
			t.Errorf("%q may be an account's: %v", has, got)
		}
	}
	if account.Role("root").Permits(account.Anyone) || account.Role("root").Valid() {
		t.Error("a role that there is not permits something")
	}
}

func TestAdd(t *testing.T) {
	b := newBook(t)
	a := b.add(" Ann@Example.org ", account.Viewer)
	if got, ok := b.s.ByName("ANN@example.ORG"); !ok || got != a || a.Name != "ann@example.org" || a.Display != a.Name {
		t.Errorf("added %+v, found %+v", a, got)
	}
	for name, code := range map[string]api.Code{
		"ann@EXAMPLE.org": api.CodeConflict, "": api.CodeInvalid, "ann lee": api.CodeInvalid, "änn": api.CodeInvalid, "a\x00": api.CodeInvalid,
		strings.Repeat("a", account.MaxName+1): api.CodeInvalid,
	} {
		_, _, err := b.s.Add(account.Act{Now: noon}, account.New{Name: name, Role: account.Viewer})
		refused(t, err, code)
	}
	for _, n := range []account.New{{Name: "x"}, {Name: "x", Role: account.Anyone}, {Name: "x", Role: "root"}, {Name: "x", Role: account.Admin, Display: "a\u202eb"},
		{Name: "x", Role: account.Admin, Display: "a\nb"}, {Name: "x", Role: account.Admin, Display: strings.Repeat("ä", account.MaxDisplay+1)}} {
		_, _, err := b.s.Add(account.Act{Now: noon}, n)
		refused(t, err, api.CodeInvalid)
	}
}

// TestTheLastAdminStays: whichever way an admin would go.
// TestOnlyASCIIIsFolded: the Kelvin sign's small form is a k, but whose email has it is somebody else.
func TestOnlyASCIIIsFolded(t *testing.T) {
	act := account.Act{Now: time.Now()}
	add, kim, err := account.NewState(1, account.Change{}).Add(act, account.New{Name: "Kim@Example.org", Role: account.Admin})
	if err != nil || kim.Name != "kim@example.org" {
		t.Fatalf("added %q (%v)", kim.Name, err)
	}
	s := account.NewState(2, add)
	for email, want := range map[string]bool{"KIM@example.ORG": true, "\u212Aim@example.org": false, "k\u0131m@example.org": false} {
		if _, _, err := s.Claimed(act, account.Claim{Issuer: "https://id.example.org", Subject: "1", Email: email}, ""); (err == nil) != want {
			t.Errorf("who has the email %q: %v", email, err)
		}
		if _, refusal := s.Vouched(email); (refusal == account.Admitted) != want {
			t.Errorf("who is %q for the proxy: %v", email, refusal)
		}
	}
}

func TestTheLastAdminStays(t *testing.T) {
	b := newBook(t)
	ann, bo := b.add("ann", account.Admin), b.add("bo", account.Admin)
	act, off, viewer := account.Act{By: ann.ID, Now: noon}, true, account.Viewer
	b.keep(b.s.Edit(act, bo.ID, account.Edit{Disabled: &off}))
	for _, e := range []account.Edit{{Disabled: &off}, {Role: &viewer}} {
		_, err := b.s.Edit(act, ann.ID, e)
		refused(t, err, api.CodeConflict)
	}
	b.keep(b.s.Edit(act, bo.ID, account.Edit{Role: &viewer})) // who is disabled is no admin that is needed
	b.add("cy", account.Admin)
	b.keep(b.s.Edit(act, ann.ID, account.Edit{Disabled: &off}))
}

// TestIdentify: each secret is good for its kind, until its end, and while its account may sign in.
func TestIdentify(t *testing.T) {
	b := newBook(t)
	if p, refusal := b.s.Again(account.Principal{}, noon); refusal != account.Admitted || p.Role != account.Editor {
		t.Errorf("without accounts somebody is %+v, %v; want an editor", p, refusal)
	}
	b.add("root", account.Admin)
	ann := b.add("ann", account.Editor)
	session, link, token, low := b.session(ann.ID), b.link(ann.ID, time.Hour), b.token(ann.ID, account.Editor), b.token(ann.ID, account.Viewer)
	is := func(what, secret string, kind account.Kind, at time.Time, want account.Refusal, role account.Role) {
		t.Helper()
		p, got := b.s.Identify(secret, kind, at)
		if got != want || p.Role != role {
			t.Errorf("%s: %v as %q, want %v as %q", what, got, p.Role, want, role)
		}
		if again, refusal := b.s.Again(p, at); got == account.Admitted && (again != p || refusal != got) {
			t.Errorf("%s: looked at again it is %+v, %v", what, again, refusal)
		}
	}
	is("a session", session, account.Session, noon, account.Admitted, account.Editor)
	is("a token", token, account.Token, noon, account.Admitted, account.Editor)
	is("a token of a lower role", low, account.Token, noon, account.Admitted, account.Viewer)
	is("a link", link, account.Link, noon, account.Admitted, account.Editor)
	for _, kind := range []account.Kind{account.Session, account.Token, account.Link} {
		for other, secret := range map[account.Kind]string{account.Session: session, account.Token: token, account.Link: link} {
			if other != kind {
				is(string(other)+" as "+string(kind), secret, kind, noon, account.Unknown, "")
			}
		}
		made, _ := account.NewSecret(kind)
		for _, bad := range []string{"", "x", made, made + "x", session[:len(session)-1], strings.ToUpper(token), "rollcall_s_", link + "\x00"} {
			is("a bad secret", bad, kind, noon, account.Unknown, "")
		}
	}
	is("an old session", session, account.Session, noon.Add(account.SessionIdle-1), account.Admitted, account.Editor)
	is("an ended session", session, account.Session, noon.Add(account.SessionIdle), account.Unknown, "")
	is("an ended token", token, account.Token, noon.Add(time.Hour), account.Unknown, "")
	is("an ended link", link, account.Link, noon.Add(time.Hour), account.Unknown, "")
	b.s = b.s.Touched(map[account.Hash]time.Time{account.HashOf(session): noon.Add(account.SessionIdle - 1)})
	is("a session that was used", session, account.Session, noon.Add(2*account.SessionIdle-2), account.Admitted, account.Editor)
	viewer, off, on := account.Viewer, true, false
	b.keep(b.s.Edit(account.Act{Now: noon}, ann.ID, account.Edit{Role: &viewer}))
	is("a session of a new role", session, account.Session, noon, account.Admitted, account.Viewer)
	is("a token of a new role", token, account.Token, noon, account.Admitted, account.Viewer)
	p, _ := b.s.Vouched("ANN")
	b.keep(b.s.Edit(account.Act{Now: noon}, ann.ID, account.Edit{Disabled: &off}))
	is("a session of a disabled account", session, account.Session, noon, account.Disabled, "")
	is("its token", token, account.Token, noon, account.Disabled, "")
	if _, refusal := b.s.Again(p, noon); refusal != account.Disabled {
		t.Errorf("vouched for and then disabled: %v", refusal)
	}
	b.keep(b.s.Edit(account.Act{Now: noon}, ann.ID, account.Edit{Disabled: &on}))
	is("a session from before it was enabled", session, account.Session, noon, account.Unknown, "")
	is("its token again", token, account.Token, noon, account.Admitted, account.Viewer)
	if _, refusal := b.s.Vouched("nobody"); refusal != account.Stranger {
		t.Errorf("a proxy vouches for nobody: %v", refusal)
	}
}

// TestPasswordEndsTheOthers: who sets a password keeps their session, and nobody else's goes on.
func TestPasswordEndsTheOthers(t *testing.T) {
	b := newBook(t)
	ann, bo := b.add("ann", account.Admin), b.add("bo", account.Editor)
	own, other, theirs := b.session(ann.ID), b.session(ann.ID), b.session(bo.ID)
	link, token := b.link(ann.ID, time.Hour), b.token(ann.ID, account.Viewer)
	if earlier := link; true {
		link = b.link(ann.ID, time.Hour)
		if _, err := b.s.Linked(earlier, noon); err == nil {
			t.Error("a new link leaves the one before it")
		}
	}
	b.keep(b.s.SetPassword(account.Act{Now: noon}, ann.ID, "hash", account.HashOf(own)))
	for secret, want := range map[string]account.Refusal{own: account.Admitted, other: account.Unknown, theirs: account.Admitted} {
		if _, got := b.s.Identify(secret, account.Session, noon); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if _, err := b.s.Linked(link, noon); err == nil {
		t.Error("a link works twice")
	}
	if _, got := b.s.Identify(token, account.Token, noon); got != account.Admitted {
		t.Errorf("the token is %v", got)
	}
	if b.s.PasswordOf(ann.ID) != "hash" || b.s.PasswordOf(bo.ID) != "" {
		t.Error("the password is not where it belongs")
	}
}

func TestGrantsAreBounded(t *testing.T) {
	b := newBook(t)
	ann := b.add("ann", account.Admin)
	first := b.session(ann.ID)
	for range account.MaxGrants {
		c, _, err := b.s.NewSession(account.Act{Now: noon.Add(time.Minute)}, ann.ID, "x")
		b.keep(c, err)
		b.token(ann.ID, account.Viewer)
		if len(b.s.GrantsOf(ann.ID, noon, account.Token)) == account.MaxGrants {
			break
		}
	}
	if n := len(b.s.GrantsOf(ann.ID, noon, account.Session)); n != account.MaxGrants {
		t.Errorf("%d sessions", n)
	}
	if _, refusal := b.s.Identify(first, account.Session, noon); refusal != account.Unknown {
		t.Error("the oldest session stays")
	}
	_, _, _, err := b.s.NewToken(account.Act{Now: noon}, account.NewTokenOf{Account: ann.ID, Name: "x", Role: account.Viewer, Lasts: 1})
	refused(t, err, api.CodeConflict)
	if c := b.s.DropEnded(noon.Add(2 * time.Hour)); len(c.Drop) != account.MaxGrants {
		t.Errorf("%d of the ended are dropped", len(c.Drop))
	}
}

func TestTokensAndLinks(t *testing.T) {
	b := newBook(t)
	ann := b.add("ann", account.Editor)
	for _, test := range []struct {
		of   account.NewTokenOf
		code api.Code
	}{
		{account.NewTokenOf{Account: "nobody", Name: "x", Role: account.Viewer, Lasts: 1}, api.CodeNotFound},
		{account.NewTokenOf{Account: ann.ID, Role: account.Viewer, Lasts: 1}, api.CodeInvalid},
		{account.NewTokenOf{Account: ann.ID, Name: "x\n", Role: account.Viewer, Lasts: 1}, api.CodeInvalid},
		{account.NewTokenOf{Account: ann.ID, Name: "x", Lasts: 1}, api.CodeInvalid},
		{account.NewTokenOf{Account: ann.ID, Name: "x", Role: account.Viewer}, api.CodeInvalid},
		{account.NewTokenOf{Account: ann.ID, Name: "x", Role: account.Viewer, Lasts: account.MaxToken + 1}, api.CodeInvalid},
		{account.NewTokenOf{Account: ann.ID, Name: "x", Role: account.Admin, Lasts: 1}, api.CodeForbidden},
	} {
		_, _, _, err := b.s.NewToken(account.Act{Now: noon}, test.of)
		refused(t, err, test.code)
	}
	off := true
	b.add("root", account.Admin)
	b.keep(b.s.Edit(account.Act{Now: noon}, ann.ID, account.Edit{Disabled: &off}))
	for _, lasts := range []time.Duration{0, -1, account.MaxLink + 1} {
		_, _, err := b.s.NewLink(account.Act{Now: noon}, ann.ID, lasts)
		refused(t, err, api.CodeInvalid)
	}
	_, _, err := b.s.NewLink(account.Act{Now: noon}, ann.ID, 1)
	refused(t, err, api.CodeConflict)
	_, _, err = b.s.NewSession(account.Act{Now: noon}, ann.ID, "")
	refused(t, err, api.CodeAccountDisabled)
	_, err = b.s.EndGrant(account.Act{Now: noon}, ann.ID, "nothing")
	refused(t, err, api.CodeNotFound)
}

func TestEndGrant(t *testing.T) {
	b := newBook(t)
	ann, bo := b.add("ann", account.Admin), b.add("bo", account.Editor)
	secret := b.session(ann.ID)
	p, _ := b.s.Identify(secret, account.Session, noon)
	_, err := b.s.EndGrant(account.Act{Now: noon}, bo.ID, p.Grant.ID) // it is another's
	refused(t, err, api.CodeNotFound)
	b.keep(b.s.EndGrant(account.Act{Now: noon}, ann.ID, p.Grant.ID))
	if _, refusal := b.s.Identify(secret, account.Session, noon); refusal != account.Unknown {
		t.Error("the session goes on")
	}
	secret = b.session(ann.ID)
	b.keep(b.s.SignOut(account.Act{Now: noon}, ann.ID))
	if _, refusal := b.s.Identify(secret, account.Session, noon); refusal != account.Unknown {
		t.Error("the session goes on after signing out everywhere")
	}
}

// TestProblems: decisions make none, and what another program may have made is found.
func TestProblems(t *testing.T) {
	b := newBook(t)
	b.s.Key = make([]byte, 32)
	ann := b.add("ann", account.Admin)
	b.session(ann.ID)
	b.token(ann.ID, account.Viewer)
	b.link(ann.ID, time.Hour)
	b.keep(b.s.SetPassword(account.Act{Now: noon}, ann.ID, "hash", account.Hash{}))
	if got := b.s.Problems(); len(got) != 0 {
		t.Errorf("of what was decided: %q", got)
	}
	for want, c := range map[string]account.Change{
		`account x has the role "boss"`: {Accounts: []account.Account{{ID: "x", Name: "x", Role: "boss"}}},
		"can't be found by its name":    {Accounts: []account.Account{{ID: "x", Name: "X", Role: account.Viewer}}},
		"no account may manage":         {Accounts: []account.Account{{ID: ann.ID, Name: "ann", Role: account.Viewer}}},
		"a credential is for account y": {Credentials: []account.Credential{{Account: "y"}}},
		"session s is for account y":    {Grants: []account.Grant{{ID: "s", Kind: account.Session, Account: "y"}}},
		`grant s is of the kind "x"`:    {Grants: []account.Grant{{ID: "s", Kind: "x", Account: ann.ID}}},
		`token s has the role ""`:       {Grants: []account.Grant{{ID: "s", Kind: account.Token, Account: ann.ID}}},
	} {
		if got := b.s.With(c).Problems(); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	b.s.Key = nil
	if got := b.s.Problems(); len(got) != 1 {
		t.Errorf("without a key: %q", got)
	}
}

func TestPasswords(t *testing.T) {
	ann := account.Account{Name: "annabella", Display: "Ann Lee"}
	for password, good := range map[string]bool{
		"correct horse battery": true, "žluťoučký kůň": true, "шесть разных слов": true, strings.Repeat("abcdefghij", 20): true,
		"": false, "short": false, "elevenchars": false, strings.Repeat("abcdefghij", 20) + "x": false, "aaaaaaaaaaaaaaaa": false, "121212121212121": false,
		"annabella2026": false, "Rollcall-2026": false, "password1234": false, "finalfantasy": false, "LeaveMeAlone": false, "\uff46inalfantasy": false, "finalfantasy of mine": true, "\xff\xfe\xfd0123456789": false,
	} {
		if p := account.CheckPassword(password, ann); (p == nil) != good {
			t.Errorf("%q: %v", password, p)
		}
	}
	stored := account.HashPassword("kůň in a field")
	if other := account.HashPassword("kůň in a field"); other == stored || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored as %s and %s", stored, other)
	}
	if !account.VerifyPassword(stored, "kůň in a field") || !account.VerifyPassword(stored, "ku\u030an\u030c in a field") || account.VerifyPassword(stored, "kun in a field") {
		t.Error("the password is not recognised, or another one is")
	}
	parts := strings.Split(stored, "$")
	for _, bad := range []string{"", "hash", stored + "$", strings.Replace(stored, "t=2", "t=0", 1), strings.Replace(stored, "m=19456", "m=999999999", 1),
		strings.Replace(stored, "p=1", "p=0", 1), strings.Replace(stored, "v=19", "v=16", 1), strings.Replace(stored, "argon2id", "argon2i", 1),
		strings.Join(append(parts[:5:5], ""), "$"), strings.Join(append(parts[:5:5], "!"), "$")} {
		if account.VerifyPassword(bad, "kůň in a field") {
			t.Errorf("%q is taken for the hash of a password", bad)
		}
	}
}

// BenchmarkIdentify is what each request costs: no read of the database.
func BenchmarkIdentify(b *testing.B) {
	var all account.Change
	var secret string
	for i := range 10_000 {
		var hash account.Hash
		secret, hash = account.NewSecret(account.Session)
		id := fmt.Sprint(i)
		all.Accounts = append(all.Accounts, account.Account{ID: id, Name: id, Role: account.Editor})
		all.Grants = append(all.Grants, account.Grant{Hash: hash, ID: id, Kind: account.Session, Account: id, Seen: noon})
	}
	s := account.NewState(1, all)
	b.ReportAllocs()
	for b.Loop() {
		if _, refusal := s.Identify(secret, account.Session, noon); refusal != account.Admitted {
			b.Fatal(refusal)
		}
	}
}

func BenchmarkHashPassword(b *testing.B) {
	for b.Loop() {
		account.HashPassword("correct horse battery")
	}
}
