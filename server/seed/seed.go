// Package seed fills a directory with made-up people. The same seed makes the same people
// with the same ids, so that seeding again adds none.
package seed

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// MaxPeople is the most people that Add makes up.
const MaxPeople = 10_000_000

// Directory is what Add needs of a store.
type Directory interface {
	Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error)
}

// Add adds the first n people of a seed. It returns how many it added; the others, or their
// emails, existed already.
func Add(ctx context.Context, to Directory, n int, seed uint64) (added int, err error) {
	people := newPeople(seed)
	for done := 0; done < n; {
		var writes []store.Write
		for ; len(writes) < api.MaxOperations && done < n; done++ {
			id, patch := people.next()
			writes = append(writes, store.Write{ID: id, EntityID: id, Type: api.Create, Patch: patch})
		}
		outcomes, err := to.Apply(ctx, writes)
		if err != nil {
			return added, fmt.Errorf("add people %d to %d: %w", done-len(writes)+1, done, err)
		}
		for _, o := range outcomes {
			if o.First == api.Applied {
				added++
			}
		}
	}
	return added, nil
}

// people makes up people, no two with one email.
type people struct {
	random *rand.Rand
	emails map[string]int // local part to how many have it
}

func newPeople(seed uint64) *people {
	return &people{random: rand.New(rand.NewPCG(seed, 0x726f6c6c63616c6c)), emails: map[string]int{}}
}

func (p *people) next() (id string, patch api.UserPatch) {
	given, family := pick(p, givenNames), pick(p, familyNames)
	name := given + " " + family
	local := strings.ReplaceAll(ascii(given)+"."+ascii(family), " ", "-")
	p.emails[local]++
	if n := p.emails[local]; n > 1 {
		local = fmt.Sprintf("%s%d", local, n)
	}
	email := local + "@" + pick(p, domains)
	var bio string
	// In most directories, some people have no bio.
	if p.random.IntN(4) > 0 {
		bio = fmt.Sprintf("%s, %s. %s", pick(p, roles), pick(p, places), pick(p, notes))
	}
	return p.uuid(), api.UserPatch{Name: &name, Email: &email, Bio: &bio}
}

func pick(p *people, from []string) string { return from[p.random.IntN(len(from))] }

func (p *people) uuid() string {
	var b uuid.UUID
	binary.BigEndian.PutUint64(b[:8], p.random.Uint64())
	binary.BigEndian.PutUint64(b[8:], p.random.Uint64())
	b[6] = b[6]&0x0f | 0x40 // version 4
	b[8] = b[8]&0x3f | 0x80 // variant of RFC 9562
	return b.String()
}

// folded replaces the letters of names that don't belong in an email address.
var folded = strings.NewReplacer("á", "a", "ã", "a", "å", "a", "ä", "ae", "ć", "c", "ç", "c", "é", "e", "í", "i",
	"ł", "l", "ñ", "n", "ó", "o", "ö", "oe", "ø", "oe", "ş", "s", "š", "s", "ü", "ue", "ı", "i", "ğ", "g", "'", "")

func ascii(name string) string { return folded.Replace(strings.ToLower(name)) }
