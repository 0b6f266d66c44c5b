package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
)

// tooOldPause is how long a client that is too old should wait before it asks again: it takes
// a person to load a newer one.
const tooOldPause = 5 * time.Minute

// withProtocol refuses to sync with clients whose version of the protocol is too old. What
// they have to send stays with them.
func (s *server) withProtocol(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if syncs(r) && protocolOf(r) < s.oldest {
			w.Header().Set("Retry-After", seconds(tooOldPause))
			writeProblem(w, tooOldProblem())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tooOldProblem asks for a newer client.
func tooOldProblem() *api.Problem {
	return api.NewProblem(api.CodeClientTooOld, "This version of the app is too old to sync",
		"load the app anew to get the newest version; changes that were not sent stay on the device and are sent then")
}

// syncs reports whether a request is a sync engine's: to a path that others have no use for,
// or one that says its version.
func syncs(r *http.Request) bool {
	switch path := r.URL.Path; {
	case path == api.PathOperations, path == api.PathChanges, path == api.PathEvents, strings.HasPrefix(path, api.PathBuckets+"/"):
		return true
	default:
		return strings.HasPrefix(path, api.PathPrefix) && r.Header.Get(api.HeaderProtocol) != ""
	}
}

// protocolOf returns the version of the protocol that a client says it speaks, else 1.
func protocolOf(r *http.Request) int {
	said := r.Header.Get(api.HeaderProtocol)
	if said == "" && r.URL.Path == api.PathEvents {
		said = r.URL.Query().Get(api.ParamProtocol)
	}
	if n, err := strconv.Atoi(said); err == nil && n > 0 {
		return n
	}
	return 1
}
