package app

import (
	"context"
	"errors"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/signin"
	"github.com/rollcall/rollcall/wasm/sync"
)

const (
	signInNameID   = "sign-in-name"
	signInSecretID = "sign-in-password"
	signOutID      = "sign-out"

	// linkDisabled is what the page is opened with once a disabled account's data are gone.
	linkDisabled = "disabled"
)

// accountPage is where a person signs in, sees who they are, and signs out. With Join it is where
// an invitation or a link for a forgotten password leads.
type accountPage struct {
	ui.Compo
	S    *session
	Join bool

	asking  bool
	who     api.Session
	known   bool              // the server has said who has signed in
	failure error             // why it has not
	refused string            // why the sign-in failed, when no field is the reason
	errs    map[string]string // by the fields' ids
	busy    bool
	offered bool // the browser suggests passkeys where the name is typed

	content keyed
}

func (p *accountPage) OnMount(ctx ui.Context) {
	p.S.subscribe(ctx, p.S.Network.OnlineChanges(ctx), p.ask)
	p.S.subscribe(ctx, p.S.Syncer.StatusChanges(ctx), func(ctx ui.Context) {
		if p.failure != nil {
			p.ask(ctx) // the server may be back
		}
	})
	p.ask(ctx)
}

func (p *accountPage) ask(ui.Context) {
	if p.asking {
		return
	}
	p.asking = true
	p.S.askWho(func(who api.Session, err error) {
		p.asking, p.failure = false, err
		if err == nil {
			p.who, p.known = who, true
			p.suggestPasskey()
		}
		p.show()
	})
}

// show renders the page after an answer, which came to the tab.
func (p *accountPage) show() {
	if p.Mounted() {
		p.Update()
	}
}

func (p *accountPage) Render() ui.UI {
	heading := tr("Sign in")
	if p.Join {
		heading = tr("Set your password")
	} else if p.who.Account != nil {
		heading = tr("Account")
	}
	return ui.Div().Class("page").Body(append([]ui.UI{
		ui.Div().Class("page-head").Body(ui.Div().Class("page-heading").Body(pageTitle(heading))),
	}, append(p.renderContent(), p.S.languageChoice())...)...)
}

func (p *accountPage) renderContent() []ui.UI {
	switch {
	case p.failure != nil:
		return p.content.only("failure", emptyState("offline", ui.H2().Text(tr("Signing in waits for the network")), p.whyWaiting(),
			retryButton(func(ctx ui.Context, _ ui.Event) { p.ask(ctx) })))
	case !p.known:
		return p.content.only("asking", ui.P().Class("quiet").Text(tr("Asking the server who you are…")))
	case p.Join && p.S.Accounts.Link() == "":
		return p.content.only("no-link", emptyState("alert", ui.H2().Text(tr("The link is incomplete")), tr("Open it again exactly as it was sent to you, to the last character.")))
	case p.Join:
		return p.content.only("join", p.renderForm(tr("Set password and sign in"),
			ui.If(p.who.Account != nil, quiet(tr("You are signed in as {0} here. This signs you out; what is not sent yet waits for your next sign-in.", isolate(p.S.Accounts.Account().Name)))),
			quiet(tr("A few words make a good password. The link works once.")),
			p.field(signInSecretID, tr("Password"), ui.Input().ID(signInSecretID).Type("password").Attr("autocomplete", "new-password"))))
	case p.who.Account != nil:
		return p.content.only("account", p.renderAccount())
	case p.who.Open:
		return p.content.only("open", emptyState("people", ui.H2().Text(tr("No accounts")), tr("This server has no accounts: everybody who reaches it reads and writes."),
			ui.A().Class("button").Href("/").Text(tr("All users"))))
	}
	return p.content.only("sign-in", p.renderForm(tr("Sign in"), ui.If(p.S.Accounts.Link() == linkDisabled,
		quiet(tr("Your account was disabled by an admin. What it had on this device is removed."))), ui.If(p.S.unsent() > 0, quiet(tr("Your changes wait on this device. They are sent once you have signed in."))),
		p.field(signInNameID, tr("Name"), ui.Input().ID(signInNameID).Type("text").Value(p.S.Accounts.Account().Name).
			Attr("autocomplete", "username webauthn").Attr("autocapitalize", "none").Attr("autocorrect", "off").Spellcheck(false)),
		p.field(signInSecretID, tr("Password"), ui.Input().ID(signInSecretID).Type("password").Attr("autocomplete", "current-password"))))
}

func (p *accountPage) whyWaiting() string {
	if p.S.Accounts.Account().ID != "" {
		return tr("It continues by itself once the server can be reached. Your changes are kept on this device.")
	}
	return tr("It continues by itself once the server can be reached.")
}

// roleText is a role within a sentence.
func roleText(role string) string {
	switch role {
	case roleViewer:
		return tr("viewer")
	case roleEditor:
		return tr("editor")
	case roleAdmin:
		return tr("admin")
	}
	return role
}

func (p *accountPage) renderAccount() ui.UI {
	a := p.who.Account
	can := map[string]string{roleViewer: tr("You may read."), roleEditor: tr("You may read and write."), roleAdmin: tr("You may read and write, and manage accounts.")}[a.Role]
	return ui.Div().Class("cards").Body(
		section("account-title", tr("Signed in"), 0,
			ui.P().Body(append(withName(tr("You are {0}, {1}.", isolate(a.Name), roleText(a.Role)), isolate(a.Name)), ui.Text(" "+can))...),
			ui.Div().Class("thing-actions").Body(
				ui.Button().ID(signOutID).Type("button").Class("button").Text(tr("Sign out")).OnClick(func(ui.Context, ui.Event) { p.S.signOut() }),
				ui.If(a.Role == roleAdmin, ui.A().Class("button").Href(api.PathManage).Text(tr("Manage accounts"))))),
		&managed{S: p.S, Part: PartWays, Of: a.ID})
}

// suggestPasskey has the browser suggest passkeys where the name is typed, as it does passwords.
func (p *accountPage) suggestPasskey() {
	if p.offered || p.Join || p.who.Account != nil || p.who.Open || !p.S.Accounts.HasPasskeys() {
		return
	}
	p.offered = true
	p.signInBy(func(ctx context.Context) (api.Session, error) {
		return p.S.Accounts.ByPasskey(ctx, signin.Suggest, p.S.Accounts.Device())
	}, func(err error) {
		var failed *sync.RequestError
		if errors.As(err, &failed) && failed.Kind == sync.SignedOut {
			p.refuse(err) // what was chosen does not fit
		}
	})
}

// byPasskey signs in with a passkey, or makes one for a link's account.
func (p *accountPage) byPasskey(ui.Context, ui.Event) {
	if p.busy {
		return
	}
	p.busy, p.refused, p.errs = true, "", nil
	p.signInBy(func(ctx context.Context) (api.Session, error) {
		if p.Join {
			return p.S.Accounts.AcceptByPasskey(ctx, p.S.Accounts.Link(), p.S.Accounts.Device())
		}
		return p.S.Accounts.ByPasskey(ctx, signin.Get, p.S.Accounts.Device())
	}, func(err error) {
		p.refuse(err)
		p.offered = false // the browser was asked this in the place of that
		p.suggestPasskey()
	})
}

// renderForm renders a form. Its way leads nowhere: a script that fails must not put a password
// into an address.
func (p *accountPage) renderForm(submit string, fields ...ui.UI) ui.UI {
	body := []ui.UI{ui.Div().Class("form-failure-place").Role("alert").Body(
		ui.If(p.refused != "", ui.P().Class("form-failure").Body(icon("alert"), ui.Span().Text(p.refused))))}
	body = append(body, fields...)
	b := ui.Button().Type("submit").Class("button", "button-primary").Text(submit)
	if p.busy {
		b = b.Aria("disabled", true).Class("working")
	}
	passkey := tr("Sign in with a passkey")
	if p.Join {
		passkey = tr("Use a passkey instead")
	}
	actions := ui.Div().Class("form-actions").Body(
		ui.If(p.S.Accounts.HasPasskeys(), ui.Button().Type("button").Class("button").Text(passkey).OnClick(p.byPasskey)),
		ui.If(p.who.Provider != "", ui.Button().Type("button").Class("button").Text(tr("Sign in with {0}", p.who.Provider)).OnClick(p.begin)), b)
	return ui.Div().Class("card").Body(ui.Form().Class("form").Attr("method", "post").NoValidate(true).OnSubmit(p.submit).Body(append(body, actions)...))
}

func (p *accountPage) field(id, label string, input ui.HTMLInput) ui.UI {
	input = input.Class("input").Name(id).Aria("required", true).Aria("invalid", p.errs[id] != "")
	if p.errs[id] != "" {
		input = input.Aria("describedby", id+"-error")
	}
	return ui.Div().Class("field").Body(ui.Label().For(id).Text(label), input,
		ui.Div().ID(id+"-error").Class("field-error-place").Body(
			orNothing(p.errs[id] != "", func() ui.UI { return ui.Raw(fieldErrorHTML(p.errs[id])) })))
}

// read takes what the inputs show: password managers write to them without telling the page.
func (p *accountPage) read() (with api.SignIn) {
	with.Name, _ = p.S.Elements.Value(signInNameID)
	with.Password, _ = p.S.Elements.Value(signInSecretID)
	with.Device = p.S.Accounts.Device()
	p.refused, p.errs = "", map[string]string{}
	if p.Join {
		with.Name, with.Link = "", p.S.Accounts.Link()
	} else if with.Name == "" {
		p.errs[signInNameID] = tr("Name is required")
	}
	if with.Password == "" {
		p.errs[signInSecretID] = tr("Password is required")
	}
	return with
}

func (p *accountPage) submit(ctx ui.Context, e ui.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	with := p.read()
	if len(p.errs) > 0 {
		p.focusWrong(ctx)
		return
	}
	p.busy = true
	p.signInBy(func(ctx context.Context) (api.Session, error) { return p.S.Accounts.SignIn(ctx, with) }, func(err error) {
		p.refuse(err)
		p.focusWrong(ctx)
	})
}

// signInBy goes on as who was signed in, or says why nobody was.
func (p *accountPage) signInBy(work func(context.Context) (api.Session, error), refuse func(error)) {
	var who api.Session
	p.S.async(func(ctx context.Context) (err error) {
		who, err = work(ctx)
		return err
	}, func(err error) {
		shown := false
		if err == nil && who.Account != nil {
			shown, err = p.S.Accounts.Become(*who.Account) // if not, the page is being loaded anew
		}
		switch {
		case err != nil || who.Account == nil:
			p.busy = false
			refuse(err)
			p.show()
		case shown:
			p.busy, p.who = false, who
			p.S.syncNow()
			p.S.goTo("/")
		}
	})
}

// refuse shows why nobody was signed in.
func (p *accountPage) refuse(err error) {
	var failed *sync.RequestError
	if errors.As(err, &failed) {
		for _, e := range failed.Problem.Errors {
			if e.Field == "password" {
				p.errs[signInSecretID] = fieldErrorText(tr("Password"), e.Detail)
				return
			}
		}
		p.refused = problemText(&failed.Problem)
		return
	}
	p.refused = tr("The server did not say who you are. Try again.")
	if err != nil {
		p.refused = errorText(err)
	}
}

// focusWrong moves the focus to the first field that is wrong. Of a name and a password that do
// not belong together, that is where one types first.
func (p *accountPage) focusWrong(ctx ui.Context) {
	id := signInSecretID
	if !p.Join && (p.errs[signInNameID] != "" || len(p.errs) == 0) {
		id = signInNameID
	}
	ctx.Defer(func(ui.Context) { p.S.Elements.Focus(id) })
}

// begin goes to the server's provider.
func (p *accountPage) begin(ui.Context, ui.Event) {
	link := ""
	if p.Join {
		link = p.S.Accounts.Link()
	}
	var address string
	p.S.async(func(ctx context.Context) (err error) {
		address, err = p.S.Accounts.Begin(ctx, link, p.S.Accounts.Device())
		return err
	}, func(err error) {
		if err != nil {
			p.refuse(err)
			p.show()
			return
		}
		p.S.Accounts.GoTo(address)
	})
}
