package app

import (
	"html"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
)

// stateText is a row's state on its badge, with the badge's icon, and in words.
func stateText(s queue.RowState) (badge, icon, words string) {
	switch s {
	case queue.Pending:
		return tr("Pending"), "clock", tr("Waiting to be sent")
	case queue.NeedsAttention:
		return tr("Needs attention"), "alert", tr("The server rejected a change")
	case queue.InConflict:
		return tr("Conflict"), "branch", tr("Changed here and elsewhere")
	}
	return "", "", tr("Up to date")
}

// stateBadge is empty for a row that is up to date.
func stateBadge(s queue.RowState) ui.UI {
	text, iconName, _ := stateText(s)
	if text != "" {
		text = `<span class="state state-` + string(s) + `">` + iconHTML(iconName) + `<span>` + html.EscapeString(text) + `</span></span>`
	}
	return ui.Raw(`<span class="state-place">` + text + `</span>`)
}
