package app

import (
	"context"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/sync"
)

// syncNow does a round because the person asked for one.
func (s *session) syncNow() {
	if s.syncing {
		return
	}
	s.syncing = true
	s.changed()
	var report sync.Report
	s.write(func(ctx context.Context) (err error) {
		report, err = s.Syncer.SyncAll(ctx)
		return err
	}, func(err error) {
		s.syncing = false
		switch {
		case err != nil:
			s.toast(toast{text: "Sync failed: " + explain(err), bad: true})
		case report.Problem != nil:
			s.toast(toast{text: "Sync failed: " + problemText(report.Problem), bad: true})
		default:
			s.toast(toast{text: "Sync completed"})
		}
	})
}

// syncButton keeps its name while it works; the status region says that it does.
func syncButton(working bool, h ui.EventHandler) ui.UI {
	b := button("button-sync", "sync", "Sync now")
	if working {
		b = b.Aria("disabled", true).Class("working")
	}
	return b.OnClick(h)
}
