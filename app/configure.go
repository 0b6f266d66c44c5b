package app

import ui "github.com/maxence-charriere/go-app/v9/pkg/app"

// Dependencies connect the pages to a repository and a browser.
type Dependencies struct {
	Users  Users
	Outbox Outbox
	Syncer Syncer

	Network        Network
	Accounts       Accounts
	StorageHealth  StorageHealth
	StorageManager StorageManager
	BackgroundSync BackgroundSync
	Diagnostics    Diagnostics
	Installation   Installation
	Updates        Updates
	ChangesFile    ChangesFile
	Unsaved        Unsaved
	Elements       Elements
	Dialogs        Dialogs
	Layout         Layout
	Presses        Presses
	Preview        Preview
	Language       Language
}

// Configure registers the pages for every route. Call it once, before
// go-app's RunWhenOnBrowser.
func Configure(d Dependencies) {
	language = d.Language
	s := newSession(d)
	ui.RouteWithRegexpFunc(".*", func() ui.Composer { return &root{s: s} })
}
