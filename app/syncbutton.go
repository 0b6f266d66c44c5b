package app

import (
	"context"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/sync"
)

// syncNow runs a round that the person asked for.
func (s *session) syncNow() {
	if s.syncing {
		return
	}
	s.syncing = true
	s.render()
	var report sync.Report
	s.async(func(ctx context.Context) (err error) {
		report, err = s.Syncer.SyncAll(ctx)
		return err
	}, func(err error) {
		s.syncing = false
		switch {
		case err != nil:
			s.showFailure(tr("Sync failed: {0}", errorText(err)))
		case report.Problem != nil:
			s.showFailure(tr("Sync failed: {0}", problemText(report.Problem)))
		default:
			s.showToast(toast{text: tr("Sync completed")})
		}
	})
}

// syncButton keeps its name during a sync. The status region says that one is running.
func (s *session) syncButton() ui.UI {
	b := button("button-sync", "sync", tr("Sync now"))
	if s.syncing {
		b = b.Aria("disabled", true).Class("working")
	}
	return b.OnClick(func(ui.Context, ui.Event) { s.syncNow() })
}
