package rest

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/store"
)

func showAccount(s *account.State, a account.Account) api.Account {
	return api.Account{
		Identity: api.Identity{ID: a.ID, Name: a.Name, DisplayName: a.Display, Role: string(a.Role)},
		Disabled: a.Disabled, Invited: len(s.Credentials[a.ID]) == 0, Created: a.Created, Seen: a.Seen,
	}
}

func showGrant(g account.Grant, who account.Principal) api.Grant {
	return api.Grant{ID: g.ID, Kind: string(g.Kind), Name: g.Name, Role: string(g.Role), Current: g.Hash == who.Grant.Hash,
		Created: g.Created, Seen: g.Seen, Ends: g.End()}
}

func (s *server) listAccounts(w http.ResponseWriter, _ *http.Request) error {
	state := s.gate.State()
	all := []api.Account{}
	for _, a := range state.Names() {
		all = append(all, showAccount(state, a))
	}
	return sendJSON(w, http.StatusOK, map[string]any{"accounts": all})
}

// addAccount invites somebody: the account has no password until its link was used.
func (s *server) addAccount(w http.ResponseWriter, r *http.Request) error {
	if err := byPerson(r); err != nil {
		return err
	}
	var body struct {
		Name        string       `json:"name"`
		DisplayName string       `json:"displayName"`
		Role        account.Role `json:"role"`
		Days        int          `json:"days"`
	}
	if err := s.decodeBody(w, r, api.MaxUserBody, &body); err != nil {
		return err
	}
	var added account.Account
	var link string
	act, lasts := s.act(r), days(body.Days, account.DefaultLink)
	err := s.decide(r, func(state *account.State) (account.Change, error) {
		add, a, err := state.Add(act, account.New{Name: body.Name, Display: body.DisplayName, Role: body.Role})
		if err != nil {
			return add, err
		}
		invite, secret, err := state.With(add).NewLink(act, a.ID, lasts)
		added, link = a, secret
		return add.Then(invite), err
	})
	if err != nil {
		return err
	}
	return s.sendLink(w, showAccount(s.gate.State(), added), link, act.Now.Add(lasts))
}

func (s *server) sendLink(w http.ResponseWriter, a api.Account, link string, ends time.Time) error {
	return sendJSON(w, http.StatusCreated, api.Link{Account: a, Link: link, Path: api.PathJoin + "#" + link, Ends: ends})
}

// days is a time in days, or the fallback for none. What is too long is refused by the decision.
func days(n int, fallback time.Duration) time.Duration {
	const most = 10 * 366
	if n == 0 {
		return fallback
	}
	return time.Duration(min(max(n, -1), most)) * 24 * time.Hour
}

// makeLink makes a link for a forgotten password, or anew for an invitation.
func (s *server) makeLink(w http.ResponseWriter, r *http.Request) error {
	if err := byPerson(r); err != nil {
		return err
	}
	var body struct {
		Days int `json:"days"`
	}
	if err := s.decodeBody(w, r, api.MaxUserBody, &body); err != nil {
		return err
	}
	var link string
	act, id, lasts := s.act(r), r.PathValue("id"), days(body.Days, account.DefaultLink)
	err := s.decide(r, func(state *account.State) (c account.Change, err error) {
		c, link, err = state.NewLink(act, id, lasts)
		return c, err
	})
	if err != nil {
		return err
	}
	state := s.gate.State()
	return s.sendLink(w, showAccount(state, state.Accounts[id]), link, act.Now.Add(lasts))
}

func (s *server) editAccount(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		DisplayName *string       `json:"displayName"`
		Role        *account.Role `json:"role"`
		Disabled    *bool         `json:"disabled"`
	}
	if err := s.decodeBody(w, r, api.MaxUserBody, &body); err != nil {
		return err
	}
	id := r.PathValue("id")
	err := s.decide(r, func(state *account.State) (account.Change, error) {
		return state.Edit(s.act(r), id, account.Edit{Display: body.DisplayName, Role: body.Role, Disabled: body.Disabled})
	})
	if err != nil {
		return err
	}
	state := s.gate.State()
	return sendJSON(w, http.StatusOK, showAccount(state, state.Accounts[id]))
}

// manages fails unless the sender of a request manages an account: an admin any, everybody their
// own. A token manages nothing for who is no admin: it could make itself another one with more rights.
func manages(r *http.Request, id string) error {
	who := scopeOf(r.Context()).who
	if who.Role.Permits(account.Admin) || who.Account == id && who.Grant.Kind != account.Token {
		return nil
	}
	return account.ForbiddenProblem(who, account.Admin)
}

// byPerson fails if a request comes with a token. What a token could make, another token or a link, would
// outlive it, however soon it ends.
func byPerson(r *http.Request) error {
	if scopeOf(r.Context()).who.Grant.Kind != account.Token {
		return nil
	}
	return api.NewProblem(api.CodeForbidden, "Not allowed", "tokens and links are made by people: sign in, or use `rollcall account` on the server's machine")
}

// listGrants lists the sessions and tokens of an account.
func (s *server) listGrants(w http.ResponseWriter, r *http.Request) error {
	id, state := r.PathValue("id"), s.gate.State()
	if err := manages(r, id); err != nil {
		return err
	}
	if _, err := state.Find(id); err != nil {
		return err
	}
	all := []api.Grant{}
	for _, g := range state.GrantsOf(id, s.gate.Now(), account.Session, account.Token) {
		all = append(all, showGrant(g, scopeOf(r.Context()).who))
	}
	return sendJSON(w, http.StatusOK, map[string]any{"grants": all})
}

// makeToken makes a token of an account. Its secret is in the answer, and nowhere else.
func (s *server) makeToken(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := cmp.Or(byPerson(r), manages(r, id)); err != nil {
		return err
	}
	var body struct {
		Name string       `json:"name"`
		Role account.Role `json:"role"`
		Days int          `json:"days"`
	}
	if err := s.decodeBody(w, r, api.MaxUserBody, &body); err != nil {
		return err
	}
	var made account.Grant
	var secret string
	err := s.decide(r, func(state *account.State) (c account.Change, err error) {
		c, made, secret, err = state.NewToken(s.act(r), account.NewTokenOf{Account: id, Name: body.Name, Role: body.Role, Lasts: days(body.Days, account.DefaultToken)})
		return c, err
	})
	if err != nil {
		return err
	}
	shown := showGrant(made, account.Principal{})
	shown.Secret = secret
	return sendJSON(w, http.StatusCreated, shown)
}

// endGrant signs a device out, or ends a token.
func (s *server) endGrant(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := manages(r, id); err != nil {
		return err
	}
	err := s.decide(r, func(state *account.State) (account.Change, error) {
		return state.EndGrant(s.act(r), id, r.PathValue("grant"))
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// shownEvent is an entry of the audit log as admins see it.
type shownEvent struct {
	Number  int64        `json:"number"`
	At      time.Time    `json:"at"`
	Action  string       `json:"action"`
	Account *shownAuthor `json:"account"` // nil for none
	By      *shownAuthor `json:"by"`      // nil for the operator's command, or nobody
	Detail  string       `json:"detail,omitempty"`
}

// How many entries of the audit log a page has.
const (
	defaultAudit = 100
	maxAudit     = 1000
)

// listAudit lists what was done with accounts, the newest first.
func (s *server) listAudit(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, ok := parseLimit(q.Get("limit"), defaultAudit, maxAudit)
	if !ok {
		return store.Invalid("Invalid query", api.FieldError{Field: "limit", Detail: fmt.Sprintf("must be a number from 1 to %d", maxAudit)})
	}
	var before int64
	if text := q.Get("before"); text != "" {
		var err error
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before < 1 {
			return store.Invalid("Invalid query", api.FieldError{Field: "before", Detail: "must be the number of an entry"})
		}
	}
	events, err := s.store.AuditBefore(r.Context(), before, limit)
	if err != nil {
		return err
	}
	state := s.gate.State()
	all := make([]shownEvent, len(events))
	for i, e := range events {
		all[i] = shownEvent{e.Number, e.At, e.Action, authorOf(state, e.Account), authorOf(state, e.By), e.Detail}
	}
	return sendJSON(w, http.StatusOK, map[string]any{"entries": all})
}
