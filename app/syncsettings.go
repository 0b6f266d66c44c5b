package app

import (
	"context"
	"html"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/sync"
)

// BackgroundSync is the browser's Background Sync.
type BackgroundSync interface {
	// BackgroundSync reports whether the browser syncs with all tabs closed, and whether
	// that is on. A browser that has it and refuses it does not. SetBackgroundSync turns
	// it on or off.
	BackgroundSync(ctx context.Context) (supported, registered bool)
	SetBackgroundSync(ctx context.Context, on bool) error
}

// strategies are the choices of "Conflict strategy", in the order they are offered.
var strategies = []struct {
	name        sync.StrategyName
	title, text string
}{
	{sync.Merge, trLater("Merge"), trLater("Keeps both people's changes. If both changed the same field, the later change wins.")},
	{sync.LastWriteWins, trLater("Last write wins"), trLater("The later change wins, with all its fields.")},
	{sync.ServerWins, trLater("Server wins"), trLater("What the server has stays. Your change is set aside.")},
	{sync.ClientWins, trLater("Mine wins"), trLater("Your change replaces what the server has.")},
}

func (p *syncPage) chooseStrategy(name sync.StrategyName) {
	p.outbox.strategy = name
	p.decide(trLater("The strategy was not saved. {0}"), func(ctx context.Context) error { return p.S.Outbox.SetStrategy(ctx, name) })
}

func (p *syncPage) toggleBackground(ui.Context, ui.Event) {
	on := !p.device.backgroundOn
	p.device.backgroundOn = on
	p.S.async(func(ctx context.Context) error { return p.S.BackgroundSync.SetBackgroundSync(ctx, on) }, func(err error) {
		if err != nil {
			p.S.showFailure(tr("Background sync was not changed. {0}", errorText(err)))
		}
		p.readDevice(p.ctx)
	})
}

func (p *syncPage) renderSettings() ui.UI {
	return section("settings-title", tr("Settings"), 0,
		ui.FieldSet().Class("choices").Body(
			ui.Legend().Text(tr("Conflict strategy")),
			quiet(tr("What happens when someone else changed the same user before your change arrived:")),
			ui.Range(strategies).Slice(func(i int) ui.UI { return p.renderStrategy(i) }),
		),
		p.renderBackground(),
		p.S.languageChoice(),
		ui.Raw(`<p><button type="button" class="button" data-tool="sheet">`+html.EscapeString(tr("Keyboard shortcuts"))+`</button></p>`),
	)
}

func (p *syncPage) renderStrategy(i int) ui.UI {
	s := strategies[i]
	id := "strategy-" + string(s.name)
	return ui.Label().Class("choice").For(id).Body(
		ui.Input().ID(id).Type("radio").Name("strategy").Attr("value", string(s.name)).
			Checked(p.outbox.strategy == s.name).Aria("labelledby", id+"-title").Aria("describedby", id+"-text").
			OnChange(func(ui.Context, ui.Event) { p.chooseStrategy(s.name) }, id),
		ui.Span().Class("choice-words").Body(
			ui.Span().ID(id+"-title").Class("choice-title").Text(tr(s.title)),
			ui.Span().ID(id+"-text").Class("quiet").Text(tr(s.text)),
		),
	)
}

func (p *syncPage) renderBackground() ui.UI {
	if !p.deviceLoaded {
		return nil
	}
	text := tr("Sends your changes when you are back online, even if every tab is closed.")
	if !p.device.backgroundSupported {
		text = tr("This browser can't sync while every tab is closed. Your changes are sent when Rollcall is open and online.")
	}
	return ui.Div().Class("setting").Body(
		ui.Div().Class("choice-words").Body(
			ui.Span().ID("background-title").Class("choice-title").Text(tr("Background sync")),
			ui.Span().ID("background-text").Class("quiet").Text(text),
		),
		ui.If(p.device.backgroundSupported, ui.Button().Type("button").Class("switch").Role("switch").
			Aria("checked", p.device.backgroundOn).Aria("labelledby", "background-title").Aria("describedby", "background-text").
			OnClick(p.toggleBackground).Body(ui.Span().Class("switch-knob"))),
	)
}
