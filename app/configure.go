package app

import (
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Dependencies are the real things behind the pages.
type Dependencies struct {
	Users  Users
	Outbox Outbox
	Syncer Syncer

	Network        Network
	StorageHealth  StorageHealth
	StorageManager StorageManager
	BackgroundSync BackgroundSync
	Diagnostics    Diagnostics
	Updates        Updates
	Unsaved        Unsaved
	Elements       Elements
	Dialogs        Dialogs
	Layout         Layout

	Clock sync.Clock // nil for the system's
}

// Configure registers the pages for every route. Call it once, before
// go-app's RunWhenOnBrowser.
func Configure(d Dependencies) {
	s := newSession(d)
	ui.RouteWithRegexpFunc(".*", func() ui.Composer { return &root{s: s} })
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
