package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
)

// passkeyTime is how long somebody may take to touch a key, or to choose a passkey.
const passkeyTime = 5 * time.Minute

// Site is this server as a browser sees it: passkeys belong to a host.
type Site struct{ Host, Origin string }

// web is the library for a site. Who signs in has to be verified, by a PIN or a finger, so that a
// passkey is two factors.
func (s Site) web() (*webauthn.WebAuthn, error) {
	timeout := webauthn.TimeoutConfig{Enforce: true, Timeout: passkeyTime, TimeoutUVD: passkeyTime}
	return webauthn.New(&webauthn.Config{
		RPID: s.Host, RPDisplayName: "Rollcall", RPOrigins: []string{s.Origin},
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired},
		Timeouts:               webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
	})
}

// storedPasskey is the data of a credential.
type storedPasskey struct {
	Name string              `json:"name"`
	Key  webauthn.Credential `json:"key"`
	// Used is the end of the latest challenge that the key has signed. Many keys count nothing, so an
	// answer could be used again until its challenge ends.
	Used time.Time `json:"used,omitzero"`
}

// holder is an account with its passkeys, as the library wants it.
type holder struct {
	of   account.Account
	keys []webauthn.Credential
}

func holderOf(s *account.State, id string) holder {
	h := holder{of: s.Accounts[id]}
	for _, c := range s.CredentialsOf(id, account.Passkey) {
		var p storedPasskey
		if json.Unmarshal([]byte(c.Data), &p) == nil {
			h.keys = append(h.keys, p.Key)
		}
	}
	return h
}

func (h holder) WebAuthnID() []byte                         { return []byte(h.of.ID) }
func (h holder) WebAuthnName() string                       { return h.of.Name }
func (h holder) WebAuthnDisplayName() string                { return h.of.Display }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// Passkeys lists an account's passkeys.
func (g *Gate) Passkeys(id string) []api.Passkey {
	all := []api.Passkey{}
	for _, c := range g.State().CredentialsOf(id, account.Passkey) {
		var p storedPasskey
		if json.Unmarshal([]byte(c.Data), &p) == nil {
			all = append(all, api.Passkey{ID: c.ID, Name: p.Name, Created: c.Created})
		}
	}
	return all
}

// seal makes a text of what a browser keeps while it signs, which only a server of this database
// could have made: else somebody could choose the challenge, and use an old answer again.
func (g *Gate) seal(purpose string, session *webauthn.SessionData) (string, error) {
	text, err := json.Marshal(session)
	if err != nil {
		return "", fmt.Errorf("encode a sign-in: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode(text) + "." + encode(g.mac(purpose, text)), nil
}

func (g *Gate) mac(purpose string, text []byte) []byte {
	h := hmac.New(sha256.New, g.State().Key)
	h.Write([]byte(purpose + "\n"))
	h.Write(text)
	return h.Sum(nil)
}

func (g *Gate) unseal(purpose, sealed string) (session webauthn.SessionData, err error) {
	body, mac, _ := strings.Cut(sealed, ".")
	text, err1 := base64.RawURLEncoding.DecodeString(body)
	sum, err2 := base64.RawURLEncoding.DecodeString(mac)
	if errors.Join(err1, err2) != nil || !hmac.Equal(sum, g.mac(purpose, text)) || json.Unmarshal(text, &session) != nil {
		return session, api.NewProblem(api.CodeForbidden, "Start again", "this was not begun in this browser, or took too long")
	}
	return session, nil
}

// What a seal is for.
const (
	sealSignIn = "sign in"
	sealAdd    = "add a passkey"
)

// BeginPasskey returns the options for a browser to sign in with any of its passkeys, and what it has
// to bring back.
func (g *Gate) BeginPasskey(s Site) (options any, sealed string, err error) {
	web, err := s.web()
	if err != nil {
		return nil, "", noPasskeys(err)
	}
	assertion, session, err := web.BeginDiscoverableLogin()
	if err != nil {
		return nil, "", fmt.Errorf("begin to sign in with a passkey: %w", err)
	}
	sealed, err = g.seal(sealSignIn, session)
	return assertion, sealed, err
}

// noPasskeys is the problem of an address that passkeys can't belong to.
func noPasskeys(err error) error {
	return api.NewProblem(api.CodeForbidden, "No passkeys here", "passkeys need a host name, on HTTPS or as localhost: "+err.Error())
}

// Answer is what a browser has signed, for a site, and what it has brought back.
type Answer struct {
	Site   Site
	Sealed string
	Body   []byte
	Name   string // of the device or the new passkey
}

// FinishPasskey starts a session for who has signed.
func (g *Gate) FinishPasskey(ctx context.Context, a Answer) (secret string, err error) {
	session, err := g.unseal(sealSignIn, a.Sealed)
	if err != nil {
		return "", err
	}
	web, err := a.Site.web()
	if err != nil {
		return "", noPasskeys(err)
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(a.Body)
	if err != nil {
		return "", api.NewProblem(api.CodeInvalid, "Invalid passkey", "the answer is not what a browser sends")
	}
	state := g.State()
	find := func(_, handle []byte) (webauthn.User, error) { return holderOf(state, string(handle)), nil }
	user, key, err := web.ValidatePasskeyLogin(find, session, parsed)
	if err != nil || key.Authenticator.CloneWarning {
		g.opts.Log.Warn("an attempt to sign in with a passkey failed", "error", err)
		return "", api.NewProblem(api.CodeSignIn, "This passkey does not fit", "it was removed here, or is for another account; sign in in another way")
	}
	who := user.(holder).of
	err = g.Decide(ctx, func(s *account.State) (account.Change, error) {
		c, fresh, err := s.NewSession(account.Act{By: who.ID, Now: g.Now()}, who.ID, a.Name)
		if err != nil {
			return c, err
		}
		used, err := used(s, who.ID, key, session.Expires)
		secret = fresh
		return c.Then(used), err
	})
	return secret, err
}

// used keeps how often a key has signed, so that a copy of it is noticed, and the end of what it has
// signed, so that neither that nor an earlier challenge is good again.
func used(s *account.State, id string, key *webauthn.Credential, ends time.Time) (account.Change, error) {
	for _, c := range s.CredentialsOf(id, account.Passkey) {
		var p storedPasskey
		if c.ID != idOf(key) || json.Unmarshal([]byte(c.Data), &p) != nil {
			continue
		}
		if !ends.After(p.Used) {
			return account.Change{}, api.NewProblem(api.CodeSignIn, "Start again", "this passkey has answered already; sign in anew")
		}
		p.Key, p.Used = *key, ends
		data, err := json.Marshal(p)
		c.Data = string(data)
		return account.Change{Credentials: []account.Credential{c}}, err
	}
	return account.Change{}, api.NewProblem(api.CodeSignIn, "This passkey does not fit", "it was just removed")
}

func idOf(key *webauthn.Credential) string { return base64.RawURLEncoding.EncodeToString(key.ID) }

// BeginAdding returns the options for a browser to make a passkey for who has signed in.
func (g *Gate) BeginAdding(s Site, id string) (options any, sealed string, err error) {
	web, err := s.web()
	if err != nil {
		return nil, "", noPasskeys(err)
	}
	h := holderOf(g.State(), id)
	creation, session, err := web.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()))
	if err != nil {
		return nil, "", fmt.Errorf("begin to add a passkey: %w", err)
	}
	sealed, err = g.seal(sealAdd, session)
	return creation, sealed, err
}

// FinishAdding adds the passkey that a principal's browser has made.
func (g *Gate) FinishAdding(ctx context.Context, p account.Principal, a Answer) error {
	made, err := g.made(p.Account, a)
	if err != nil {
		return err
	}
	return g.DecideAs(ctx, p, func(s *account.State) (account.Change, error) {
		return s.AddPasskey(account.Act{By: p.Account, Now: g.Now()}, made)
	})
}

// BeginAccepting returns the options for a browser to make a passkey for a link's account.
func (g *Gate) BeginAccepting(s Site, link string) (options any, sealed string, err error) {
	who, err := g.State().Linked(link, g.Now())
	if err != nil {
		return nil, "", err
	}
	return g.BeginAdding(s, who.ID)
}

// FinishAccepting adds the passkey that a browser has made to a link's account, and signs it in.
func (g *Gate) FinishAccepting(ctx context.Context, link string, a Answer) (secret string, err error) {
	who, err := g.State().Linked(link, g.Now())
	if err != nil {
		return "", err
	}
	made, err := g.made(who.ID, a)
	if err != nil {
		return "", err
	}
	err = g.Decide(ctx, func(s *account.State) (account.Change, error) {
		act := account.Act{By: who.ID, Now: g.Now()}
		accept, err := s.AcceptPasskey(act, link, made)
		if err != nil {
			return accept, err
		}
		session, fresh, err := s.With(accept).NewSession(act, who.ID, a.Name)
		secret = fresh
		return accept.Then(session), err
	})
	return secret, err
}

// made is the passkey that a browser has made for an account.
func (g *Gate) made(id string, a Answer) (c account.Credential, err error) {
	name, err := account.CheckCredentialName(a.Name)
	if err != nil {
		return c, err
	}
	session, err := g.unseal(sealAdd, a.Sealed)
	if err != nil {
		return c, err
	}
	web, err := a.Site.web()
	if err != nil {
		return c, noPasskeys(err)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(a.Body)
	if err != nil {
		return c, api.NewProblem(api.CodeInvalid, "Invalid passkey", "the answer is not what a browser sends")
	}
	key, err := web.CreateCredential(holderOf(g.State(), id), session, parsed)
	if err != nil {
		g.opts.Log.Warn("a passkey could not be added", "account", id, "error", err)
		return c, api.NewProblem(api.CodeForbidden, "The passkey was not added", "its answer does not fit; start again")
	}
	data, err := json.Marshal(storedPasskey{Name: name, Key: *key})
	if err != nil {
		return c, fmt.Errorf("encode a passkey: %w", err)
	}
	return account.Credential{Account: id, ID: idOf(key), Data: string(data)}, nil
}
