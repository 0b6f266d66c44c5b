package rest_test

import (
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
)

// TestNobodysWorkTravelsAsAnothers: a device names the account whose data it sends or fetches, and
// the server does neither for another one.
func TestNobodysWorkTravelsAsAnothers(t *testing.T) {
	h := newHouse(t)
	ann, annsSession := h.add("ann", account.Admin)
	bo, _ := h.add("bo", account.Editor)
	batch := fields{"clientId": "5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11", "operations": []any{}}
	for _, other := range []string{bo.ID, api.NoAccount, "x"} {
		for _, ask := range []struct {
			method, path string
			body         any
		}{{"POST", api.PathOperations, batch}, {"GET", api.PathChanges, nil}, {"GET", api.PathUsers, nil}} {
			h.do(annsSession, ask.method, ask.path, ask.body, api.HeaderAccount, other, api.HeaderProtocol, "2").problem(401, api.CodeSignIn)
		}
		h.do(annsSession, "GET", api.PathEvents+"?account="+other, nil, api.HeaderAccount, "").problem(401, api.CodeSignIn)
		h.do(annsSession, "GET", api.PathSession, nil, api.HeaderAccount, other).status(200)
	}
	h.do(annsSession, "POST", api.PathOperations, batch, api.HeaderAccount, ann.ID, api.HeaderProtocol, "2").status(200)
	// What says nothing is a program, or a page from before there were accounts, with nobody's data.
	h.do(h.token(ann.ID, account.Editor), "POST", api.PathOperations, batch).status(200)
	h.do(annsSession, "GET", api.PathUsers, nil, api.HeaderAccount, "").status(200)
	h.do(annsSession, "GET", api.PathUsers, nil, api.HeaderAccount, "", api.HeaderProtocol, "2").problem(400, api.CodeClientTooOld)
	h.do(annsSession, "POST", api.PathOperations, batch, api.HeaderAccount, "").problem(400, api.CodeClientTooOld)
	for _, path := range []string{api.PathChanges, api.PathEvents, api.PathEvents + "?protocol=2"} {
		h.do(annsSession, "GET", path, nil, api.HeaderAccount, "").problem(400, api.CodeClientTooOld)
	}
}

// TestOnlyItsOwnDataAreOfADisabledAccount: a device deletes an account's data at this word.
func TestOnlyItsOwnDataAreOfADisabledAccount(t *testing.T) {
	h := newHouse(t)
	h.add("root", account.Admin)
	ann, session := h.add("ann", account.Editor)
	bo, _ := h.add("bo", account.Editor)
	off := true
	h.decide(func(s *account.State, act account.Act) (account.Change, error) {
		return s.Edit(act, ann.ID, account.Edit{Disabled: &off})
	})
	h.do(session, "GET", api.PathChanges, nil, api.HeaderAccount, ann.ID).problem(401, api.CodeAccountDisabled)
	for _, other := range []string{bo.ID, api.ForAccount("")} {
		h.do(session, "GET", api.PathChanges, nil, api.HeaderAccount, other).problem(401, api.CodeSignIn)
		h.do(session, "GET", api.PathEvents+"?"+api.ParamAccount+"="+other, nil).problem(401, api.CodeSignIn)
	}
	h.do("rollcall_s_x", "GET", api.PathChanges, nil, api.HeaderAccount, ann.ID).problem(401, api.CodeSignIn)
}
