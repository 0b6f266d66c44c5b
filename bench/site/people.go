// Package site has the people that clients are measured with, and the real server with
// them.
package site

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
)

// LeastPeople is how many people a measurement needs: fewer leave nothing to scroll to.
const LeastPeople = 200

// Person is a person as a server's JSON has them.
type Person struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Bio       string    `json:"bio"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

var (
	givenNames = strings.Fields("Ada Alan Barbara Brian Claude Dennis Donald Edsger Frances Grace Guido Hedy Ivan James Jean John Karen Katherine Ken Leslie Linus Margaret Niklaus Peter Radia Robin Sophie Tim Vint Whitfield")
	surnames   = strings.Fields("Allen Backus Berners Cerf Clarke Dijkstra Engelbart Floyd Goldberg Hamilton Hoare Hopper Johnson Kay Knuth Lamport Liskov Lovelace Milner Minsky Naur Perlman Ritchie Sammet Shannon Sparck Stroustrup Thompson Turing Wirth")
	words      = strings.Fields("river stone amber quiet market signal harbor orchard cinder velvet copper lantern meadow winter summit thread garden pepper silver window")
)

// bioLength is the length of each bio, in bytes.
const bioLength = 200

// People makes up n people, the same ones for the same seed. Names are unique, and in ASCII:
// every contender sorts them alike.
func People(n int, seed uint64) []Person {
	random := rand.New(rand.NewPCG(seed, 1))
	began := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(seed) * 24 * time.Hour)
	people := make([]Person, n)
	for i := range people {
		given, surname := givenNames[random.IntN(len(givenNames))], surnames[random.IntN(len(surnames))]
		var bio strings.Builder
		for bio.Len() < bioLength {
			bio.WriteString(words[random.IntN(len(words))] + " ")
		}
		at := began.Add(time.Duration(i) * time.Second)
		people[i] = Person{
			ID: newID(random), Name: fmt.Sprintf("%s %s %06d", given, surname, i),
			Email: strings.ToLower(fmt.Sprintf("%s.%s.%d.%d@example.com", given, surname, seed, i)),
			Bio:   strings.TrimSpace(bio.String()[:bioLength]), CreatedAt: at, UpdatedAt: at,
		}
	}
	return people
}

// newID returns a UUID of version 4.
func newID(random *rand.Rand) string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(random.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}
