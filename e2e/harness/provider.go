package harness

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Provider is zitadel/oidc's OpenID Connect provider, as a process. It keeps nobody signed in: each
// sign-in shows its form.
type Provider struct{ URL string }

// ProviderUser is somebody who can sign in at a provider, with Password.
type ProviderUser struct {
	ID            string // the subject
	Username      string
	Password      string // set by StartProvider
	Email         string
	EmailVerified bool
}

// What a provider knows of whom it signs in.
const (
	ProviderName   = "Our provider"
	providerClient = "web"
	providerSecret = "secret"
)

// StartProvider starts a provider that sends browsers back to these addresses.
func StartProvider(t testing.TB, users []ProviderUser, redirects ...string) Provider {
	t.Helper()
	byID := map[string]ProviderUser{}
	for _, u := range users {
		u.Password = Password
		byID[u.ID] = u
	}
	text, err := json.Marshal(byID)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(freeAddr(t), ":")
	cmd := exec.Command(tool(t, "oidc-provider"))
	cmd.Env = append(os.Environ(), "PORT="+port, "USERS_FILE="+path, "REDIRECT_URI="+strings.Join(redirects, ","))
	p := Provider{"http://localhost:" + port + "/"}
	startDaemon(t, cmd, p.URL+".well-known/openid-configuration")
	return p
}

// Flags are serve's, to sign people in at the provider.
func (p Provider) Flags() []string {
	return []string{"-oidc-issuer", p.URL, "-oidc-client-id", providerClient, "-oidc-client-secret", providerSecret, "-oidc-name", ProviderName}
}

// SignIn fills the provider's form, which a page shows.
func (p *Page) SignIn(username, password string) {
	p.t.Helper()
	p.Fill("textbox", "Username:", username)
	p.Fill("textbox", "Password:", password)
	p.Click("button", "Login")
}

// tool is the path of a program that the Makefile builds at a version.
func tool(t testing.TB, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("..", ".cache", "bin", name+"-v*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s is not built (make e2e builds it): %v", name, err)
	}
	path, err := filepath.Abs(slices.Max(found))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// startDaemon starts a process that ends with the test, and waits until an address answers.
func startDaemon(t testing.TB, cmd *exec.Cmd, ready string) {
	t.Helper()
	var log logBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ending %s: %v", cmd.Path, err)
		}
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("%s's log, the end of it:\n%s", filepath.Base(cmd.Path), log.tail(4000))
		}
	})
	Eventually(t, cmd.Path+" is ready", func() error {
		res, err := http.Get(ready)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, log.tail(1000))
		}
		_, _ = io.Copy(io.Discard, res.Body) // only the status counts
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s", res.Status)
		}
		return nil
	})
}

// OAuth2Proxy is oauth2-proxy, as a process, between a site's proxy and its server.
type OAuth2Proxy struct {
	t     testing.TB
	args  []string
	ready string
	cmd   *exec.Cmd
}

// OAuth2Header is where oauth2-proxy says the name of whom it has signed in.
const OAuth2Header = "X-Forwarded-Preferred-Username"

// BehindOAuth2Proxy has people pass oauth2-proxy, where they sign in at a provider of their own.
func (s *Site) BehindOAuth2Proxy(users []ProviderUser, flags ...string) *OAuth2Proxy {
	s.t.Helper()
	addr := freeAddr(s.t)
	s.Proxy = StartProxy(s.t, "http://"+addr)
	back := s.URL() + "/oauth2/callback"
	provider := StartProvider(s.t, users, back)
	p := &OAuth2Proxy{t: s.t, ready: "http://" + addr + "/ping", args: append([]string{
		"--http-address=" + addr, "--upstream=" + s.Server.URL(), "--redirect-url=" + back,
		"--provider=oidc", "--oidc-issuer-url=" + provider.URL, "--client-id=" + providerClient, "--client-secret=" + providerSecret,
		"--code-challenge-method=S256", "--email-domain=*", "--cookie-secure=false",
		"--cookie-csrf-per-request=true", // or requests at the same time spoil each other's sign-in
	}, flags...)}
	p.EndSessions()
	return p
}

// EndSessions starts it again with another key: nobody is signed in any more.
func (p *OAuth2Proxy) EndSessions() {
	p.t.Helper()
	if p.cmd != nil {
		if err := p.cmd.Process.Kill(); err != nil {
			p.t.Fatal(err)
		}
		_ = p.cmd.Wait() // it was killed
	}
	p.cmd = exec.Command(tool(p.t, "oauth2-proxy"), append(p.args, "--cookie-secret="+rand.Text()[:16])...)
	startDaemon(p.t, p.cmd, p.ready)
}
