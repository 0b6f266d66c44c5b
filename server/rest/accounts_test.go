package rest_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/contracttest"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/signin"
	"github.com/rollcall/rollcall/server/store/memory"
)

const goodPassword = "correct horse battery"

// house is a server with accounts.
type house struct {
	t       *testing.T
	store   *memory.Store
	gate    *signin.Gate
	handler http.Handler // held to the contract
	bare    http.Handler
	clock   time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, store: memory.New(memory.Options{}), clock: time.Now()}
	var err error
	if h.gate, err = signin.Open(t.Context(), h.store, signin.Options{Now: func() time.Time { return h.clock }}); err != nil {
		t.Fatal(err)
	}
	hub := feed.NewHub()
	t.Cleanup(hub.Close)
	h.bare = rest.New(rest.Config{Store: h.store, Hub: hub, Gate: h.gate})
	h.handler = contracttest.Load(t).Handler(t, h.bare)
	return h
}

func (h *house) decide(f func(*account.State, account.Act) (account.Change, error)) {
	h.t.Helper()
	if err := h.gate.Decide(h.t.Context(), func(s *account.State) (account.Change, error) { return f(s, account.Act{Now: h.clock}) }); err != nil {
		h.t.Fatal(err)
	}
}

// add adds an account with a session, whose secret it returns.
func (h *house) add(name string, role account.Role) (a account.Account, session string) {
	h.t.Helper()
	h.decide(func(s *account.State, act account.Act) (c account.Change, err error) {
		c, a, err = s.Add(act, account.New{Name: name, Role: role})
		return c, err
	})
	return a, h.session(a.ID)
}

func (h *house) session(id string) (secret string) {
	h.t.Helper()
	h.decide(func(s *account.State, act account.Act) (c account.Change, err error) {
		c, secret, err = s.NewSession(act, id, "Firefox")
		return c, err
	})
	return secret
}

func (h *house) token(id string, role account.Role) (secret string) {
	h.t.Helper()
	h.decide(func(s *account.State, act account.Act) (c account.Change, err error) {
		c, _, secret, err = s.NewToken(act, account.NewTokenOf{Account: id, Name: "curl", Role: role, Lasts: time.Hour})
		return c, err
	})
	return secret
}

// with are the headers of a request with a session or a token.
func with(secret string) []string {
	switch {
	case secret == "":
		return nil
	case strings.HasPrefix(secret, "rollcall_t_"):
		return []string{"Authorization", "Bearer " + secret}
	}
	return []string{"Cookie", rest.SessionCookie + "=" + secret}
}

// saying are the headers in which a device says whose data it has: those of its session.
func (h *house) saying(secret string) []string {
	if p, refusal := h.gate.State().Identify(secret, account.Session, h.clock); refusal == account.Admitted {
		return []string{api.HeaderAccount, p.Account}
	}
	return nil
}

// do sends a request as who has a secret.
func (h *house) do(secret, method, target string, body any, header ...string) answer {
	h.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			h.t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, target, bytes.NewReader(text))
	r.Host = "localhost:8080"
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	header = append(append(with(secret), h.saying(secret)...), header...)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return answer{t: h.t, Status: w.Code, Header: w.Result().Header, Body: w.Body.Bytes()}
}

// needed is the role that each operation of the contract needs.
var needed = map[string]account.Role{
	"showHistory": account.Viewer, "restoreUser": account.Editor, "undoAccount": account.Admin,
	"listUsers": account.Viewer, "getUser": account.Viewer, "listChanges": account.Viewer, "listBucket": account.Viewer, "streamEvents": account.Viewer,
	"createUser": account.Editor, "updateUser": account.Editor, "deleteUser": account.Editor,
	"applyOperations": account.Viewer, // whose operations are refused one by one
	"showSession":     account.Anyone, "signIn": account.Anyone, "signOut": account.Anyone, "beginPasskey": account.Anyone, "endPasskey": account.Anyone,
	"listPasskeys": account.Viewer, "beginAdding": account.Viewer, "addPasskey": account.Viewer, "dropPasskey": account.Viewer, // of one's own account
	"beginProvider": account.Anyone, "beginAccepting": account.Anyone, "endAccepting": account.Anyone,
	"changePassword": account.Viewer, "listGrants": account.Viewer, "makeToken": account.Viewer, "endGrant": account.Viewer, // of one's own account
	"listAccounts": account.Admin, "addAccount": account.Admin, "editAccount": account.Admin, "makeLink": account.Admin, "listAudit": account.Admin,
	"healthy": account.Anyone, "ready": account.Anyone,
}

// TestEveryPathNeedsItsRole: each method of each path of the contract, for everybody. A path that
// is new is refused here until its role is decided.
func TestEveryPathNeedsItsRole(t *testing.T) {
	h := newHouse(t)
	secrets := map[account.Role]string{"": ""}
	for _, role := range []account.Role{account.Viewer, account.Editor, account.Admin} {
		var a account.Account
		a, secrets[role] = h.add(string(role), role)
		secrets["token of "+role] = h.token(a.ID, role)
	}
	asked := 0
	for path, item := range contracttest.Load(t).Doc.Paths.Map() {
		target := strings.NewReplacer("{id}", "018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16", "{passkey}", "x", "{grant}", "018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d17", "{bucket}", "0").Replace(path)
		for method, operation := range item.Operations() {
			need, known := needed[operation.OperationID]
			if !known {
				t.Errorf("%s %s: no role is decided for %s", method, path, operation.OperationID)
				continue
			}
			for who, secret := range secrets {
				if operation.OperationID == "streamEvents" && who != "" || operation.OperationID == "signOut" {
					continue // has no end here; ends the session
				}
				asked++
				role := account.Role(strings.TrimPrefix(string(who), "token of "))
				a := h.do(secret, method, target, map[string]any{}, "If-Match", "*")
				if kept := a.Header.Get("Cache-Control"); !strings.Contains(kept, "no-store") && strings.HasPrefix(path, api.PathPrefix) {
					t.Errorf("%s %s as %q may be kept: %q", method, path, who, kept)
				}
				code := decodeCode(a)
				signedOut, forbidden := code == api.CodeSignIn, code == api.CodeForbidden && !strings.Contains(target, "/grants") && !strings.Contains(target, "passkey") && path != api.PathPassword
				if want := who == "" && need != account.Anyone; signedOut != want && operation.OperationID != "signIn" && operation.OperationID != "endPasskey" {
					t.Errorf("%s %s as %q: %d %s, asks for a sign-in: %v, want %v", method, path, who, a.Status, a.Body, signedOut, want)
				}
				byPerson := operation.OperationID == "addAccount" || operation.OperationID == "makeLink"
				if want := who != "" && (!role.Permits(need) || byPerson && role != who); forbidden != want {
					t.Errorf("%s %s as %q: %d %s, forbidden: %v, want %v", method, path, who, a.Status, a.Body, forbidden, want)
				}
			}
		}
	}
	if asked < 100 {
		t.Errorf("only %d requests were made", asked)
	}
}

func decodeCode(a answer) api.Code {
	var p api.Problem
	if json.Unmarshal(a.Body, &p) != nil {
		return ""
	}
	return p.Code
}

// TestWhoMayAsk: each way to say who asks, and each way to fail at it.
func TestWhoMayAsk(t *testing.T) {
	h := newHouse(t)
	if a := h.do("", "GET", api.PathUsers, nil); a.Status != 200 {
		t.Fatalf("without accounts: %d %s", a.Status, a.Body)
	}
	ann, session := h.add("ann", account.Admin)
	token := h.token(ann.ID, account.Viewer)
	for _, test := range []struct {
		name   string
		header []string
		status int
	}{
		{"nothing", nil, 401},
		{"a session", with(session), 200},
		{"a session under the name for localhost", []string{"Cookie", "rollcall=" + session}, 200},
		{"that, over HTTPS", []string{"Cookie", "rollcall=" + session, "X-Forwarded-Proto", "https"}, 401},
		{"that, for another host", []string{"Cookie", "rollcall=" + session, "Host", "directory.example.org"}, 401},
		{"that, by an address", []string{"Cookie", "rollcall=" + session, "Host", "127.0.0.1:8080"}, 200},
		{"a token", with(token), 200},
		{"a token in other words", []string{"Authorization", "bearer  " + token}, 200},
		{"a token as a session", []string{"Cookie", rest.SessionCookie + "=" + token}, 401},
		{"a session as a token", []string{"Authorization", "Bearer " + session}, 401},
		{"a wrong token with a session", append(with(session), "Authorization", "Bearer x"), 401},
		{"a proxy's Basic with a session", append(with(session), "Authorization", "Basic eDp5"), 200},
		{"a session from another site's page", append(with(session), "Sec-Fetch-Site", "cross-site"), 403},
		{"a session from another origin's page", append(with(session), "Origin", "http://example.org"), 403},
	} {
		a := h.do("", "GET", api.PathUsers, nil, test.header...)
		if a.Status != test.status || (a.Status == 401) != (a.Header.Get("WWW-Authenticate") == "Bearer") {
			t.Errorf("%s: %d %s", test.name, a.Status, a.Body)
		}
	}
	off := true
	h.add("bo", account.Admin)
	h.decide(func(s *account.State, act account.Act) (account.Change, error) {
		return s.Edit(act, ann.ID, account.Edit{Disabled: &off})
	})
	for _, secret := range []string{session, token} {
		h.do(secret, "GET", api.PathUsers, nil).problem(401, api.CodeAccountDisabled)
	}
	if a := h.do(session, "GET", api.PathSession, nil); a.Status != 200 || decode[api.Session](a).Account != nil {
		t.Errorf("the session of a disabled account: %d %s", a.Status, a.Body)
	}
}

// TestSharedPagesAreForThoseWhoMay: a page that is cached for one is not sent to who may not ask.
func TestSharedPagesAreForThoseWhoMay(t *testing.T) {
	h := newHouse(t)
	_, session := h.add("ann", account.Admin)
	h.do(session, "POST", api.PathUsers, map[string]string{"name": "Ada", "email": "ada@example.org"}).status(201)
	for _, path := range []string{api.PathUsers, api.PathChanges} {
		if a := h.do(session, "GET", path, nil).status(200); !bytes.Contains(a.Body, []byte("Ada")) {
			t.Errorf("%s: %s", path, a.Body)
		}
		h.do("", "GET", path, nil).problem(401, api.CodeSignIn)
		h.do("", "HEAD", path, nil).status(401)
	}
}

// TestABatchOfAViewer: each operation is refused, in words; none takes effect, and the batch is
// not an error that the engine would repeat.
func TestABatchOfAViewer(t *testing.T) {
	h := newHouse(t)
	_, admin := h.add("ann", account.Admin)
	bo, viewer := h.add("bo", account.Viewer)
	id := "018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16"
	batch := batchOf(operation(id, api.Create, 0, fields{"name": "Ada", "email": "ada@example.org"}), operation(id, "bad", 0, nil))
	for _, secret := range []string{viewer, h.token(bo.ID, account.Viewer)} {
		results := decode[api.BatchResult](h.do(secret, "POST", api.PathOperations, batch).status(200)).Results
		if len(results) != 2 || results[0].Status != api.Rejected || results[0].Problem.Code != api.CodeForbidden || results[1].Problem.Code != api.CodeInvalid {
			t.Errorf("results %+v", results)
		}
	}
	h.do(admin, "GET", api.ItemPath(api.PathUsers, id), nil).status(404)
	results := decode[api.BatchResult](h.do(admin, "POST", api.PathOperations, batch).status(200)).Results
	if results[0].Status != api.Applied {
		t.Errorf("as an editor: %+v", results)
	}
}

// TestABrowserKeepsASessionInUse: its cookie begins anew with the session's time.
func TestABrowserKeepsASessionInUse(t *testing.T) {
	h := newHouse(t)
	_, secret := h.add("ann", account.Editor)
	h.clock = h.clock.Add(80 * 24 * time.Hour)
	if c := cookieOf(t, h.do(secret, "GET", api.PathSession, nil).status(200)); c.Value != secret || c.MaxAge != 90*24*3600 {
		t.Errorf("after 80 days the cookie is %v", c)
	}
	h.clock = h.clock.Add(91 * 24 * time.Hour)
	if a := h.do(secret, "GET", api.PathSession, nil).status(200); a.Header.Get("Set-Cookie") != "" {
		t.Errorf("a session that has ended gets %s", a.Header.Get("Set-Cookie"))
	}
}

// TestSignInAndOut: what a browser keeps, and that it is gone afterwards.
func TestSignInAndOut(t *testing.T) {
	h := newHouse(t)
	ann, _ := h.add("ann", account.Editor)
	h.add("root", account.Admin)
	h.decide(func(s *account.State, act account.Act) (account.Change, error) {
		return s.SetPassword(act, ann.ID, account.HashPassword(goodPassword), account.Hash{})
	})
	h.do("", "POST", api.PathSession, api.SignIn{Name: "ann", Password: "wrong"}).problem(401, api.CodeSignIn)
	h.do("", "POST", api.PathSession, api.SignIn{Name: "ann", Password: goodPassword}, "Host", "directory.example.org").problem(403, api.CodeForbidden)
	h.do("", "POST", api.PathSession, api.SignIn{Name: "ann", Password: goodPassword}, "Sec-Fetch-Site", "cross-site").problem(403, api.CodeCrossSite)
	for _, test := range []struct {
		name   string
		secure bool
		header []string
	}{
		{rest.LocalCookie, false, nil},
		{rest.SessionCookie, true, []string{"Host", "directory.example.org", "X-Forwarded-Proto", "https"}},
		{rest.SessionCookie, true, []string{"Host", "directory.example.org", "Origin", "https://directory.example.org"}},
	} {
		a := h.do("", "POST", api.PathSession, api.SignIn{Name: "ann", Password: goodPassword, Device: "Tablet"}, test.header...).status(200)
		c := cookieOf(t, a)
		if c.Name != test.name || c.Secure != test.secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 90*24*3600 {
			t.Errorf("the cookie is %s", a.Header.Get("Set-Cookie"))
		}
		if s := decode[api.Session](a); s.Open || s.Account == nil || *s.Account != (api.Identity{ID: ann.ID, Name: "ann", DisplayName: "ann", Role: "editor"}) {
			t.Errorf("signed in as %s", a.Body)
		}
		out := h.do(c.Value, "DELETE", api.PathSession, nil, test.header...).status(204)
		if gone := cookieOf(t, out); gone.Name != test.name || gone.MaxAge >= 0 || gone.Value != "" {
			t.Errorf("signing out sets %s", out.Header.Get("Set-Cookie"))
		}
		h.do(c.Value, "GET", api.PathUsers, nil).problem(401, api.CodeSignIn)
	}
	h.do("", "DELETE", api.PathSession, nil).status(204)
	// Signing in again on the same browser leaves no session that nobody knows of.
	first := cookieOf(t, h.do("", "POST", api.PathSession, api.SignIn{Name: "ann", Password: goodPassword}).status(200)).Value
	h.do(first, "POST", api.PathSession, api.SignIn{Name: "ann", Password: goodPassword}).status(200)
	h.do(first, "GET", api.PathUsers, nil).problem(401, api.CodeSignIn)
	for range 20 {
		if a := h.do("", "POST", api.PathSession, api.SignIn{Name: "ann", Password: "wrong"}); a.Status == 429 {
			if a.problem(429, api.CodeRateLimited); a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
	}
	t.Error("nothing limits the attempts")
}

func cookieOf(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	c, err := http.ParseSetCookie(a.Header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestInvitation: from the admin's request to the new account's first session, once.
func TestInvitation(t *testing.T) {
	h := newHouse(t)
	_, admin := h.add("ann", account.Admin)
	var made struct {
		Account    struct{ ID string }
		Link, Path string
	}
	a := h.do(admin, "POST", api.PathAccounts, map[string]any{"name": "Bo", "role": "viewer", "displayName": "Bo Lee"}).status(201)
	made = decode[struct {
		Account    struct{ ID string }
		Link, Path string
	}](a)
	if made.Path != api.PathJoin+"#"+made.Link || !bytes.Contains(a.Body, []byte(`"invited":true`)) {
		t.Errorf("made %s", a.Body)
	}
	h.do("", "POST", api.PathSession, api.SignIn{Name: "bo", Password: goodPassword}).problem(401, api.CodeSignIn)
	h.do("", "POST", api.PathSession, api.SignIn{Link: made.Link, Password: "short"}).problem(400, api.CodeInvalid)
	in := h.do("", "POST", api.PathSession, api.SignIn{Link: made.Link, Password: goodPassword}).status(200)
	if s := decode[api.Session](in); s.Account == nil || s.Account.DisplayName != "Bo Lee" || s.Account.Role != "viewer" {
		t.Errorf("joined as %s", in.Body)
	}
	h.do("", "POST", api.PathSession, api.SignIn{Link: made.Link, Password: goodPassword}).problem(404, api.CodeNotFound)
	h.do("", "POST", api.PathSession, api.SignIn{Name: "bo", Password: goodPassword}).status(200)
	h.do(admin, "POST", api.PathAccounts, map[string]any{"name": "BO", "role": "viewer"}).problem(409, api.CodeConflict)
	reset := h.do(admin, "POST", api.PathAccounts+"/"+made.Account.ID+"/link", map[string]any{"days": 1}).status(201)
	h.clock = h.clock.Add(24 * time.Hour)
	h.do("", "POST", api.PathSession, api.SignIn{Link: decode[struct{ Link string }](reset).Link, Password: goodPassword}).problem(404, api.CodeNotFound)
	h.do(admin, "POST", api.PathAccounts+"/"+made.Account.ID+"/link", map[string]any{"days": 31}).problem(400, api.CodeInvalid)
	h.do(admin, "POST", api.PathAccounts+"/"+made.Account.ID+"/link", map[string]any{"days": -1}).problem(400, api.CodeInvalid)
}

// TestGrants: everybody sees and ends their own devices, admins all, and a token none.
func TestGrants(t *testing.T) {
	h := newHouse(t)
	_, admin := h.add("ann", account.Admin)
	bo, own := h.add("bo", account.Editor)
	_, other := h.add("cy", account.Editor)
	token := h.token(bo.ID, account.Viewer)
	path := api.PathAccounts + "/" + bo.ID + "/grants"
	type grants struct {
		Grants []struct {
			ID, Kind, Name, Secret string
			Current                bool
		}
	}
	list := decode[grants](h.do(own, "GET", path, nil).status(200)).Grants
	if len(list) != 2 || bytes.Contains(h.do(own, "GET", path, nil).Body, []byte("secret")) {
		t.Errorf("listed %+v", list)
	}
	h.do(other, "GET", path, nil).problem(403, api.CodeForbidden)
	h.do(token, "GET", path, nil).problem(403, api.CodeForbidden)
	h.do(token, "POST", path, fields{"name": "x", "role": "editor"}).problem(403, api.CodeForbidden)
	h.do(own, "POST", path, fields{"name": "x", "role": "admin"}).problem(403, api.CodeForbidden)
	h.do(own, "POST", path, fields{"name": "", "role": "viewer"}).problem(400, api.CodeInvalid)
	made := decode[struct{ ID, Secret string }](h.do(own, "POST", path, fields{"name": "backup", "role": "editor", "days": 1}).status(201))
	h.do(made.Secret, "POST", api.PathUsers, fields{"name": "Ada", "email": "ada@example.org"}).status(201)
	h.do(other, "DELETE", path+"/"+made.ID, nil).problem(403, api.CodeForbidden)
	h.do(admin, "DELETE", path+"/"+made.ID, nil).status(204)
	h.do(made.Secret, "GET", api.PathUsers, nil).problem(401, api.CodeSignIn)
	for _, g := range list {
		if g.Kind == "session" {
			if !g.Current {
				t.Error("the session is not marked as this one")
			}
			h.do(own, "DELETE", path+"/"+g.ID, nil).status(204)
		}
	}
	h.do(own, "GET", path, nil).problem(401, api.CodeSignIn)
	h.do(admin, "GET", api.PathAccounts+"/018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16/grants", nil).problem(404, api.CodeNotFound)
}

func TestChangePassword(t *testing.T) {
	h := newHouse(t)
	ann, own := h.add("ann", account.Admin)
	h.decide(func(s *account.State, act account.Act) (account.Change, error) {
		return s.SetPassword(act, ann.ID, account.HashPassword(goodPassword), account.HashOf(own))
	})
	other := h.session(ann.ID)
	h.do(own, "PUT", api.PathPassword, fields{"present": "wrong", "new": "another good password"}).problem(403, api.CodeForbidden)
	h.do(h.token(ann.ID, account.Admin), "PUT", api.PathPassword, fields{"present": goodPassword, "new": "another good password"}).problem(403, api.CodeForbidden)
	h.do(own, "PUT", api.PathPassword, fields{"present": goodPassword, "new": "another good password"}).status(204)
	h.do(own, "GET", api.PathUsers, nil).status(200)
	h.do(other, "GET", api.PathUsers, nil).problem(401, api.CodeSignIn)
}

// TestStreamsEndWithWhatLetThemIn: each way in which a stream's client may lose its right.
func TestStreamsEndWithWhatLetThemIn(t *testing.T) {
	off, viewer := true, account.Viewer
	for name, lose := range map[string]func(h *house, id, session string){
		"signed out by an admin": func(h *house, id, _ string) {
			h.decide(func(s *account.State, act account.Act) (account.Change, error) { return s.SignOut(act, id) })
		},
		"signed out": func(h *house, _, session string) { h.do(session, "DELETE", api.PathSession, nil).status(204) },
		"disabled": func(h *house, id, _ string) {
			h.decide(func(s *account.State, act account.Act) (account.Change, error) {
				return s.Edit(act, id, account.Edit{Disabled: &off})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.add("root", account.Admin)
			ann, session := h.add("ann", account.Editor)
			server := httptest.NewServer(h.handler)
			defer server.Close()
			stream := openStream(t, server.URL+api.PathEvents+"?account="+ann.ID, session)
			// What does not concern the client leaves its stream open.
			h.decide(func(s *account.State, act account.Act) (account.Change, error) {
				return s.Edit(act, ann.ID, account.Edit{Role: &viewer})
			})
			h.add("bo", account.Viewer)
			h.do(h.session(ann.ID), "GET", api.PathUsers, nil).status(200)
			lose(h, ann.ID, session)
			if _, err := io.ReadAll(stream); err != nil { // its end
				t.Error(err)
			}
			h.do(session, "GET", api.PathEvents, nil).status(401)
		})
	}
}

// openStream opens an event stream, which must end within 5 s.
func openStream(t *testing.T, address, session string) io.Reader {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}}
	t.Cleanup(client.CloseIdleConnections)
	r, err := http.NewRequestWithContext(t.Context(), "GET", u.String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", rest.SessionCookie+"="+session)
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	in := bufio.NewReader(resp.Body)
	if line, err := in.ReadString('\n'); err != nil || resp.StatusCode != 200 || !strings.HasPrefix(line, "retry:") {
		t.Fatalf("the stream began with %d %q (%v)", resp.StatusCode, line, err)
	}
	return in
}

// TestAnOpenServerCloses: the first account ends the streams of those who came without one.
func TestAnOpenServerCloses(t *testing.T) {
	h := newHouse(t)
	server := httptest.NewServer(h.handler)
	defer server.Close()
	stream := openStream(t, server.URL+api.PathEvents, "")
	if s := decode[api.Session](h.do("", "GET", api.PathSession, nil).status(200)); !s.Open || s.Account != nil {
		t.Errorf("the session of an open server: %+v", s)
	}
	h.do("", "GET", api.PathAccounts, nil).problem(403, api.CodeForbidden)
	h.do("", "POST", api.PathAccounts, fields{"name": "x", "role": "admin"}).problem(403, api.CodeForbidden)
	h.add("ann", account.Admin)
	if _, err := io.ReadAll(stream); err != nil {
		t.Error(err)
	}
	h.do("", "GET", api.PathUsers, nil).problem(401, api.CodeSignIn)
}

// TestBehindAProxy: what comes past the proxy is refused, but for the checks of an orchestrator.
func TestBehindAProxy(t *testing.T) {
	hub := feed.NewHub()
	defer hub.Close()
	proxies, err := rest.ParseProxies("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	h := rest.New(rest.Config{Store: memory.New(memory.Options{}), Hub: hub, BehindProxy: true, Limits: rest.Limits{Proxies: proxies}})
	for from, want := range map[string]int{"192.0.2.7:1": 200, "127.0.0.1:1": 200, "[::1]:1": 200, "198.51.100.1:1": 403, "": 403} {
		for _, path := range []string{api.PathUsers, api.PathHealth, api.PathReady} {
			r := httptest.NewRequest("GET", path, http.NoBody)
			r.RemoteAddr = from
			r.Header.Set("X-Forwarded-For", "192.0.2.9")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if path != api.PathUsers {
				want = 200
			}
			if w.Code != want && path == api.PathUsers || w.Code != 200 && path != api.PathUsers {
				t.Errorf("%s from %q: %d %s", path, from, w.Code, w.Body)
			}
		}
	}
}

// BenchmarkAuthorised is a small request with a session: compare BenchmarkRequest.
func BenchmarkAuthorised(b *testing.B) {
	s := memory.New(memory.Options{})
	gate, err := signin.Open(b.Context(), s, signin.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var secret string
	err = gate.Decide(b.Context(), func(state *account.State) (account.Change, error) {
		act := account.Act{Now: time.Now()}
		add, ann, err := state.Add(act, account.New{Name: "ann", Role: account.Admin})
		if err != nil {
			return add, err
		}
		session, fresh, err := state.With(add).NewSession(act, ann.ID, "x")
		secret = fresh
		return add.Then(session), err
	})
	if err != nil {
		b.Fatal(err)
	}
	hub := feed.NewHub()
	defer hub.Close()
	for _, with := range []struct {
		name string
		gate *signin.Gate
	}{{"open", nil}, {"with a session", gate}} {
		b.Run(with.name, func(b *testing.B) {
			h := rest.New(rest.Config{Store: s, Hub: hub, Gate: with.gate})
			r := httptest.NewRequest("GET", api.PathUsers, http.NoBody)
			r.Header.Set("Cookie", rest.SessionCookie+"="+secret)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// change is an entry of a history, as clients read it.
type change struct {
	Change     int64
	Type       string
	Account    *struct{ Name string }
	Device     string
	At         time.Time
	MadeAt     time.Time
	Known      bool
	Restorable bool
	Fields     []struct{ Field, From, To string }
}

// newHouseOf is a server with accounts and a limit of deletes, which keeps what is replaced.
func newHouseOf(t *testing.T, c rest.Config) *house {
	t.Helper()
	h := newHouse(t)
	hub := feed.NewHub()
	t.Cleanup(hub.Close)
	c.Store, c.Hub, c.Gate = h.store, hub, h.gate
	h.bare = rest.New(c)
	h.handler = contracttest.Load(t).Handler(t, h.bare)
	return h
}

func (h *house) history(secret, id string) []change {
	h.t.Helper()
	return decode[struct{ Changes []change }](h.do(secret, "GET", api.PathUsers+"/"+id+"/history", nil).status(200)).Changes
}

func (h *house) create(secret, name string) (id string) {
	h.t.Helper()
	a := h.do(secret, "POST", api.PathUsers, fields{"name": name, "email": strings.ToLower(strings.ReplaceAll(name, " ", "")) + "@example.org"}).status(201)
	return decode[api.User](a).ID
}

// TestAuditLog: the newest first, in pages, for admins.
func TestAuditLog(t *testing.T) {
	h := newHouse(t)
	ann, admin := h.add("ann", account.Admin)
	bo, editor := h.add("bo", account.Editor)
	h.decide(func(*account.State, account.Act) (account.Change, error) {
		return account.Change{Events: []account.Event{{At: h.clock, Action: "sign_in_failed", Account: bo.ID, Detail: "192.0.2.0/24"}}}, nil
	})
	h.do(admin, "POST", api.PathAccounts, fields{"name": "cy", "role": "viewer"}).status(201)
	type entry struct {
		Number  int64
		At      time.Time
		Action  string
		Account *struct{ ID, Name string }
		By      *struct{ ID, Name string }
	}
	read := func(query string) []entry {
		t.Helper()
		return decode[struct{ Entries []entry }](h.do(admin, "GET", api.PathAudit+query, nil).status(200)).Entries
	}
	all := read("")
	if len(all) < 6 || all[0].Action != "link_made" || all[1].Action != "account_added" || all[1].Account.Name != "cy" || all[1].By.ID != ann.ID || all[1].At.IsZero() {
		t.Fatalf("the entries are %+v", all)
	}
	if !slices.ContainsFunc(all, func(e entry) bool { return e.Action == "sign_in_failed" && e.Account.Name == "bo" && e.By == nil }) {
		t.Errorf("there is no failed sign-in: %+v", all)
	}
	var paged []entry
	for page := read("?limit=2"); len(page) > 0; page = read(fmt.Sprintf("?limit=2&before=%d", page[len(page)-1].Number)) {
		paged = append(paged, page...)
	}
	if !reflect.DeepEqual(paged, all) {
		t.Errorf("in pages: %+v, want %+v", paged, all)
	}
	for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x", "?before=0", "?before=x"} {
		h.do(admin, "GET", api.PathAudit+query, nil).problem(400, api.CodeInvalid)
	}
	h.do(editor, "GET", api.PathAudit, nil).problem(403, api.CodeForbidden)
	h.do("", "GET", api.PathAudit, nil).problem(401, api.CodeSignIn)
}

// TestHistory: who did what from where, and back again, after a delete, too.
func TestHistory(t *testing.T) {
	h := newHouseOf(t, rest.Config{KeepHistory: true})
	_, ann := h.add("ann", account.Admin)
	_, bo := h.add("bo", account.Editor)
	_, viewer := h.add("cy", account.Viewer)
	id := h.create(ann, "Ada")
	results := decode[api.BatchResult](h.do(bo, "POST", api.PathOperations, batchOf(operation(id, api.Update, 1, fields{"name": "Ada L", "bio": "x"}))).status(200)).Results
	if results[0].Status != api.Applied {
		t.Fatalf("%+v", results)
	}
	h.do(bo, "DELETE", api.PathUsers+"/"+id, nil, "If-Match", "*").status(204)
	got := h.history(viewer, id)
	if len(got) != 3 || got[0].Type != "delete" || got[0].Account.Name != "bo" || got[1].Account.Name != "bo" || got[2].Account.Name != "ann" ||
		got[1].Device != "5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11" || got[2].Device != "" || got[1].MadeAt.Year() != 2026 || !got[1].Known ||
		len(got[1].Fields) != 2 || got[1].Fields[0] != (struct{ Field, From, To string }{"name", "Ada", "Ada L"}) {
		t.Errorf("the history is %+v", got)
	}
	restore := api.PathUsers + "/" + id + "/restore"
	h.do(viewer, "POST", restore, fields{"change": got[1].Change}, "If-Match", "*").problem(403, api.CodeForbidden)
	h.do(bo, "POST", restore, fields{"change": got[1].Change}).problem(428, api.CodePreconditionReq)
	h.do(bo, "POST", restore, fields{"change": got[1].Change}, "If-Match", `"1"`).status(404)
	h.do(bo, "POST", restore, fields{"change": got[0].Change}, "If-Match", "*").problem(409, api.CodeConflict)
	h.do(bo, "POST", restore, fields{"change": 99}, "If-Match", "*").problem(400, api.CodeInvalid)
	back := h.do(bo, "POST", restore, fields{"change": got[1].Change}, "If-Match", `"3"`).status(200)
	if u := decode[api.User](back); u.Name != "Ada L" || u.Bio != "x" || u.Version != 4 || u.ID != id {
		t.Errorf("restored %s", back.Body)
	}
	h.do(ann, "POST", restore, fields{"change": got[2].Change}, "If-Match", `"3"`).problem(412, api.CodePrecondition)
	back = h.do(ann, "POST", restore, fields{"change": got[2].Change}, "If-Match", `"4"`).status(200)
	if u := decode[api.User](back); u.Name != "Ada" || u.Bio != "" {
		t.Errorf("restored %s", back.Body)
	}
	if got := h.history(ann, id); len(got) != 5 || got[0].Account.Name != "ann" || got[1].Type != "create" {
		t.Errorf("after restoring: %+v", got)
	}
	h.do(ann, "GET", api.PathUsers+"/018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16/history", nil).problem(404, api.CodeNotFound)
	// Of what is not kept, the history says who and when.
	plain := newHouseOf(t, rest.Config{})
	_, dee := plain.add("dee", account.Admin)
	id = plain.create(dee, "Ada")
	plain.do(dee, "DELETE", api.PathUsers+"/"+id, nil, "If-Match", "*").status(204)
	if got := plain.history(dee, id); len(got) != 2 || got[0].Known || got[1].Known || got[0].Account.Name != "dee" {
		t.Errorf("without texts: %+v", got)
	}
}

// TestRestoringWhatThereWasBeforeAccounts: the first change of an account is the only one that knows it.
func TestRestoringWhatThereWasBeforeAccounts(t *testing.T) {
	h := newHouseOf(t, rest.Config{KeepHistory: true})
	id := h.create("", "Ada") // the server is open yet
	_, ann := h.add("ann", account.Admin)
	path := api.PathUsers + "/" + id
	type history struct {
		Version int64
		Changes []change
	}
	read := func() history { return decode[history](h.do(ann, "GET", path+"/history", nil).status(200)) }
	if got := read(); got.Version != 1 || len(got.Changes) != 0 {
		t.Errorf("at first: %+v", got)
	}
	h.do(ann, "DELETE", path, nil, "If-Match", "*").status(204)
	got := read()
	if got.Version != 2 || len(got.Changes) != 1 || got.Changes[0].Restorable || !got.Changes[0].Known {
		t.Fatalf("after the delete: %+v", got)
	}
	first := got.Changes[0].Change
	h.do(ann, "POST", path+"/restore", fields{"change": first}, "If-Match", `"2"`).problem(409, api.CodeConflict)
	back := h.do(ann, "POST", path+"/restore", fields{"change": first, "before": true}, "If-Match", `"2"`).status(200)
	if u := decode[api.User](back); u.Name != "Ada" || u.Version != 3 {
		t.Errorf("restored %s", back.Body)
	}
	h.do(ann, "PATCH", path, fields{"name": "Ada L"}, "If-Match", `"3"`).status(200)
	got = read()
	if restorable := []bool{got.Changes[0].Restorable, got.Changes[1].Restorable, got.Changes[2].Restorable}; !slices.Equal(restorable, []bool{false, true, false}) {
		t.Errorf("the current state, the first one and a deleted user's can be restored: %v", restorable)
	}
	again := h.do(ann, "POST", path+"/restore", fields{"change": got.Changes[1].Change, "before": true}, "If-Match", `"4"`)
	again.problem(409, api.CodeConflict) // nobody was there
}

// TestBulkLimit: an account's deletes are limited, whichever way they come, but for what it has
// made itself.
func TestBulkLimit(t *testing.T) {
	h := newHouseOf(t, rest.Config{KeepHistory: true, BulkLimit: 2})
	_, ann := h.add("ann", account.Admin)
	bo, editor := h.add("bo", account.Editor)
	var theirs, own []string
	for _, name := range []string{"A", "B", "C", "D"} {
		theirs = append(theirs, h.create(ann, "Ada "+name))
		own = append(own, h.create(editor, "Own "+name))
	}
	remove := func(secret, id string) api.Result {
		return decode[api.BatchResult](h.do(secret, "POST", api.PathOperations, batchOf(operation(id, api.Delete, 1, nil))).status(200)).Results[0]
	}
	for i, want := range []api.Status{api.Applied, api.Applied, api.Rejected, api.Rejected} {
		if got := remove(editor, theirs[i]); got.Status != want || want == api.Rejected && got.Problem.Code != api.CodeBulkLimit {
			t.Errorf("delete %d: %+v", i+1, got)
		}
	}
	if got := remove(editor, theirs[0]); got.Status != api.Duplicate { // a device has not got the answer
		t.Errorf("again: %+v", got)
	}
	h.do(h.token(bo.ID, account.Editor), "DELETE", api.PathUsers+"/"+theirs[2], nil, "If-Match", "*").problem(403, api.CodeBulkLimit)
	for _, id := range own {
		if got := remove(editor, id); got.Status != api.Applied {
			t.Errorf("its own: %+v", got)
		}
	}
	if got := remove(ann, theirs[2]); got.Status != api.Applied {
		t.Errorf("another account's: %+v", got)
	}
	h.clock = h.clock.Add(30 * time.Minute)
	if got := remove(editor, theirs[3]); got.Status != api.Applied {
		t.Errorf("half an hour later: %+v", got)
	}
}

// TestUndo: an account's last hour is undone, except where others went on.
func TestUndo(t *testing.T) {
	h := newHouseOf(t, rest.Config{KeepHistory: true})
	_, ann := h.add("ann", account.Admin)
	bo, editor := h.add("bo", account.Editor)
	ids := map[string]string{}
	for _, name := range []string{"Changed", "Deleted", "Both", "Others", "Taken"} {
		ids[name] = h.create(ann, name)
	}
	change := func(secret, method, id string, body any) {
		t.Helper()
		if a := h.do(secret, method, api.PathUsers+"/"+id, body, "If-Match", "*"); a.Status/100 != 2 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	made, gone := h.create(editor, "Made"), h.create(editor, "Gone")
	change(editor, "DELETE", gone, nil)
	change(editor, "PATCH", ids["Changed"], fields{"name": "X"})
	change(editor, "PATCH", ids["Changed"], fields{"name": "Y"})
	change(editor, "DELETE", ids["Deleted"], nil)
	change(editor, "PATCH", ids["Both"], fields{"name": "Z"})
	change(editor, "DELETE", ids["Both"], nil)
	change(editor, "PATCH", ids["Others"], fields{"name": "X"})
	change(ann, "PATCH", ids["Others"], fields{"bio": "by ann"})
	change(editor, "DELETE", ids["Taken"], nil)
	h.do(ann, "POST", api.PathUsers, fields{"name": "New", "email": "taken@example.org"}).status(201)
	undo := api.PathAccounts + "/" + bo.ID + "/undo"
	h.do(editor, "POST", undo, nil).problem(403, api.CodeForbidden)
	if a := h.do(ann, "POST", undo, nil).status(200); string(a.Body) != `{"undone":4,"kept":1,"failed":1}`+"\n" {
		t.Errorf("undone: %s", a.Body)
	}
	for _, name := range []string{"Changed", "Deleted", "Both"} {
		if u := decode[api.User](h.do(ann, "GET", api.PathUsers+"/"+ids[name], nil).status(200)); u.Name != name {
			t.Errorf("%s is called %s", name, u.Name)
		}
	}
	h.do(ann, "GET", api.PathUsers+"/"+made, nil).status(404)
	h.do(ann, "GET", api.PathUsers+"/"+gone, nil).status(404)
	if u := decode[api.User](h.do(ann, "GET", api.PathUsers+"/"+ids["Others"], nil)); u.Name != "X" || u.Bio != "by ann" {
		t.Errorf("what others went on with: %+v", u)
	}
	if a := h.do(ann, "POST", undo, nil).status(200); !strings.HasPrefix(string(a.Body), `{"undone":0,`) {
		t.Errorf("again: %s", a.Body)
	}
	h.do(ann, "POST", api.PathAccounts+"/018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16/undo", nil).problem(404, api.CodeNotFound)
}

// TestAuthHeader: a proxy that was named says who asks; nobody else does.
func TestAuthHeader(t *testing.T) {
	proxies, err := rest.ParseProxies("192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	h := newHouseOf(t, rest.Config{AuthHeader: "X-User", Limits: rest.Limits{Proxies: proxies}})
	_, session := h.add("ann", account.Admin)
	bo, _ := h.add("bo", account.Viewer)
	off := true
	for _, test := range []struct {
		from   string
		header []string
		status int
		who    string
	}{
		{"192.0.2.1:1", []string{"X-User", "Bo"}, 200, "bo"},
		{"192.0.2.1:1", []string{"X-User", "Bo", "Cookie", rest.SessionCookie + "=" + session}, 200, "bo"},
		{"192.0.2.1:1", []string{"X-User", "eve"}, 403, ""},
		{"192.0.2.1:1", nil, 401, ""},
		{"192.0.2.1:1", with(session), 200, "ann"},
		{"192.0.2.2:1", []string{"X-User", "ann"}, 401, ""},
		{"127.0.0.1:1", []string{"X-User", "ann"}, 401, ""},
		{"192.0.2.2:1", []string{"X-User", "ann", "X-Forwarded-For", "192.0.2.1"}, 401, ""},
	} {
		ask := func(path string) answer {
			r := httptest.NewRequest("GET", path, http.NoBody)
			r.RemoteAddr = test.from
			for i := 0; i < len(test.header); i += 2 {
				r.Header.Set(test.header[i], test.header[i+1])
			}
			w := httptest.NewRecorder()
			h.handler.ServeHTTP(w, r)
			return answer{t: t, Status: w.Code, Header: w.Result().Header, Body: w.Body.Bytes()}
		}
		who := ""
		if s := decode[api.Session](ask(api.PathSession)); s.Account != nil {
			who = s.Account.Name
		}
		if a := ask(api.PathUsers); a.Status != test.status || who != test.who {
			t.Errorf("%s with %q: %d %s, as %q", test.from, test.header, a.Status, a.Body, who)
		}
	}
	h.decide(func(s *account.State, act account.Act) (account.Change, error) {
		return s.Edit(act, bo.ID, account.Edit{Disabled: &off})
	})
	in := httptest.NewRequest("POST", api.PathSession, strings.NewReader(`{"name":"ann","password":"x"}`))
	in.RemoteAddr, in.Host = "192.0.2.1:1", "localhost:8080"
	in.Header.Set("X-User", "eve")
	in.Header.Set("Content-Type", "application/json")
	refused := httptest.NewRecorder()
	if h.handler.ServeHTTP(refused, in); refused.Code != 403 || !strings.Contains(refused.Body.String(), "ask an admin for one with the same name") {
		t.Errorf("a password of who has no account at the proxy's name: %d %s", refused.Code, refused.Body)
	}
	r := httptest.NewRequest("GET", api.PathUsers, http.NoBody)
	r.RemoteAddr = "192.0.2.1:1"
	r.Header["X-User"] = []string{"ann", "bo"} // which of the two would it be
	w := httptest.NewRecorder()
	if h.handler.ServeHTTP(w, r); w.Code != 401 {
		t.Errorf("two names: %d", w.Code)
	}
	r.Header["X-User"] = []string{"bo"}
	w = httptest.NewRecorder()
	if h.handler.ServeHTTP(w, r); !strings.Contains(w.Body.String(), string(api.CodeAccountDisabled)) {
		t.Errorf("a disabled account: %s", w.Body)
	}
}
