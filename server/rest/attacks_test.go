package rest_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store"
)

// slowBody is a body whose end comes after something has happened.
type slowBody struct {
	io.Reader
	before func()
}

func (b *slowBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && b.before != nil {
		b.before()
		b.before = nil
	}
	return n, err
}

// TestSlowRequestsOutliveNobody: whoever is thrown out while the last byte of a request is missing
// can do nothing more by sending it. A disabled admin could leave an admin of their own behind.
func TestSlowRequestsOutliveNobody(t *testing.T) {
	viewer, off := account.Viewer, true
	ends := map[string]struct {
		code api.Code
		edit account.Edit
	}{"disabled": {api.CodeAccountDisabled, account.Edit{Disabled: &off}}, "demoted": {api.CodeForbidden, account.Edit{Role: &viewer}}, "signed out": {code: api.CodeSignIn}}
	for name, end := range ends {
		h := newHouse(t)
		boss, _ := h.add("boss", account.Admin)
		for _, attempt := range []struct{ method, path, body string }{
			{"POST", api.PathAccounts, `{"name":"door","role":"admin"}`},
			{"POST", api.ItemPath(api.PathAccounts, boss.ID) + "/link", `{}`},
			{"PATCH", api.ItemPath(api.PathAccounts, boss.ID), `{"displayName":"Mallory"}`},
			{"POST", api.ItemPath(api.PathAccounts, boss.ID) + "/grants", `{"name":"x","role":"admin"}`},
			{"POST", api.PathUsers, `{"name":"Ann","email":"ann@example.org"}`},
			{"POST", api.ItemPath(api.PathAccounts, boss.ID) + "/undo", ""}, // without a body
		} {
			mallory, secret := h.add(uuid.NewString(), account.Admin)
			revision := int64(0)
			body := &slowBody{strings.NewReader(attempt.body), func() {
				h.decide(func(s *account.State, act account.Act) (account.Change, error) {
					if end.code == api.CodeSignIn {
						return s.SignOut(act, mallory.ID)
					}
					return s.Edit(act, mallory.ID, end.edit)
				})
				revision = h.gate.State().Revision
			}}
			if attempt.body == "" {
				body.before()
				body.before = nil
			}
			r := httptest.NewRequest(attempt.method, attempt.path, body)
			r.Host = "localhost:8080"
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Cookie", with(secret)[1])
			w := httptest.NewRecorder()
			h.bare.ServeHTTP(w, r)
			if got := decodeCode(answer{t: t, Body: w.Body.Bytes()}); got != end.code || h.gate.State().Revision != revision {
				t.Errorf("%s meanwhile, %s %s: %d %s", name, attempt.method, attempt.path, w.Code, w.Body)
			}
		}
	}
}

// TestNobodyUsesUpAnothersRate: everybody sees the ids of devices in a history.
func TestNobodyUsesUpAnothersRate(t *testing.T) {
	h := newHouse(t)
	h.bare = rest.New(rest.Config{Store: h.store, Hub: feed.NewHub(), Gate: h.gate, Limits: rest.Limits{Client: limit.Rate{PerSecond: 0.1, Burst: 2}}})
	_, mallory := h.add("mallory", account.Viewer)
	_, ann := h.add("ann", account.Editor)
	device := newID()
	batch := func(secret string) int {
		r := httptest.NewRequest("POST", api.PathOperations, strings.NewReader(`{"clientId":"`+device+`","operations":[]}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Cookie", with(secret)[1])
		r.Header.Set(api.HeaderAccount, h.saying(secret)[1])
		w := httptest.NewRecorder()
		h.bare.ServeHTTP(w, r)
		return w.Code
	}
	for i, want := range []int{200, 200, 429} {
		if got := batch(mallory); got != want {
			t.Errorf("batch %d: %d, want %d", i, got, want)
		}
	}
	if got := batch(ann); got != 200 {
		t.Errorf("of the device's own account: %d", got)
	}
}

// TestAnAnswerIsGoodOnce: of a passkey that counts nothing, as those that several devices share.
func TestAnAnswerIsGoodOnce(t *testing.T) {
	h := newHouse(t)
	ann, session := h.add("ann", account.Admin)
	d := h.device(ann.ID)
	d.add(session, ann.ID, "Phone").status(204)
	sign := func() (signed, cookie string) {
		d.key.Counter = ^uint32(0) // sign adds one
		return d.sign()
	}
	early, earlyCookie := sign()
	signed, cookie := sign()
	d.finish(signed, cookie).status(200)
	d.finish(signed, cookie).problem(401, api.CodeSignIn)
	d.finish(early, earlyCookie).problem(401, api.CodeSignIn)
	d.finish(sign()).status(200)
}

// TestUndoReachesBeyondAHistory: whoever changes somebody more often than a history shows has hidden
// nothing from an admin.
func TestUndoReachesBeyondAHistory(t *testing.T) {
	h := newHouseOf(t, rest.Config{KeepHistory: true})
	_, ann := h.add("ann", account.Admin)
	mallory, secret := h.add("mallory", account.Editor)
	id := h.create(ann, "Victim")
	for i := range store.MaxPast + 1 {
		h.do(secret, "PATCH", api.PathUsers+"/"+id, fields{"name": fmt.Sprint("x", i)}, "If-Match", "*").status(200)
	}
	if a := h.do(ann, "POST", api.PathAccounts+"/"+mallory.ID+"/undo", nil).status(200); string(a.Body) != `{"undone":1,"kept":0,"failed":0}`+"\n" {
		t.Errorf("undone: %s", a.Body)
	}
	if u := decode[api.User](h.do(ann, "GET", api.PathUsers+"/"+id, nil)); u.Name != "Victim" {
		t.Errorf("called %s", u.Name)
	}
	restores(h, ann, id)
}

// TestTokensMakeNoSecrets: an admin's token that ends tomorrow would make one that does not.
func TestTokensMakeNoSecrets(t *testing.T) {
	h := newHouse(t)
	ann, session := h.add("ann", account.Admin)
	token := h.token(ann.ID, account.Admin)
	for path, body := range map[string]fields{
		"":                       {"name": "door", "role": "admin"},
		"/" + ann.ID + "/link":   {},
		"/" + ann.ID + "/grants": {"name": "forever", "role": "viewer", "days": 3650},
	} {
		h.do(token, "POST", api.PathAccounts+path, body).problem(403, api.CodeForbidden)
		h.do(session, "POST", api.PathAccounts+path, body).status(201)
	}
	h.do(token, "GET", api.PathAccounts, nil).status(200)
}

// restores finds the first of many entries of a history, page by page, restores that state.
func restores(h *house, secret, id string) {
	h.t.Helper()
	type history struct {
		Changes []struct {
			Change int64
			Type   api.OperationType
			Known  bool
		}
	}
	path := api.PathUsers + "/" + id
	page := decode[history](h.do(secret, "GET", path+"/history", nil).status(200)).Changes
	last := page[len(page)-1]
	page = decode[history](h.do(secret, "GET", fmt.Sprint(path, "/history?until=", last.Change), nil).status(200)).Changes
	if page[0].Change != last.Change || len(page) < 2 || page[len(page)-1].Type != api.Create || !page[len(page)-1].Known {
		h.t.Fatalf("the second page is %+v", page)
	}
	restore := fields{"change": page[len(page)-1].Change}
	if u := decode[api.User](h.do(secret, "POST", path+"/restore", restore, "If-Match", "*").status(200)); u.Name != "Victim" {
		h.t.Errorf("restored as %s", u.Name)
	}
	h.do(secret, "POST", path+"/restore", fields{"change": page[len(page)-1].Change + 1<<40}, "If-Match", "*").problem(400, api.CodeInvalid)
	h.do(secret, "GET", path+"/history?until=0", nil).problem(400, api.CodeInvalid)
}
