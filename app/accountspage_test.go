package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/signin"
	"github.com/rollcall/rollcall/wasm/sync"
)

// managed fakes what an admin manages at the server, and the passkeys of a browser.
type managed struct {
	accounts []api.Account
	grants   []api.Grant
	did      []string
	passkeys bool // the browser has them
	copied   string
	refuses  error // the server refuses what is asked to be done
}

func (p *people) note(what ...string) error {
	defer p.lock()()
	p.did = append(p.did, strings.Join(what, " "))
	return p.refuses
}

func (p *people) Accounts(context.Context) ([]api.Account, error) {
	defer p.lock()()
	return slices.Clone(p.accounts), p.failure
}

func (p *people) Invite(_ context.Context, name, role string, days int) (api.Link, error) {
	err := p.note("invite", name, role, plural(days, "day"))
	return api.Link{Account: api.Account{Identity: api.Identity{Name: name}}, Path: "/join#rollcall_l_x"}, err
}

func (p *people) NewLink(_ context.Context, id string) (api.Link, error) {
	return api.Link{Account: api.Account{Identity: api.Identity{Name: id}}, Path: "/join#rollcall_l_y"}, p.note("link", id)
}

func (p *people) SetRole(_ context.Context, id, role string) error { return p.note("role", id, role) }

func (p *people) SetDisabled(_ context.Context, id string, disabled bool) error {
	return p.note(map[bool]string{true: "disable", false: "enable"}[disabled], id)
}

func (p *people) Undo(_ context.Context, id string) (api.Undone, error) {
	return api.Undone{Undone: 3, Failed: 1}, p.note("undo", id)
}

func (p *people) Copy(_ context.Context, text string) error {
	defer p.lock()()
	p.copied = text
	return nil
}
func (p *people) CanShare() bool                          { return true }
func (p *people) Share(_ context.Context, a string) error { return p.note("share", a) }

func (p *people) Grants(context.Context, string) ([]api.Grant, error) {
	defer p.lock()()
	return slices.Clone(p.grants), p.failure
}

func (p *people) EndGrant(_ context.Context, id string, g api.Grant) error {
	return p.note("end", id, g.Kind, g.ID)
}

func (p *people) HasPasskeys() bool { return p.passkeys }

func (p *people) AddPasskey(_ context.Context, id, name string) error { return p.note("add", id, name) }

func (p *people) ByPasskey(_ context.Context, how signin.How, _ string) (api.Session, error) {
	if how == signin.Suggest {
		return api.Session{}, nil
	}
	return p.signedIn("ann"), p.note("passkey")
}

func (p *people) AcceptByPasskey(_ context.Context, link, _ string) (api.Session, error) {
	return p.signedIn("ann"), p.note("accept", link)
}

func (p *people) signedIn(name string) api.Session {
	return api.Session{Account: &api.Identity{ID: "id of " + name, Name: name, Role: roleEditor}}
}

func (p *people) hasDone(b *browser, what string) {
	b.t.Helper()
	p.until(b, what, func() bool { return slices.Contains(p.did, what) })
}

// managing opens the page for admins, with an account for each state.
func managing(t *testing.T) (*browser, *people) {
	t.Helper()
	now := time.Now()
	of := func(name, role string) api.Account {
		return api.Account{Identity: api.Identity{ID: "id of " + name, Name: name, Role: role}, Seen: now.Add(-2 * time.Hour)}
	}
	return at(t, api.PathManage, func(p *people) {
		as("ada", roleAdmin)(p)
		off, invited := of("cy", roleViewer), of("dee", roleViewer)
		off.Disabled, invited.Invited = true, true
		p.accounts = []api.Account{of("ada", roleAdmin), of("bo", roleEditor), off, invited}
		p.grants = []api.Grant{
			{ID: "1", Kind: signin.Passkey, Name: "Phone", Created: now}, {ID: "2", Kind: "session", Name: "Chrome", Seen: now},
			{ID: "3", Kind: "token", Name: "backup", Role: roleViewer, Ends: now}, {ID: "4", Kind: "session", Name: "Here", Current: true},
		}
	})
}

func TestManagingAccounts(t *testing.T) {
	b, p := managing(t)
	b.untilText("Editor. Last seen 2 hours ago.")
	b.untilText("Viewer. Disabled.")
	b.untilText("Invited, the link was not used yet.")

	b.click("Manage " + isolate("bo"))
	b.untilText("Token for a program, viewer, ends")
	b.device.values[roleID] = roleViewer
	b.click("Save role")
	p.hasDone(b, "role id of bo viewer")
	b.click("Undo last hour")
	b.click("Undo")
	p.hasDone(b, "undo id of bo")
	b.untilText("3 users as before, 1 left as they are")
	b.click("Disable")
	b.untilText("is signed out everywhere")
	confirmed := b.root.s.confirm
	if confirmed == nil || slices.Contains(p.did, "disable id of bo") {
		t.Fatal("disabled without a yes")
	}
	confirmed.act()
	p.hasDone(b, "disable id of bo")
	b.click("Sign out " + isolate("Chrome"))
	p.hasDone(b, "end id of bo session 2")
	b.click("End " + isolate("backup"))
	p.hasDone(b, "end id of bo token 3")
	b.click("Remove " + isolate("Phone"))
	p.hasDone(b, "end id of bo passkey 1")
	if b.has("button", "Sign out "+isolate("Here")) {
		t.Error("the page signs itself out")
	}
	b.click("New link")
	b.untilText("Link for id of bo")

	b.click("Manage " + isolate("cy"))
	b.click("Enable")
	p.hasDone(b, "enable id of cy")
}

func TestInviting(t *testing.T) {
	b, p := managing(t)
	b.untilText("Invite somebody")
	invite := func() {
		t.Helper()
		walk(component[*accountsPage](b), func(e ui.UI) {
			if tagOf(e) == "form" {
				b.fire(e, "submit")
			}
		})
	}
	b.device.values[inviteNameID], b.device.values[inviteRoleID], b.device.values[inviteDaysID] = "eve", roleViewer, "30"
	func() {
		defer p.lock()()
		p.refuses = &sync.RequestError{Status: 409, Problem: *api.NewProblem(api.CodeConflict, "Name taken", "")}
	}()
	invite()
	b.untilText("Nobody was invited. Name taken.")
	func() { defer p.lock()(); p.refuses = nil }()
	invite()
	p.hasDone(b, "invite eve viewer 30 days")
	b.until("the focus on the link", func() bool { return b.device.focused == madeLinkID })
	b.click("Copy link")
	p.until(b, "the link to be copied", func() bool { return p.copied == "https://rollcall.test/join#rollcall_l_x" })
	b.click("Share link")
	p.hasDone(b, "share https://rollcall.test/join#rollcall_l_x")
}

func TestManagingNeedsTheNetwork(t *testing.T) {
	b, p := at(t, api.PathManage, func(p *people) {
		as("ada", roleAdmin)(p)
		p.failure = sync.NoAnswerError(errors.New("no network"))
	})
	b.untilText("Managing accounts needs the network")
	func() { defer p.lock()(); p.failure = nil }()
	b.device.setOnline(true)
	b.untilText("Who may sign in")
}

func TestOnlyAdminsAreLedToAccounts(t *testing.T) {
	for role, want := range map[string]bool{roleViewer: false, roleEditor: false, roleAdmin: true} {
		b, _ := at(t, "/", as("ann", role))
		b.untilText("Account")
		if got := b.has("a", "Accounts"); got != want {
			t.Errorf("%s: %v", role, got)
		}
	}
}

func TestPasskeys(t *testing.T) {
	b, p := at(t, api.PathMe, func(p *people) { p.passkeys = true })
	b.click("Sign in with a passkey")
	p.until(b, "ann's data to be loaded", func() bool { return len(p.became) == 1 && p.became[0] == "ann" })

	b, p = at(t, api.PathJoin, func(p *people) { p.passkeys, p.link = true, "rollcall_l_x" })
	b.click("Use a passkey instead")
	p.hasDone(b, "accept rollcall_l_x")

	b, p = at(t, api.PathMe, func(p *people) { as("ann", roleEditor)(p); p.passkeys = true })
	b.untilText("Passkeys and devices")
	b.device.values[passkeyNameID] = "Phone"
	b.fire(b.form(), "submit")
	p.hasDone(b, "add id of ann Phone")

	b, p = at(t, api.PathMe, func(p *people) { p.passkeys = true })
	b.until("the form", func() bool { return b.has("button", "Sign in") })
	func() {
		defer p.lock()()
		p.refuses = errors.New("No passkey was used: it was cancelled, or took too long.")
	}()
	b.click("Sign in with a passkey")
	b.untilText("No passkey was used: it was cancelled, or took too long.")

	b, _ = at(t, api.PathMe, func(*people) {})
	b.until("the form", func() bool { return b.has("button", "Sign in") })
	if b.has("button", "Sign in with a passkey") {
		t.Error("a browser without passkeys offers them")
	}
}
