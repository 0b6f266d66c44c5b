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
			grouped(status.Pushed), grouped(status.Pulled), plural(status.Conflict, "conflict"), status.Rejected)},
		{"Users on this device", grouped(p.now.counts.Rows)},
		{"Last check", checkWords(p.now.check, p.S.Clock.Now())},
		{"Last repair", repairWords(p.now.check.Last, p.S.Clock.Now())},
	}, p.diagnostics...)
	if status.Phase == "" {
		lines = append([]Diagnostic{{"Engine", "not heard of yet"}}, lines[2:]...)
	}
	return section("diagnostics-title", "Diagnostics", 0,
		ui.Dl().Class("facts").Body(ui.Range(lines).Slice(func(i int) ui.UI {
			return fact(lines[i].Name, lines[i].Value)
		})),
		p.renderIncidents())
}

// renderIncidents lists what went wrong with syncing itself, newest first.
func (p *syncPage) renderIncidents() ui.UI {
	now := p.S.Clock.Now()
	return ui.If(len(p.incidents) > 0, ui.Div().Body(
		ui.H3().ID("incidents-title").Class("thing-title").Text("What went wrong and was dealt with"),
		ui.Ul().Class("things").Role("list").Aria("labelledby", "incidents-title").Body(
			ui.Range(p.incidents).Slice(func(i int) ui.UI {
				return ui.Li().Class("thing").Body(ui.Div().Class("thing-main").Body(
					ui.P().Class("thing-title").Text(p.incidents[i].What),
					ui.P().Class("quiet").Text(happened(p.incidents[i], now))))
			}))))
}

// happened says when and how often an incident happened, and whether it is over.
func happened(i sync.Incident, now time.Time) string {
	s := asSentence(relative(i.At, now))
	if i.Times > 1 {
		s += " " + plural(i.Times, "time") + " in a row."
	}
	if i.Recovered.IsZero() {
		return s + " Not over yet."
	}
	return s + " It works again."
}

// people counts persons.
func people(n int64) string {
	if n == 1 {
		return "1 person"
	}
	return grouped(int(n)) + " people"
}

// checkWords says how the device compared with the server.
func checkWords(c sync.Check, now time.Time) string {
	switch {
	case c.At.IsZero():
		return "not yet"
	case c.Apart == 0 && c.Here == c.There:
		return people(c.There) + ", as on the server, " + relative(c.At, now)
	}
	text := "The server counts " + people(c.There) + ", this device " + people(c.Here)
	if c.Apart > 0 {
		text += ", and " + plural(c.Apart, "group") + " of them still differ"
		if c.Apart == 1 {
			text += "s"
		}
	}
	return text + ", " + relative(c.At, now)
}

// repairWords says what the last repair found.
func repairWords(r *sync.RepairSummary, now time.Time) string {
	if r == nil {
		return "none was needed"
	}
	return people(int64(r.Rows)) + " in " + plural(r.Buckets, "group") + ", " + relative(r.At, now)
}
