package rest

import "net/http"

// SeenCookie tells the page that this browser has synced before, so that it
// notices when the browser has thrown its storage away. The server sets it,
// because a cookie that a script sets is erased together with the storage; a
// script reads it, so it is not HttpOnly, and it says nothing about anybody.
const SeenCookie = "rollcall_seen"

const seenSeconds = 365 * 24 * 60 * 60

// markSeen sets the cookie with an answer of the feed: only a browser that has
// got one has something to lose.
func markSeen(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(SeenCookie); err == nil {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: SeenCookie, Value: "1", Path: "/", MaxAge: seenSeconds,
		SameSite: http.SameSiteLaxMode,
		Secure:   r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
}
