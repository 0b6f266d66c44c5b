package rest

import "net/http"

// SyncedCookie tells the page that this browser has synced before, so that it notices when
// the browser evicted its storage. The server sets it, since a cookie set by a script is
// evicted with the storage. A script reads it, so it is not HttpOnly. It identifies nobody.
const SyncedCookie = "rollcall_seen"

const syncedSeconds = 365 * 24 * 60 * 60

// setSyncedCookie sets the cookie with a page of the feed: only a browser that has received
// one has something to lose.
func setSyncedCookie(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(SyncedCookie); err == nil {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: SyncedCookie, Value: "1", Path: "/", MaxAge: syncedSeconds,
		SameSite: http.SameSiteLaxMode,
		Secure:   r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
}
