package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

const maxSeed = 10_000_000

// seed fills a database with made-up people. The same -seed makes the same people with
// the same ids, so that seeding again adds none.
func seed(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("seed", flag.ContinueOnError)
	n := flags.Int("n", 1000, "how many `people`")
	number := flags.Uint64("seed", 1, "`number` that decides who they are")
	db := databaseFlag(flags)
	if err := parse(flags, args, stderr); err != nil {
		return flagResult(err)
	}
	if *n < 1 || *n > maxSeed {
		return usageError(stderr, fmt.Sprintf("-n must be from 1 to %d", maxSeed))
	}
	s, err := openDatabase(ctx, *db, hooks{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	people := newPeople(*number)
	var added, had int
	for done := 0; done < *n; {
		var writes []store.Write
		for ; len(writes) < api.MaxOperations && done < *n; done++ {
			id, patch := people.next()
			writes = append(writes, store.Write{ID: id, EntityID: id, Type: api.Create, Patch: patch})
		}
		outcomes, err := s.Apply(ctx, writes)
		if err != nil {
			return fmt.Errorf("add people %d to %d: %w", done-len(writes)+1, done, err)
		}
		for _, o := range outcomes {
			if o.First == api.Applied {
				added++
			} else {
				had++
			}
		}
	}
	text := fmt.Sprintf("added %d people to %s\n", added, nameOf(*db))
	if had > 0 {
		text = fmt.Sprintf("added %d people to %s; %d were there already, or their email was\n", added, nameOf(*db), had)
	}
	return say(stdout, text)
}

// people makes up one person after the other, no two with one email.
type people struct {
	random *rand.Rand
	emails map[string]int // local part to how often it was made
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
	// Most directories have people of whom nobody wrote more than the name.
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

// folded are the letters of the names below that don't belong in an email.
var folded = strings.NewReplacer("á", "a", "ã", "a", "å", "a", "ä", "ae", "ć", "c", "ç", "c", "é", "e", "í", "i",
	"ł", "l", "ñ", "n", "ó", "o", "ö", "oe", "ø", "oe", "ş", "s", "š", "s", "ü", "ue", "ı", "i", "ğ", "g", "'", "")

func ascii(name string) string { return folded.Replace(strings.ToLower(name)) }
