package app

import "testing"

func TestParseRoute(t *testing.T) {
	for path, want := range map[string]route{
		"/":             {kind: usersRoute},
		"":              {kind: usersRoute},
		"/users":        {kind: usersRoute},
		"/users/":       {kind: usersRoute},
		"/users/abc":    {userRoute, "abc"},
		"/users/abc/":   {userRoute, "abc"},
		"/users/abc/de": {kind: missingRoute},
		"/sync":         {kind: syncRoute},
		"/nope":         {kind: missingRoute},
	} {
		if got := parseRoute(path); got != want {
			t.Errorf("%s: got %+v, want %+v", path, got, want)
		}
	}
}
