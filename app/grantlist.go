package app

import (
	"context"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/signin"
)

// grantList lists what lets somebody in to an account, with a button to end each: passkeys, devices,
// and tokens of programs.
type grantList struct {
	ui.Compo
	S     *session
	Of    string // the account's id
	Round int    // another one has it read anew

	shown   []api.Grant
	known   bool
	of      string // what was read
	round   int
	failure error
	slots   keyed
}

func (l *grantList) OnMount(ui.Context) { l.read() }

// OnUpdate reads anew when the page asks for it.
func (l *grantList) OnUpdate(ui.Context) {
	if l.Of != l.of || l.Round != l.round {
		l.read()
	}
}

func (l *grantList) read() {
	of := l.Of
	l.of, l.round = of, l.Round
	var all []api.Grant
	l.S.async(func(ctx context.Context) (err error) {
		all, err = l.S.Accounts.Grants(ctx, of)
		return err
	}, func(err error) {
		if of != l.Of || !l.Mounted() {
			return
		}
		if l.failure = err; err == nil {
			l.shown, l.known = all, true
		}
		l.Update()
	})
}

func (l *grantList) Render() ui.UI {
	keys := keysOf(l.shown, func(g api.Grant) string { return g.ID })
	words := ""
	switch {
	case l.failure != nil:
		words = "What lets in can't be shown now. " + errorText(l.failure)
	case l.known && len(l.shown) == 0:
		words = "No device is signed in, and there are no passkeys or tokens."
	}
	return ui.Div().Body(
		ui.If(words != "", quiet(words)),
		ui.Ul().Class("things").Role("list").Aria("label", "Passkeys, devices and tokens").Body(
			l.slots.children(keys, func(i int) ui.UI { return l.renderGrant(l.shown[i]).DataSet("place", i) })...))
}

func (l *grantList) renderGrant(g api.Grant) ui.HTMLLi {
	words, action := grantWords(g, time.Now())
	name := g.Name
	if name == "" {
		name = "Unnamed"
	}
	return ui.Li().Class("thing").Body(
		ui.Div().Class("thing-main").Body(ui.P().Class("thing-title").Body(personText(name)), quiet(words)),
		ui.If(!g.Current, ui.Div().Class("thing-actions").Body(
			ui.Button().Type("button").Class("button").Text(action).Aria("label", action+" "+isolate(name)).
				OnClick(func(ui.Context, ui.Event) { l.end(g, name) }, g.ID))))
}

// grantWords say what a grant is, and what ending it is called.
func grantWords(g api.Grant, now time.Time) (words, action string) {
	switch {
	case g.Kind == signin.Passkey:
		return "Passkey, added " + timeAgo(g.Created, now), "Remove"
	case g.Kind == "token":
		return "Token for a program, " + g.Role + ", ends " + dateText(g.Ends), "End"
	case g.Current:
		return "This device, signed in " + timeAgo(g.Created, now), ""
	}
	return "Device, last seen " + timeAgo(g.Seen, now), "Sign out"
}

func dateText(t time.Time) string { return t.Local().Format("2 January 2006") }

func (l *grantList) end(g api.Grant, name string) {
	of := l.Of
	l.S.async(func(ctx context.Context) error { return l.S.Accounts.EndGrant(ctx, of, g) }, func(err error) {
		if err != nil {
			l.S.showFailure(name + " can still sign in. " + errorText(err))
		} else {
			l.S.showToast(toast{text: name + " can no longer sign in", name: name})
		}
		l.read()
	})
}
