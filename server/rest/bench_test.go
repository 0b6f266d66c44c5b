package rest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store/memory"
)

// discarded is a response that costs nothing.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header            { return d.header }
func (discarded) Write(b []byte) (int, error)      { return len(b), nil }
func (discarded) WriteHeader(int)                  {}
func (discarded) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkAnswers is what the HTTP interface itself costs, without connection and disk.
func BenchmarkAnswers(b *testing.B) {
	hub := feed.NewHub()
	defer hub.Close()
	for name, path := range map[string]string{"health": "/healthz", "shared page": "/api/v1/changes?limit=100"} {
		h := rest.New(rest.Config{Store: filled(b, 100), Hub: hub, Steady: true})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(discarded{http.Header{}}, httptest.NewRequest("GET", path, http.NoBody))
			}
		})
	}
	b.Run("create", func(b *testing.B) {
		h := rest.New(rest.Config{Store: memory.New(memory.Options{}), Hub: hub, Steady: true})
		b.ReportAllocs()
		for b.Loop() {
			r := httptest.NewRequest("POST", "/api/v1/users", strings.NewReader(`{"name":"Ada Lovelace","email":"`+newID()+`@example.org","bio":"Has the keys."}`))
			r.Header.Set("Content-Type", "application/json")
			h.ServeHTTP(discarded{http.Header{}}, r)
		}
	})
}
