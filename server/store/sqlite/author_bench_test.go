package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqlite"
)

// BenchmarkHistory is what it costs a write to keep who made it, in groups of 100.
func BenchmarkHistory(b *testing.B) {
	for _, author := range []*store.Author{nil, {Account: uuid.NewString(), Device: uuid.NewString(), Keep: true}} {
		b.Run(fmt.Sprintf("author=%v", author != nil), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "r.db"), sqlite.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			const group = 100
			ids := make([]string, group)
			for i := range ids {
				ids[i] = uuid.NewString()
			}
			n := 0
			for b.Loop() {
				writes := make([]store.Write, group)
				for i, id := range ids {
					name, email, bio := fmt.Sprint("Name ", n), id+"@example.org", "Somebody with a bio of some length, as people have them."
					kind := api.Update
					if n == 0 {
						kind = api.Create
					}
					writes[i] = store.Write{ID: uuid.NewString(), EntityID: id, Type: kind, AnyVersion: true, Patch: api.UserPatch{Name: &name, Email: &email, Bio: &bio}, Author: author}
					writes[i].Key, writes[i].Scope = "operation:"+uuid.NewString(), "x"
				}
				n++
				if _, err := s.Apply(b.Context(), writes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*group), "µs/write")
		})
	}
}
