package rest

import (
	"net/http"

	"github.com/rollcall/rollcall/api"
)

const syncedSeconds = 365 * 24 * 60 * 60

// setSyncedCookie sets the cookie with a page of the feed: only a browser that has received
// one has something to lose.
func setSyncedCookie(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(api.SyncedCookie); err == nil {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: api.SyncedCookie, Value: "1", Path: "/", MaxAge: syncedSeconds,
		SameSite: http.SameSiteLaxMode,
		Secure:   r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
}
