package rest_test

import (
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/signin/signintest"
)

// local is the server as the tests' browsers see it.
var local = virtualwebauthn.RelyingParty{ID: "localhost", Name: "Rollcall", Origin: "http://localhost:8080"}

// device is somebody's authenticator with one passkey.
type device struct {
	h    *house
	site virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	key  virtualwebauthn.Credential
}

func (h *house) device(id string) *device {
	return &device{h, local, virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(id)}),
		virtualwebauthn.NewCredentialWithImportedKey(virtualwebauthn.KeyTypeEC2, longKey(h.t))}
}

// longKey makes a key whose coordinates have no leading zeros, which the library drops.
func longKey(t *testing.T) []byte {
	t.Helper()
	for {
		key := signintest.NewKey(t)
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if point[1] == 0 || point[33] == 0 {
			continue
		}
		data, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
}

// flow is the cookie of a begun step.
func flow(t *testing.T, a answer) string {
	t.Helper()
	c := cookieOf(t, a)
	if !c.HttpOnly || c.MaxAge != 600 {
		t.Errorf("the cookie is %v", c)
	}
	return c.Name + "=" + c.Value
}

func passkeysOf(id string) string { return api.PathAccounts + "/" + id + "/passkeys" }

// add adds the device's passkey to an account with a session.
func (d *device) add(session, id, name string) answer {
	d.h.t.Helper()
	begun := d.h.do(session, "POST", passkeysOf(id), nil).status(200)
	options, err := virtualwebauthn.ParseAttestationOptions(string(begun.Body))
	if err != nil {
		d.h.t.Fatal(err)
	}
	signed := virtualwebauthn.CreateAttestationResponse(d.site, d.auth, d.key, *options)
	return d.h.do("", "PUT", passkeysOf(id), fields{"credential": json.RawMessage(signed), "name": name}, "Cookie", rest.SessionCookie+"="+session+"; "+flow(d.h.t, begun))
}

// sign signs in up to where the browser answers.
func (d *device) sign() (signed, cookie string) {
	d.h.t.Helper()
	begun := d.h.do("", "POST", api.PathPasskey, nil).status(200)
	options, err := virtualwebauthn.ParseAssertionOptions(string(begun.Body))
	if err != nil {
		d.h.t.Fatal(err)
	}
	d.key.Counter++
	return virtualwebauthn.CreateAssertionResponse(d.site, d.auth, d.key, *options), flow(d.h.t, begun)
}

func (d *device) finish(signed, cookie string) answer {
	d.h.t.Helper()
	return d.h.do("", "PUT", api.PathPasskey, fields{"credential": json.RawMessage(signed), "name": "Tablet"}, "Cookie", cookie)
}

// TestPasskey: added by who has signed in, and from then on a way in.
func TestPasskey(t *testing.T) {
	h := newHouse(t)
	h.add("root", account.Admin)
	ann, session := h.add("ann", account.Editor)
	d := h.device(ann.ID)
	d.add(session, ann.ID, "").problem(400, api.CodeInvalid)
	d.add(session, ann.ID, "Phone").status(204)
	d.add(session, ann.ID, "Again").problem(409, api.CodeConflict)
	list := decode[struct{ Passkeys []struct{ ID, Name string } }](h.do(session, "GET", passkeysOf(ann.ID), nil).status(200)).Passkeys
	if len(list) != 1 || list[0].Name != "Phone" {
		t.Fatalf("the passkeys are %v", list)
	}
	a := d.finish(d.sign()).status(200)
	if s := decode[api.Session](a); s.Account == nil || s.Account.ID != ann.ID {
		t.Errorf("signed in as %s", a.Body)
	}
	secret := sessionOf(t, a)
	h.do(secret, "GET", api.PathUsers, nil).status(200)
	d.finish(d.sign()).status(200)
	h.do(secret, "DELETE", passkeysOf(ann.ID)+"/"+list[0].ID, nil).problem(409, api.CodeConflict) // the only way in
	h.decide(func(s *account.State, act account.Act) (account.Change, error) {
		return s.SetPassword(act, ann.ID, "hash", account.HashOf(secret))
	})
	_, other := h.add("bo", account.Editor)
	h.do(other, "DELETE", passkeysOf(ann.ID)+"/"+list[0].ID, nil).problem(403, api.CodeForbidden)
	h.do(other, "GET", passkeysOf(ann.ID), nil).problem(403, api.CodeForbidden)
	h.do(secret, "DELETE", passkeysOf(ann.ID)+"/"+list[0].ID, nil).status(204)
	h.do(secret, "DELETE", passkeysOf(ann.ID)+"/"+list[0].ID, nil).problem(404, api.CodeNotFound)
	d.finish(d.sign()).problem(401, api.CodeSignIn)
}

// accept makes the device's passkey the way in to a link's account.
func (d *device) accept(link, with string) answer {
	d.h.t.Helper()
	begun := d.h.do("", "POST", api.PathAccept, fields{"link": link}).status(200)
	options, err := virtualwebauthn.ParseAttestationOptions(string(begun.Body))
	if err != nil {
		d.h.t.Fatal(err)
	}
	signed := virtualwebauthn.CreateAttestationResponse(d.site, d.auth, d.key, *options)
	return d.h.do("", "PUT", api.PathAccept, fields{"credential": json.RawMessage(signed), "name": "Tablet", "link": with}, "Cookie", flow(d.h.t, begun))
}

// TestAcceptByPasskey: a passkey instead of a password, once, for the link's account and no other.
func TestAcceptByPasskey(t *testing.T) {
	h := newHouse(t)
	h.add("root", account.Admin)
	ann, session := h.add("ann", account.Editor)
	bo, _ := h.add("bo", account.Editor)
	linkTo := func(id string) (link string) {
		h.decide(func(s *account.State, act account.Act) (c account.Change, err error) {
			c, link, err = s.NewLink(act, id, time.Hour)
			return c, err
		})
		return link
	}
	h.decide(func(s *account.State, act account.Act) (account.Change, error) {
		return s.SetPassword(act, ann.ID, "a hash that others may know", account.HashOf(session))
	})
	link, other := linkTo(ann.ID), linkTo(bo.ID)
	h.do("", "POST", api.PathAccept, fields{"link": "rollcall_l_x"}).problem(404, api.CodeNotFound)
	h.do("", "POST", api.PathAccept, fields{"link": link}, "Host", "directory.example.org").problem(403, api.CodeForbidden)
	h.do("", "PUT", api.PathAccept, fields{"credential": fields{}, "name": "x", "link": link}).problem(403, api.CodeForbidden)
	h.device(ann.ID).accept(link, other).problem(403, api.CodeForbidden) // begun for ann
	h.device(ann.ID).accept(link, "").problem(404, api.CodeNotFound)

	d := h.device(ann.ID)
	a := d.accept(link, link).status(200)
	if s := decode[api.Session](a); s.Account == nil || s.Account.ID != ann.ID {
		t.Errorf("signed in as %s", a.Body)
	}
	h.do(sessionOf(t, a), "GET", api.PathUsers, nil).status(200)
	h.do(session, "GET", api.PathUsers, nil).problem(401, api.CodeSignIn)
	if h.gate.State().PasswordOf(ann.ID) != "" {
		t.Error("the old password is still good")
	}
	h.do("", "POST", api.PathAccept, fields{"link": link}).problem(404, api.CodeNotFound)
	d.finish(d.sign()).status(200)
}

func sessionOf(t *testing.T, a answer) string {
	t.Helper()
	secret := sessionIn(a)
	if !strings.HasPrefix(secret, "rollcall_s_") {
		t.Fatalf("no session in %q", a.Header.Values("Set-Cookie"))
	}
	return secret
}

// TestPasskeyRefuses: what is not this browser's answer to this server's question.
func TestPasskeyRefuses(t *testing.T) {
	h := newHouse(t)
	rooted, root := h.add("root", account.Admin)
	ann, session := h.add("ann", account.Editor)
	d := h.device(ann.ID)
	d.add(session, ann.ID, "Phone").status(204)
	for name, test := range map[string]func() answer{
		"no cookie":        func() answer { signed, _ := d.sign(); return d.finish(signed, "x=y") },
		"another's cookie": func() answer { signed, _ := d.sign(); _, cookie := d.sign(); return d.finish(signed, cookie) },
		"a forged cookie":  func() answer { signed, cookie := d.sign(); return d.finish(signed, cookie[:len(cookie)-4]+"AAAA") },
		"a cookie for adding": func() answer {
			signed, _ := d.sign()
			return d.finish(signed, flow(t, h.do(session, "POST", passkeysOf(ann.ID), nil)))
		},
		"another site":          func() answer { o := *d; o.site.Origin = "http://localhost:9999"; return o.finish(o.sign()) },
		"another host":          func() answer { o := *d; o.site.ID = "example.org"; return o.finish(o.sign()) },
		"another key":           func() answer { o := h.device(ann.ID); return o.finish(o.sign()) },
		"another account":       func() answer { o := *d; o.auth = h.device(rooted.ID).auth; return o.finish(o.sign()) },
		"nobody's":              func() answer { o := *d; o.auth = h.device("x").auth; return o.finish(o.sign()) },
		"without being asked":   func() answer { o := *d; o.auth.Options.UserNotVerified = true; return o.finish(o.sign()) },
		"no answer":             func() answer { _, cookie := d.sign(); return d.finish(`{}`, cookie) },
		"an answer for another": func() answer { _, cookie := d.sign(); return d.finish(`{"id":"x","type":"public-key"}`, cookie) },
	} {
		if a := test(); a.Status/100 != 4 || sessionIn(a) != "" {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	d.finish(d.sign()).status(200)
	copied := *d
	copied.key.Counter -= 3 // a copy of the key has signed less often
	if a := copied.finish(copied.sign()); a.Status != 401 {
		t.Errorf("a copy of the key: %d %s", a.Status, a.Body)
	}
	// Passkeys are added by who has signed in themselves.
	token := h.token(ann.ID, account.Editor)
	h.do(token, "POST", passkeysOf(ann.ID), nil).problem(403, api.CodeForbidden)
	h.do(root, "POST", passkeysOf(ann.ID), nil).problem(403, api.CodeForbidden)
	h.do("", "POST", api.PathPasskey, nil, "Host", "directory.example.org").problem(403, api.CodeForbidden)
	off := true
	h.decide(func(s *account.State, act account.Act) (account.Change, error) {
		return s.Edit(act, ann.ID, account.Edit{Disabled: &off})
	})
	d.finish(d.sign()).problem(401, api.CodeAccountDisabled)
}
