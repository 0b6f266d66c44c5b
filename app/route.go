package app

import (
	"net/url"
	"strings"
)

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

func withoutQuery(u *url.URL) *url.URL {
	v := *u
	v.RawQuery = ""
	return &v
}
