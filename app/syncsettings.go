package app

import (
	"context"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/sync"
)

func (p *syncPage) choose(name sync.StrategyName) {
	p.now.strategy = name
	p.do("The strategy was not saved.", func(ctx context.Context) error { return p.S.Outbox.SetStrategy(ctx, name) })
}

func (p *syncPage) switchBackground(ui.Context, ui.Event) {
	on := !p.background.on
	p.background.on = on
	p.S.write(func(ctx context.Context) error { return p.S.BackgroundSync.SetBackgroundSync(ctx, on) }, func(err error) {
		if err != nil {
			p.S.toast(toast{text: "Background sync was not changed. " + explain(err), bad: true})
		}
		p.readAsides(p.ctx)
	})
}

// BackgroundSync is the browser's Background Sync.
type BackgroundSync interface {
	// BackgroundSync reports whether the browser can sync with all tabs closed, and
	// whether it is registered. SetBackgroundSync registers or cancels it.
	BackgroundSync(ctx context.Context) (supported, registered bool)
	SetBackgroundSync(ctx context.Context, on bool) error
}

// strategies are the choices of "Conflict strategy", in the order they are offered.
var strategies = []struct {
	name        sync.StrategyName
	title, text string
}{
	{sync.Merge, "Merge", "Keep both people's changes. Where both changed the same field, the later one stays."},
	{sync.LastWriteWins, "Last write wins", "Whoever wrote last wins, with all fields."},
	{sync.ServerWins, "Server wins", "What the server has stays. My change is put aside."},
	{sync.ClientWins, "Mine wins", "My change replaces what the server has."},
}

func (p *syncPage) renderSettings() ui.UI {
	return section("settings-title", "Settings", 0,
		ui.FieldSet().Class("choices").Body(
			ui.Legend().Text("Conflict strategy"),
			ui.P().Class("quiet").Text("When someone else changed the same user before your change arrived:"),
			ui.Range(strategies).Slice(func(i int) ui.UI { return p.renderStrategy(i) }),
		),
		p.renderBackground(),
	)
}

func (p *syncPage) renderStrategy(i int) ui.UI {
	s := strategies[i]
	id := "strategy-" + string(s.name)
	return ui.Label().Class("choice").For(id).Body(
		ui.Input().ID(id).Type("radio").Name("strategy").Attr("value", string(s.name)).
			Checked(p.now.strategy == s.name).Aria("labelledby", id+"-title").Aria("describedby", id+"-text").
			OnChange(func(ui.Context, ui.Event) { p.choose(s.name) }, id),
		ui.Span().Class("choice-words").Body(
			ui.Span().ID(id+"-title").Class("choice-title").Text(s.title),
			ui.Span().ID(id+"-text").Class("quiet").Text(s.text),
		),
	)
}

func (p *syncPage) renderBackground() ui.UI {
	if !p.asidesRead {
		return nil
	}
	text := "Sends your changes when the network comes back, even with every tab closed."
	if !p.background.supported {
		text = "This browser can't sync with every tab closed. Your changes are sent as soon as Rollcall is open and online."
	}
	return ui.Div().Class("setting").Body(
		ui.Div().Class("choice-words").Body(
			ui.Span().ID("background-title").Class("choice-title").Text("Background sync"),
			ui.Span().ID("background-text").Class("quiet").Text(text),
		),
		ui.If(p.background.supported, ui.Button().Type("button").Class("switch").Role("switch").
			Aria("checked", p.background.on).Aria("labelledby", "background-title").Aria("describedby", "background-text").
			OnClick(p.switchBackground).Body(ui.Span().Class("switch-knob"))),
	)
}
