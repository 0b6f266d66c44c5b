package rest_test

import (
	"net/http"
	"testing"

	"github.com/rollcall/rollcall/api"
)

func TestTheFeedSetsTheSyncedCookie(t *testing.T) {
	w := newWorld(t)
	for proto, secure := range map[string]bool{"": false, "http": false, "https": true} {
		a := w.do("GET", "/api/v1/changes", nil, "X-Forwarded-Proto", proto).status(200)
		c, err := http.ParseSetCookie(a.Header.Get("Set-Cookie"))
		if err != nil {
			t.Fatalf("over %q: %v", proto, err)
		}
		if c.Name != api.SyncedCookie || c.Value != "1" || c.HttpOnly || c.Path != "/" || c.MaxAge != 31536000 ||
			c.SameSite != http.SameSiteLaxMode || c.Secure != secure {
			t.Errorf("over %q: %+v", proto, c)
		}
	}
	for _, quiet := range []struct{ path, cookie string }{
		{"/api/v1/changes", api.SyncedCookie + "=1"}, // it has one
		{"/api/v1/users", ""},                        // it has not synced
		{"/api/v1/changes?limit=none", ""},
	} {
		if a := w.do("GET", quiet.path, nil, "Cookie", quiet.cookie); a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s with %q sets %q", quiet.path, quiet.cookie, a.Header.Get("Set-Cookie"))
		}
	}
}
