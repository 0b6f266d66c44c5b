package app

import (
	"context"
	"fmt"
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
		{"Engine", string(status.Phase)},
		{"Last round", fmt.Sprintf("%s sent, %s received, %s, %d rejected",
			formatCount(status.Pushed), formatCount(status.Pulled), plural(status.Conflict, "conflict"), status.Rejected)},
		{"Users on this device", formatCount(p.outbox.counts.Rows)},
		{"Last check", checkText(p.outbox.check, time.Now())},
		{"Last repair", repairText(p.outbox.check.Last, time.Now())},
	}, p.device.diagnostics...)
	if status.Phase == "" {
		lines = append([]Diagnostic{{"Engine", "no status yet"}}, lines[2:]...)
	}
	return section("diagnostics-title", "Diagnostics", 0,
		ui.Dl().Class("facts").Body(ui.Range(lines).Slice(func(i int) ui.UI {
			return fact(lines[i].Name, lines[i].Value)
		})),
		p.renderIncidents())
}

// renderIncidents lists failures of syncing itself, newest first.
func (p *syncPage) renderIncidents() ui.UI {
	now := time.Now()
	return ui.If(len(p.device.incidents) > 0, ui.Div().Body(
		ui.H3().ID("incidents-title").Class("thing-title").Text("Recent sync problems"),
		ui.Ul().Class("things").Role("list").Aria("labelledby", "incidents-title").Body(
			ui.Range(p.device.incidents).Slice(func(i int) ui.UI {
				return ui.Li().Class("thing").Body(ui.Div().Class("thing-main").Body(
					ui.P().Class("thing-title").Text(p.device.incidents[i].What),
					quiet(incidentText(p.device.incidents[i], now))))
			}))))
}

// incidentText says when and how often an incident happened, and whether it is over.
func incidentText(i sync.Incident, now time.Time) string {
	s := sentence(timeAgo(i.At, now))
	if i.Times > 1 {
		s += " " + plural(i.Times, "time") + " in a row."
	}
	if i.Recovered.IsZero() {
		return s + " Not resolved yet."
	}
	return s + " Resolved."
}

// checkText compares the device with the server.
func checkText(c sync.Check, now time.Time) string {
	server, device := plural(int(c.ServerRows), "user"), plural(int(c.DeviceRows), "user")
	var text string
	switch {
	case c.At.IsZero():
		return "not yet"
	case c.Mismatched == 0 && c.DeviceRows == c.ServerRows:
		text = server + ", same as on the server"
	case c.Mismatched == 0:
		text = server + " on the server, " + device + " on this device"
	default:
		text = server + " on the server, " + device + " on this device, " + plural(c.Mismatched, "group") + " with differences"
	}
	return text + ", " + timeAgo(c.At, now)
}

// repairText says what the last repair changed.
func repairText(r *sync.RepairSummary, now time.Time) string {
	if r == nil {
		return "none needed"
	}
	return plural(r.Rows, "user") + " in " + plural(r.Buckets, "group") + ", " + timeAgo(r.At, now)
}
