package harness

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// Password is that of every account of the tests.
const Password = "a quiet lake at dawn"

// NewClosedSite is NewSite with accounts: an admin, ada, and others as "NAME ROLE". All have the
// same password.
func NewClosedSite(t testing.TB, bin string, others ...string) *Site {
	t.Helper()
	s := newServer(t, bin)
	s.Command(Password, "account", "add", "-admin", "ada")
	for _, other := range others {
		name, role, _ := strings.Cut(other, " ")
		s.Command(Password, "account", "add", "-role", role, name)
	}
	token := strings.TrimSpace(s.Command("", "account", "token", "-role", "admin", "ada"))
	s.Start()
	return &Site{t, s, StartProxy(t, s.URL()), token}
}

// Command runs a command of the binary on the server's database, with a line of input and the
// arguments after the command's name or, as in "account add", its two names. It returns the output.
func (s *Server) Command(input string, args ...string) string {
	s.t.Helper()
	names := 1
	if args[0] == "account" {
		names = 2
	}
	all := append(append(append([]string{}, args[:names]...), "-db", s.DB), args[names:]...)
	cmd := exec.CommandContext(s.t.Context(), s.bin, all...)
	cmd.Stdin = strings.NewReader(input + "\n")
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("rollcall %s: %v: %s", strings.Join(args, " "), err, errors.String())
	}
	return string(out)
}

// AddAuthenticator gives a tab an authenticator of its own, with a person who says yes.
func (p *Page) AddAuthenticator() {
	p.t.Helper()
	p.do("adding an authenticator", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if err := t.Call(ctx, "WebAuthn.enable", cdp.Empty{}, nil); err != nil {
			return err
		}
		return t.Call(ctx, "WebAuthn.addVirtualAuthenticator", map[string]any{"options": map[string]any{
			"protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
			"isUserVerified": true, "automaticPresenceSimulation": true,
		}}, nil)
	}))
}
