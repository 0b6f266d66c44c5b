package rest_test

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
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
