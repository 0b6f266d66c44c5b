package rest_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/contracttest"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store/memory"
)

// TestOldClientsAreTold: syncing is for versions that the server takes, plain REST for anybody.
func TestOldClientsAreTold(t *testing.T) {
	hub := feed.NewHub()
	hub.Close() // streams end at once
	versions := map[string]int{"": 1, "1": 1, "0": 1, "-2": 1, "x": 1, fmt.Sprint(api.Protocol): api.Protocol, fmt.Sprint(api.Protocol + 1): api.Protocol + 1}
	for _, oldest := range []int{0, 1, 2, api.Protocol + 1} {
		h := contracttest.Load(t).Handler(t, rest.New(rest.Config{Store: memory.New(memory.Options{}), Hub: hub, Oldest: oldest}))
		for said, version := range versions {
			want := version < oldest
			for target, syncs := range map[string]bool{
				"POST /api/v1/operations": true, "GET /api/v1/changes": true, "GET /api/v1/buckets/3?entityType=user&cursor=x": true, "GET /api/v1/events": true,
				"GET /api/v1/users": false, "GET /healthz": false,
			} {
				method, path, _ := strings.Cut(target, " ")
				r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader("{}"))
				if said != "" {
					r.Header.Set(api.HeaderProtocol, said)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				told := w.Code == 400 && strings.Contains(w.Body.String(), string(api.CodeClientTooOld))
				if told != (want && (syncs || said != "" && path == api.PathUsers)) || told && (w.Header().Get("Retry-After") != fmt.Sprint((5*time.Minute).Seconds()) || !strings.Contains(w.Body.String(), "load the app anew")) {
					t.Errorf("oldest %d, %s of version %q: %d %s", oldest, target, said, w.Code, w.Body)
				}
			}
			// A browser's event stream has no header.
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/events?protocol="+said, nil))
			if told := w.Code == 400; told != want {
				t.Errorf("oldest %d, a stream of version %q: %d", oldest, said, w.Code)
			}
		}
	}
}
