package api_test

import (
	"testing"

	"github.com/rollcall/rollcall/api"
)

// BenchmarkWrite is what each written person costs beside JSON and the database: the stored
// form of the texts, what they are found by, and the hash for the digest.
func BenchmarkWrite(b *testing.B) {
	for _, person := range []struct{ kind, name, email, bio string }{
		{"ASCII", "Chiara Lindqvist", "chiara.lindqvist@example.org", "Looks after the stores and has the keys; call after nine."},
		{"others", "Oisín Petrović", "oisín@bücher.example", "Führt das Lager und hat die Schlüssel; bitte nach neun anrufen."},
	} {
		b.Run(person.kind, func(b *testing.B) {
			document := []byte(`{"name":"` + person.name + `","email":"` + person.email + `","bio":"` + person.bio + `"}`)
			b.ReportAllocs()
			for b.Loop() {
				p, wrong := api.UserPatch{Name: &person.name, Email: &person.email, Bio: &person.bio}.Clean(true)
				if len(wrong) > 0 {
					b.Fatal(wrong)
				}
				api.EmailKey(*p.Email)
				api.Index(*p.Name, *p.Email)
				api.ContentHash(document)
			}
		})
	}
}
