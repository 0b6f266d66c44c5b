package app

import (
	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
)

func standingText(s queue.RowState) string {
	switch s {
	case queue.Pending:
		return "Waiting to be sent"
	case queue.NeedsAttention:
		return "The server refused a change"
	case queue.InConflict:
		return "Changed here and elsewhere"
	}
	return "Up to date"
}

// stateBadge is the contract's state text with its icon, or nothing.
func stateBadge(s queue.RowState) ui.UI {
	text, iconName := stateText(s)
	return ui.Span().Class("state-place").Body(
		ui.If(text != "", ui.Span().Class("state", "state-"+string(s)).Body(icon(iconName), ui.Span().Text(text))),
	)
}

// stateText is the contract's word for a row's state, and its icon.
func stateText(s queue.RowState) (text, icon string) {
	switch s {
	case queue.Pending:
		return "Pending", "clock"
	case queue.NeedsAttention:
		return "Needs attention", "alert"
	case queue.InConflict:
		return "Conflict", "branch"
	}
	return "", ""
}
