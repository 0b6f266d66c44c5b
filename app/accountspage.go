package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Manager is what an admin does with accounts at the server.
type Manager interface {
	Accounts(ctx context.Context) ([]api.Account, error)
	Invite(ctx context.Context, name, role string, days int) (api.Link, error)
	NewLink(ctx context.Context, id string) (api.Link, error)
	SetRole(ctx context.Context, id, role string) error
	SetDisabled(ctx context.Context, id string, disabled bool) error
	Undo(ctx context.Context, id string) (api.Undone, error)

	// Copy and Share hand a new link over to another program, on a gesture of the person.
	Copy(ctx context.Context, text string) error
	CanShare() bool
	Share(ctx context.Context, address string) error
}

const (
	inviteNameID = "invite-name"
	inviteRoleID = "invite-role"
	inviteDaysID = "invite-days"
	madeLinkID   = "made-link"
	roleID       = "role-of-account"
)

// accountsPage is where an admin manages accounts. All of it is asked of the server, and nothing is kept.
type accountsPage struct {
	ui.Compo
	S *session

	asking  bool
	all     []api.Account
	known   bool
	failure error
	refused string   // why nobody was invited
	made    api.Link // is shown until the page is left: the server does not have it
	open    string   // the id of the account whose details are shown

	content, people, links keyed
}

func (p *accountsPage) OnMount(ctx ui.Context) {
	again := func(ui.Context) {
		if p.failure != nil {
			p.read() // the server may be back
		}
	}
	p.S.subscribe(ctx, p.S.Network.OnlineChanges(ctx), again)
	p.S.subscribe(ctx, p.S.Syncer.StatusChanges(ctx), again)
	p.read()
}

func (p *accountsPage) read() {
	if p.asking {
		return
	}
	p.asking = true
	var all []api.Account
	p.S.async(func(ctx context.Context) (err error) {
		all, err = p.S.Accounts.Accounts(ctx)
		return err
	}, func(err error) {
		p.asking, p.failure = false, err
		if err == nil {
			p.all, p.known = all, true
		}
		if p.Mounted() {
			p.Update()
		}
	})
}

// do changes something, says what became of it, and reads the page again.
func (p *accountsPage) do(failure string, work func(context.Context) (done string, err error)) {
	var done string
	p.S.async(func(ctx context.Context) (err error) {
		done, err = work(ctx)
		return err
	}, func(err error) {
		if err != nil {
			p.S.showFailure(failure + " " + errorText(err))
		} else if done != "" {
			p.S.showToast(toast{text: done})
		}
		p.read()
	})
}

func (p *accountsPage) Render() ui.UI {
	return ui.Div().Class("page").Body(append([]ui.UI{
		ui.Div().Class("page-head").Body(ui.Div().Class("page-heading").Body(pageTitle("Accounts"))),
	}, p.renderContent()...)...)
}

func (p *accountsPage) renderContent() []ui.UI {
	var failed *sync.RequestError
	retry := retryButton(func(ui.Context, ui.Event) { p.read() })
	switch {
	case p.failure != nil && errors.As(p.failure, &failed) && failed.Status != 0:
		return p.content.only("refused", emptyState("alert", ui.H2().Text("Accounts can't be shown"), errorText(p.failure), retry))
	case p.failure != nil:
		return p.content.only("failure", emptyState("offline", ui.H2().Text("Managing accounts needs the network"),
			"Accounts are kept at the server only. It goes on by itself once the server can be reached.", retry))
	case !p.known:
		return p.content.only("asking", quiet("Asking the server for the accounts…"))
	}
	ids := keysOf(p.all, func(a api.Account) string { return a.ID })
	return p.content.only("accounts", ui.Div().Class("cards").Body(
		p.renderInvite(),
		section("people-title", "Who may sign in", len(p.all),
			ui.Ul().Class("things").Role("list").Aria("labelledby", "people-title").Body(
				p.people.children(ids, func(i int) ui.UI { return p.renderAccount(p.all[i]).DataSet("place", i) })...))))
}

// choiceField is a field with a list to choose from. Its elements are of no type of their own: each
// type of go-app's adds four kilobytes to the program.
func choiceField(id, label, chosen string, values, texts []string) ui.HTMLDiv {
	return ui.Div().Class("field").Body(ui.Label().For(id).Text(label),
		ui.Elem("select").ID(id).Class("input").Body(ui.Range(values).Slice(func(i int) ui.UI {
			option := ui.Elem("option").Attr("value", values[i]).Text(texts[i])
			if values[i] == chosen {
				option = option.Attr("selected", true)
			}
			return option
		})))
}

var (
	roles     = []string{roleViewer, roleEditor, roleAdmin}
	roleTexts = []string{"Viewer: reads", "Editor: reads and writes", "Admin: manages accounts, too"}
)

func (p *accountsPage) renderInvite() ui.UI {
	fields := []ui.UI{
		ui.Div().Class("form-failure-place").Role("alert").Body(
			ui.If(p.refused != "", ui.P().Class("form-failure").Body(icon("alert"), ui.Span().Text(p.refused)))),
		ui.Div().Class("field").Body(ui.Label().For(inviteNameID).Text("Name to sign in with"),
			ui.Input().ID(inviteNameID).Class("input").Type("text").Attr("autocomplete", "off").Attr("autocapitalize", "none").
				Spellcheck(false).Aria("required", true).Aria("describedby", inviteNameID+"-hint"),
			ui.P().ID(inviteNameID+"-hint").Class("hint").Text("Such as ann, or an email address")),
		choiceField(inviteRoleID, "Role", roleEditor, roles, roleTexts),
		choiceField(inviteDaysID, "The link is good for", "7", []string{"1", "7", "30"}, []string{"A day", "A week", "30 days"}),
		ui.Div().Class("form-actions").Body(ui.Button().Type("submit").Class("button", "button-primary").Text("Make a link")),
	}
	made := p.links.children(nil, nil)
	if p.made.Path != "" {
		made = p.links.only(p.made.Path, p.renderLink())
	}
	return section("invite-title", "Invite somebody", 0, append([]ui.UI{
		ui.Form().Class("form").Attr("method", "post").NoValidate(true).OnSubmit(p.invite).Body(fields...)}, made...)...)
}

func (p *accountsPage) invite(_ ui.Context, e ui.Event) {
	e.PreventDefault()
	name, _ := p.S.Elements.Value(inviteNameID)
	role, _ := p.S.Elements.Value(inviteRoleID)
	text, _ := p.S.Elements.Value(inviteDaysID)
	days, _ := strconv.Atoi(text)
	p.makeLink(func(ctx context.Context) (api.Link, error) { return p.S.Accounts.Invite(ctx, name, role, days) }, func(err error) {
		if p.refused = ""; err != nil {
			p.refused = "Nobody was invited. " + errorText(err)
			return
		}
		p.S.Elements.SetValue(inviteNameID, "")
	})
}

// makeLink shows a new link.
func (p *accountsPage) makeLink(work func(context.Context) (api.Link, error), done func(error)) {
	var link api.Link
	p.S.async(func(ctx context.Context) (err error) {
		link, err = work(ctx)
		return err
	}, func(err error) {
		if err == nil {
			p.made = link
			p.S.ctx.Defer(func(ui.Context) { p.S.Elements.Focus(madeLinkID) })
		}
		done(err)
		p.read()
	})
}

// address is a link as it is sent to somebody.
func (p *accountsPage) address(l api.Link) string {
	u := *p.S.ctx.Page().URL()
	return u.Scheme + "://" + u.Host + l.Path
}

func (p *accountsPage) renderLink() ui.UI {
	address := p.address(p.made)
	hand := func(text, done string, give func(context.Context, string) error) ui.UI {
		return ui.Button().Type("button").Class("button").Text(text).OnClick(func(ui.Context, ui.Event) {
			p.S.async(func(ctx context.Context) error { return give(ctx, address) }, func(err error) {
				if err != nil {
					p.S.showFailure("The link was not handed over. Select it and copy it. " + errorText(err))
				} else if done != "" {
					p.S.showToast(toast{text: done})
				}
			})
		}, text)
	}
	return ui.Div().Class("form-offer").Body(
		ui.Label().For(madeLinkID).Text("Link for "+p.made.Account.Name+", until "+dateText(p.made.Ends)),
		ui.Input().ID(madeLinkID).Class("input").Type("text").ReadOnly(true).Value(address),
		quiet("It works once, and is shown only now. Whoever has it signs in as "+p.made.Account.Name+"."),
		ui.Div().Class("form-offer-actions").Body(
			hand("Copy link", "Link copied", p.S.Accounts.Copy),
			ui.If(p.S.Accounts.CanShare(), hand("Share link", "", p.S.Accounts.Share))))
}

func (p *accountsPage) renderAccount(a api.Account) ui.HTMLLi {
	open := p.open == a.ID
	return ui.Li().Class("thing").Body(
		ui.Div().Class("thing-main").Body(
			ui.P().Class("thing-title").Body(personText(a.Name)), quiet(accountWords(a, time.Now()))),
		ui.Div().Class("thing-actions").Body(
			ui.Button().ID("manage-"+a.ID).Type("button").Class("button").Text("Manage").Aria("label", "Manage "+isolate(a.Name)).Aria("expanded", open).
				OnClick(func(ui.Context, ui.Event) { p.toggle(a.ID) }, a.ID)),
		orNothing(open, func() ui.UI { return p.renderDetails(a) }))
}

// accountWords say who somebody is, and since when they have not been seen.
func accountWords(a api.Account, now time.Time) string {
	switch {
	case a.Disabled:
		return sentence(a.Role) + " Disabled."
	case a.Invited:
		return sentence(a.Role) + " Invited, the link was not used yet."
	case a.Seen.IsZero():
		return sentence(a.Role) + " Never signed in."
	}
	return sentence(a.Role) + " Last seen " + timeAgo(a.Seen, now) + "."
}

func (p *accountsPage) toggle(id string) {
	if p.open == id {
		id = ""
	}
	p.open = id
}

func (p *accountsPage) renderDetails(a api.Account) ui.UI {
	act := func(text string, do func()) ui.UI {
		return ui.Button().Type("button").Class("button").Text(text).OnClick(func(ui.Context, ui.Event) { do() }, text, a.ID, a.Role)
	}
	disable, able := "Disable", true
	if a.Disabled {
		disable, able = "Enable", false
	}
	return ui.Div().Class("thing-details").Body(
		choiceField(roleID, "Role of "+a.Name, a.Role, roles, roleTexts),
		ui.Div().Class("thing-actions").Body(
			act("Save role", func() { p.setRole(a) }),
			ui.If(able, act("New link", func() { p.newLink(a) })),
			act("Undo last hour", func() { p.undo(a) }),
			act(disable, func() { p.setDisabled(a, able) })),
		&grantList{S: p.S, Of: a.ID})
}

func (p *accountsPage) setRole(a api.Account) {
	role, _ := p.S.Elements.Value(roleID)
	p.do("The role was not changed.", func(ctx context.Context) (string, error) {
		return a.Name + " is " + role + " now", p.S.Accounts.SetRole(ctx, a.ID, role)
	})
}

func (p *accountsPage) newLink(a api.Account) {
	p.makeLink(func(ctx context.Context) (api.Link, error) { return p.S.Accounts.NewLink(ctx, a.ID) }, func(err error) {
		if err != nil {
			p.S.showFailure("There is no new link. " + errorText(err))
		}
	})
}

func (p *accountsPage) undo(a api.Account) {
	p.S.askFirst(confirmRequest{
		heading: "Undo the last hour?", name: a.Name,
		text: "Whom " + a.Name + " has added, changed or deleted within the last hour is as before, unless somebody else has changed them since.",
		yes:  "Undo", opener: "manage-" + a.ID,
		act: func() {
			p.do("Not everything was undone.", func(ctx context.Context) (string, error) {
				u, err := p.S.Accounts.Undo(ctx, a.ID)
				words := plural(u.Undone, "user") + " as before"
				if left := u.Kept + u.Failed; left > 0 {
					words += fmt.Sprintf(", %d left as they are", left)
				}
				return words, err
			})
		},
	})
}

func (p *accountsPage) setDisabled(a api.Account, disabled bool) {
	if !disabled {
		p.do("The account was not enabled.", func(ctx context.Context) (string, error) {
			return a.Name + " may sign in again", p.S.Accounts.SetDisabled(ctx, a.ID, false)
		})
		return
	}
	p.S.askFirst(confirmRequest{
		heading: "Disable this account?", name: a.Name,
		text: a.Name + " is signed out everywhere. What is on their devices is removed there once they reach the server; changes that were not sent can be saved to a file first.",
		yes:  "Disable", opener: "manage-" + a.ID,
		act: func() {
			p.do("The account was not disabled.", func(ctx context.Context) (string, error) {
				return a.Name + " may no longer sign in", p.S.Accounts.SetDisabled(ctx, a.ID, true)
			})
		},
	})
}
