package app

import (
	"strings"

	"github.com/rollcall/rollcall/api"
)

// routeKind is a kind of page.
type routeKind int

const (
	noRoute routeKind = iota // before the first navigation
	usersRoute
	userRoute
	syncRoute
	meRoute
	joinRoute
	accountsRoute
	importRoute
	exportRoute
	missingRoute
)

// pageNames are the titles that do not depend on a user.
var pageNames = map[routeKind]string{usersRoute: trLater("Users"), syncRoute: trLater("Sync"), meRoute: trLater("Account"), joinRoute: trLater("New password"), accountsRoute: trLater("Accounts"), importRoute: trLater("Import"), exportRoute: trLater("Export"), missingRoute: trLater("Page not found")}

// route is what a URL's path leads to.
type route struct {
	kind routeKind
	id   string // of the user, for userRoute
}

func parseRoute(path string) route {
	path = strings.TrimSuffix(path, "/")
	switch id, isUser := strings.CutPrefix(path, "/users/"); {
	case path == "" || path == "/users":
		return route{kind: usersRoute}
	case path == "/sync":
		return route{kind: syncRoute}
	case path == api.PathMe:
		return route{kind: meRoute}
	case path == api.PathJoin:
		return route{kind: joinRoute}
	case path == api.PathManage:
		return route{kind: accountsRoute}
	case path == "/import":
		return route{kind: importRoute}
	case path == "/export":
		return route{kind: exportRoute}
	case isUser && id != "" && !strings.Contains(id, "/"):
		return route{userRoute, id}
	}
	return route{kind: missingRoute}
}

// title is the document's title.
func title(name string) string {
	if name == "" {
		return "Rollcall"
	}
	return name + " - Rollcall"
}
