package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/rollcall/rollcall/server/account"
)

// providerTimeout bounds each request to a provider.
const providerTimeout = 10 * time.Second

// Provider is an OpenID Connect provider, where people sign in (authorization code with PKCE). It is
// asked what it offers when somebody first wants to, so that the server starts without it. Its
// methods may be called by many goroutines.
type Provider struct {
	Name                   string // for people to read
	Issuer, Client, Secret string

	mu    sync.Mutex
	found *oidc.Provider
}

// Flow is a sign-in that is under way elsewhere. Its browser keeps it, and nobody else knows it.
type Flow struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Link     string `json:"l,omitempty"` // of an invitation, whose account this is to be
	Device   string `json:"d,omitempty"`
}

// client is a context for requests to the provider. What the provider keeps of it outlives the request.
func client(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, &http.Client{Timeout: providerTimeout})
}

// discover asks the provider what it offers, once it has answered.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	found, err := oidc.NewProvider(client(context.WithoutCancel(ctx)), p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the provider %s what it offers: %w", p.Issuer, err)
	}
	p.found = found
	return found, nil
}

func (p *Provider) config(found *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{ClientID: p.Client, ClientSecret: p.Secret, Endpoint: found.Endpoint(), RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"}}
}

// Begin returns where a browser goes to sign in, and what it has to bring back to a redirect address
// of this server.
func (p *Provider) Begin(ctx context.Context, redirect string) (address string, f Flow, err error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", f, err
	}
	f = Flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return p.config(found, redirect).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), f, nil
}

// Finish exchanges the code that a browser has brought back for who has signed in.
func (p *Provider) Finish(ctx context.Context, redirect string, f Flow, code string) (c account.Claim, err error) {
	found, err := p.discover(ctx)
	if err != nil {
		return c, err
	}
	token, err := p.config(found, redirect).Exchange(client(ctx), code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return c, fmt.Errorf("exchange the code with the provider: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return c, errors.New("the provider has sent no id_token")
	}
	id, err := found.Verifier(&oidc.Config{ClientID: p.Client}).Verify(client(ctx), raw)
	if err != nil {
		return c, fmt.Errorf("verify the provider's id_token: %w", err)
	}
	if id.Nonce != f.Nonce {
		return c, errors.New("the provider's id_token is for another sign-in")
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := id.Claims(&claims); err != nil {
		return c, fmt.Errorf("read the provider's claims: %w", err)
	}
	c = account.Claim{Issuer: id.Issuer, Subject: id.Subject}
	if claims.Email == "" { // many have it behind another request
		info, err := found.UserInfo(client(ctx), oauth2.StaticTokenSource(token))
		if err == nil && info.Subject == id.Subject {
			claims.Email, claims.Verified = info.Email, info.EmailVerified
		}
	}
	if claims.Verified {
		c.Email = claims.Email
	}
	return c, nil
}

// SignInWith starts a session for who has signed in at a provider.
func (g *Gate) SignInWith(ctx context.Context, c account.Claim, f Flow) (secret string, err error) {
	err = g.Decide(ctx, func(s *account.State) (account.Change, error) {
		now := g.Now()
		who, known, err := s.Claimed(account.Act{Now: now}, c, f.Link)
		if err != nil {
			return known, err
		}
		session, fresh, err := s.With(known).NewSession(account.Act{By: who.ID, Now: now}, who.ID, f.Device)
		secret = fresh
		return known.Then(session), err
	})
	return secret, err
}
