package app

import (
	"strings"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Dependencies are the real things behind the pages.
type Dependencies struct {
	Users  Users
	Outbox Outbox
	Syncer Syncer
	Device Device
	Clock  sync.Clock // nil for the system's
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

// page is one of the kinds of page.
type page int

const (
	loadingPage page = iota
	usersRoute
	userRoute
	syncRoute
	missingRoute
)

// route is a page and what its path names.
type route struct {
	page page
	id   string // of the user, for userRoute
}

// parseRoute reads a URL's path.
func parseRoute(path string) route {
	path = strings.TrimSuffix(path, "/")
	switch id, isUser := strings.CutPrefix(path, "/users/"); {
	case path == "" || path == "/users":
		return route{page: usersRoute}
	case path == "/sync":
		return route{page: syncRoute}
	case isUser && id != "" && !strings.Contains(id, "/"):
		return route{userRoute, id}
	}
	return route{page: missingRoute}
}

// title is the document's title for a page.
func title(name string) string {
	if name == "" {
		return "Rollcall"
	}
	return name + " - Rollcall"
}
