package app

import (
	"context"
	"html"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Diagnostics are facts about this browser and its engine: client id, version,
// leading tab, service worker state and so on.
type Diagnostics interface {
	Diagnostics(ctx context.Context) []Diagnostic
}

// Diagnostic is a line under "Diagnostics".
type Diagnostic struct{ Name, Value string }

func (p *syncPage) renderDiagnostics() ui.UI {
	status := p.S.Syncer.Status()
	lines := append([]Diagnostic{
		{tr("Engine"), phaseText(status.Phase)},
		{tr("Last round"), tr("Sent: {0}. Received: {1}. Conflicts: {2}. Rejected: {3}.",
			formatCount(status.Pushed), formatCount(status.Pulled), formatCount(status.Conflict), formatCount(status.Rejected))},
		{tr("Users on this device"), formatCount(p.outbox.counts.Rows)},
		{tr("Last check"), checkText(p.outbox.check, time.Now())},
		{tr("Last repair"), repairText(p.outbox.check.Last, time.Now())},
	}, p.device.diagnostics...)
	if status.Phase == "" {
		lines = append([]Diagnostic{{tr("Engine"), tr("no status yet")}}, lines[2:]...)
	}
	return section("diagnostics-title", tr("Diagnostics"), 0,
		ui.Dl().Class("facts").Body(ui.Range(lines).Slice(func(i int) ui.UI {
			return fact(lines[i].Name, lines[i].Value)
		})),
		p.renderIncidents(),
		&managed{S: p.S, Part: PartReport})
}

func phaseText(p sync.Phase) string {
	switch p {
	case sync.Idle:
		return tr("idle")
	case sync.Syncing:
		return tr("syncing")
	case sync.Success:
		return tr("success")
	case sync.Failed:
		return tr("error")
	}
	return string(p)
}

// renderIncidents lists failures of syncing itself, newest first.
func (p *syncPage) renderIncidents() ui.UI {
	return orNothing(len(p.device.incidents) > 0, func() ui.UI {
		text := `<div><h3 id="incidents-title" class="thing-title">` + html.EscapeString(tr("Recent sync problems")) +
			`</h3><ul class="things" role="list" aria-labelledby="incidents-title">`
		for _, i := range p.device.incidents {
			text += `<li class="thing"><div class="thing-main"><p class="thing-title">` + html.EscapeString(tr(i.What)) +
				`</p><p class="quiet">` + html.EscapeString(incidentText(i, time.Now())) + `</p></div></li>`
		}
		return ui.Raw(text + `</ul></div>`)
	})
}

// incidentText says when and how often an incident happened, and whether it is over.
func incidentText(i sync.Incident, now time.Time) string {
	s := tr("Happened {0}.", timeAgo(i.At, now))
	if i.Times > 1 {
		s = inARow(s, trn(i.Times, "{n} time in a row.", "{n} times in a row."))
	}
	if i.Recovered.IsZero() {
		return inARow(s, tr("Not resolved yet."))
	}
	return inARow(s, tr("Resolved."))
}

// checkText compares the device with the server.
func checkText(c sync.Check, now time.Time) string {
	server, device, ago := formatCount(int(c.ServerRows)), formatCount(int(c.DeviceRows)), timeAgo(c.At, now)
	switch {
	case c.At.IsZero():
		return tr("not yet")
	case c.Mismatched == 0 && c.DeviceRows == c.ServerRows:
		return trn(int(c.ServerRows), "{n} user, same as on the server, {0}", "{n} users, same as on the server, {0}", ago)
	case c.Mismatched == 0:
		return tr("Users on the server: {0}, on this device: {1}, {2}", server, device, ago)
	}
	return tr("Users on the server: {0}, on this device: {1}, groups with differences: {2}, {3}", server, device, formatCount(c.Mismatched), ago)
}

// repairText says what the last repair changed.
func repairText(r *sync.RepairSummary, now time.Time) string {
	if r == nil {
		return tr("none needed")
	}
	return tr("Users: {0}, groups: {1}, {2}", formatCount(r.Rows), formatCount(r.Buckets), timeAgo(r.At, now))
}
