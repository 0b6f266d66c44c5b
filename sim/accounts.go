package sim

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store"
	engine "github.com/rollcall/rollcall/wasm/sync"
)

// Invariants of accounts.
const (
	ownWork    = 15 // nothing is stored or read as another account than the one whose data it is
	onlyWhoMay = 16 // nobody writes or reads who may not
)

// nobody is the number of who has no account.
const nobody = 0

// accounts is who may do what, as the script has made it. The server is held to it.
type accounts struct {
	w        *world
	closed   bool
	people   []person // by number; the first is nobody
	sessions map[string]*login
	makers   map[making]bool // whose work each operation is
}

type person struct {
	role     account.Role
	disabled bool
}

// login is a session, by its secret.
type login struct {
	number int
	ended  bool
}

// making is that an account has made an operation, or has taken it over from nobody.
type making struct {
	operation string
	number    int
}

func newAccounts(w *world) *accounts {
	a := &accounts{w: w, people: make([]person, 1+w.script.Accounts), sessions: map[string]*login{}, makers: map[making]bool{}}
	for i := range a.people {
		a.people[i].role = account.Editor
	}
	return a
}

// are reports whether there are accounts in this history.
func (a *accounts) are() bool { return len(a.people) > 1 }

// idOf is the id of the account with this number in scripts.
func idOf(number int) string {
	if number == nobody {
		return ""
	}
	return fmt.Sprintf("acc00000-0000-4000-8000-%012d", number)
}

// numberOf is the number of an id; nobody's if it is none.
func numberOf(id string) int {
	n, err := strconv.Atoi(id[strings.LastIndexByte(id, '-')+1:])
	if err != nil {
		return nobody
	}
	return n
}

// password is everybody's. Its hash is a cheap one, which says so itself.
const password = "correct horse battery"

var cheapHash = func() string {
	salt := []byte("salt of sixteen b")
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=8,t=1,p=1$%s$%s", argon2.Version, encode(salt), encode(argon2.IDKey([]byte(password), salt, 1, 8, 1, 32)))
}()

// close gives the server its accounts: an admin, whom no device knows, and the script's people.
func (a *accounts) close() {
	if a.closed || !a.are() {
		return
	}
	a.closed = true
	c := account.Change{Accounts: []account.Account{{ID: idOf(len(a.people)), Name: "admin", Role: account.Admin, Created: a.w.now}}}
	for i := range a.people[1:] {
		id := idOf(i + 1)
		c.Accounts = append(c.Accounts, account.Account{ID: id, Name: "p" + strconv.Itoa(i+1), Role: account.Editor, Created: a.w.now})
		c.Credentials = append(c.Credentials, account.Credential{Account: id, Kind: account.Password, Data: cheapHash, Created: a.w.now})
	}
	a.decide(func(*account.State) (account.Change, error) { return c, nil })
}

func (a *accounts) decide(decide func(*account.State) (account.Change, error)) {
	a.w.must(a.w.server.gate.Decide(context.Background(), decide))
}

// do plays a step about an account.
func (a *accounts) do(st Step) bool {
	number, bit := int(st.N), false
	switch st.Verb {
	case Close:
		a.close()
		return true
	case Revoke, Expire:
	case Role, Disable:
		number, bit = number/2, number%2 == 1
	default:
		return false
	}
	if !a.closed || number < 1 || number >= len(a.people) {
		return true
	}
	a.w.stats.hit("account: " + string(st.Verb))
	id, act := idOf(number), account.Act{Now: a.w.now}
	var old account.Change // what has ended by now
	a.decide(func(s *account.State) (c account.Change, err error) {
		switch st.Verb {
		case Revoke:
			return s.SignOut(act, id)
		case Role:
			role := map[bool]account.Role{false: account.Viewer, true: account.Editor}[bit]
			a.people[number].role = role
			return s.Edit(act, id, account.Edit{Role: &role})
		case Disable:
			disabled := !bit
			return s.Edit(act, id, account.Edit{Disabled: &disabled})
		}
		for _, g := range s.GrantsOf(id, a.w.now, account.Session) {
			g.Seen = a.w.now.Add(-account.SessionIdle)
			old.Grants, c.Drop = append(old.Grants, g), append(c.Drop, g.Hash)
		}
		return c, nil
	})
	if len(old.Grants) > 0 {
		a.decide(func(*account.State) (account.Change, error) { return old, nil })
	}
	enabled := st.Verb == Disable && bit && a.people[number].disabled
	if st.Verb == Disable {
		a.people[number].disabled = !bit
	}
	if enabled || st.Verb == Revoke || st.Verb == Expire {
		a.end(number)
	}
	a.noteUnder(number)
	return true
}

// end ends the sessions of an account; of all for number 0.
func (a *accounts) end(number int) {
	for _, s := range a.sessions {
		if s.number == number || number == nobody {
			s.ended = true
		}
	}
}

// noteUnder counts that what an account may do has changed while its operations were under way.
func (a *accounts) noteUnder(number int) {
	for _, b := range a.w.browsers {
		for _, s := range b.slots {
			if b.account == number && s.actor != nil && s.at == sending && len(s.batch) > 0 {
				a.w.stats.hit("account changed under a batch")
			}
		}
	}
}

// admitted is the number of who has a session with this secret; nobody's if it is no good.
func (a *accounts) admitted(secret string) int {
	if s := a.sessions[secret]; s != nil && !s.ended && !a.people[s.number].disabled {
		return s.number
	}
	return nobody
}

// sessionFor returns the secret of a session of an account, without the network.
func (a *accounts) sessionFor(number int) (secret string) {
	for secret, s := range a.sessions {
		if s.number == number && a.admitted(secret) == number {
			return secret
		}
	}
	a.decide(func(s *account.State) (c account.Change, err error) {
		c, secret, err = s.NewSession(account.Act{Now: a.w.now}, idOf(number), "")
		return c, err
	})
	a.sessions[secret] = &login{number: number}
	return secret
}

// checkAnswer checks what the server has answered to who has signed in, and follows it.
func (a *accounts) checkAnswer(r engine.Request, asked int, resp engine.Response) {
	if !a.are() || resp.Status < 200 || resp.Status > 299 {
		return
	}
	path, _, _ := strings.Cut(r.Path, "?")
	if path == api.PathSession {
		a.checkSession(r, asked, resp)
		return
	}
	owner, err := strconv.Atoi(r.Header[ownerHeader])
	switch {
	case !a.closed || err != nil:
	case asked == nobody:
		a.w.fail(onlyWhoMay, "%s %s was answered to somebody without a session", r.Method, path)
	case owner != asked:
		a.w.fail(ownWork, "the data of account %d got the answer to %s %s by the session of account %d", owner, r.Method, path, asked)
	}
}

func (a *accounts) checkSession(r engine.Request, asked int, resp engine.Response) {
	secret := secretOf(r.Header["Cookie"])
	switch r.Method {
	case http.MethodGet:
		var says api.Session
		a.w.must(json.Unmarshal(resp.Body, &says))
		is := nobody
		if says.Account != nil {
			is = numberOf(says.Account.ID)
		}
		if is != asked || says.Open == a.closed {
			a.w.fail(onlyWhoMay, "the server says that account %d has signed in (open: %t), and it is account %d", is, says.Open, asked)
		}
	case http.MethodPost:
		var with api.SignIn
		a.w.must(json.Unmarshal(r.Body, &with))
		number := numberOf("-" + strings.TrimPrefix(with.Name, "p"))
		a.sessions[secretOf(resp.Header["set-cookie"])] = &login{number: number}
		fallthrough
	case http.MethodDelete:
		if asked != nobody {
			a.sessions[secret].ended = true
		}
	}
}

// checkWrites checks that who sends operations may write, and sends nobody else's.
func (a *accounts) checkWrites(writes []store.Write, asked int) {
	if !a.are() {
		return
	}
	for _, w := range writes {
		author := nobody
		if w.Author != nil {
			author = numberOf(w.Author.Account)
		}
		switch {
		case author != asked || a.closed && asked == nobody:
			a.w.fail(onlyWhoMay, "operation %s is stored as account %d's, and was sent by the session of account %d", w.ID, author, asked)
		case a.people[asked].role != account.Editor:
			a.w.fail(onlyWhoMay, "operation %s is stored, though account %d may only read", w.ID, asked)
		case !a.makers[making{w.ID, author}]:
			a.w.fail(ownWork, "operation %s is stored as account %d's, who has not made it", w.ID, author)
		}
	}
}

// noteMaker notes whose an operation is that has come into a queue.
func (a *accounts) noteMaker(s *slot, id string) {
	if !a.are() {
		return
	}
	if mine := (making{id, s.b.account}); !a.makers[mine] {
		if s.doing == Claim && !a.makers[making{id, nobody}] {
			a.w.fail(ownWork, "account %d took over operation %s, which is another's", s.b.account, id)
		}
		a.makers[mine] = true
	}
}

// keep keeps the accounts as they are while the data go back to a copy. Sessions last if nobody was
// told; after a restore nobody has one.
func (a *accounts) keep(sessions bool, how func() error) error {
	if !a.closed {
		return how()
	}
	was := a.w.server.gate.State()
	if err := how(); err != nil {
		return err
	}
	kept := account.Change{Accounts: was.Names()}
	for _, all := range was.Credentials {
		kept.Credentials = append(kept.Credentials, all...)
	}
	if sessions {
		kept.Grants = slices.Collect(maps.Values(was.Grants))
	}
	a.decide(func(s *account.State) (c account.Change, err error) {
		c.Drop = slices.Collect(maps.Keys(s.Grants))
		return c, nil
	})
	a.decide(func(*account.State) (account.Change, error) { return kept, nil })
	if !sessions {
		a.end(nobody)
	}
	return nil
}

// secretOf is the session's secret in a cookie, as it is sent or set.
func secretOf(cookie string) string {
	pair, _, _ := strings.Cut(cookie, ";")
	secret, _ := strings.CutPrefix(pair, rest.SessionCookie+"=")
	return secret
}

// heal gives everybody back what they may do.
func (a *accounts) heal() {
	for i := range a.people {
		a.do(Step{Verb: Disable, N: int64(2*i + 1)})
		a.do(Step{Verb: Role, N: int64(2*i + 1)})
	}
}

// settle has nobody's work on each device taken over by somebody who has signed in there.
func (a *accounts) settle() {
	for _, d := range a.w.devices {
		if a.closed && !a.w.over() {
			d.settle()
		}
	}
}
