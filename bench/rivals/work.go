package main

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
)

// Names of works in the report and its goals.
const (
	createOne   = "create"
	createBatch = "batch"
	readList    = "list"
	readChanges = "changes"
)

// work is a workload: a number of connections, each of which sends a request, reads the whole
// answer and sends the next.
type work struct {
	Name        string
	Connections int
	Rows        int // in each request or answer
}

func (w work) String() string {
	return fmt.Sprintf("%s %d at %d", w.Name, w.Rows, w.Connections)
}

// works returns the works that read, or those that write.
func works(reads bool) []work {
	if reads {
		return []work{{readList, 16, 100}, {readChanges, 16, 100}, {readChanges, 16, 1000}}
	}
	return []work{{createOne, 1, 1}, {createOne, 16, 1}, {createOne, 64, 1}, {createBatch, 16, 100}}
}

// doneBy reports whether a server supports the work.
func (w work) doneBy(d dialect) bool {
	switch w.Name {
	case readList:
		return d.offers(list)
	case readChanges:
		return d.offers(changes)
	}
	return true
}

// session is the part of one connection: next makes its next request, check checks the answer.
type session interface {
	next(*request)
	check(answer) error
}

// session returns the session of a connection. There are preloaded rows to read.
func (w work) session(d dialect, preloaded int) session {
	switch w.Name {
	case createOne:
		return &creating{d: d}
	case createBatch:
		return &batching{d: d, people: make([]person, w.Rows)}
	case readList:
		return &reading{d: d, kind: list, rows: w.Rows, pages: preloaded / w.Rows}
	}
	return &reading{d: d, kind: changes, rows: w.Rows, pages: preloaded / w.Rows}
}

type creating struct{ d dialect }

func (s *creating) next(r *request)      { s.d.create(r, newPerson()) }
func (s *creating) check(a answer) error { return s.d.created(a) }

type batching struct {
	d      dialect
	people []person
}

func (s *batching) next(r *request) {
	for i := range s.people {
		s.people[i] = newPerson()
	}
	s.d.batch(r, s.people)
}

func (s *batching) check(a answer) error { return s.d.saved(a, len(s.people)) }

// reading reads all pages from the first to the last, again and again.
type reading struct {
	d           dialect
	kind        kind
	rows, pages int
	at          place
}

func (s *reading) next(r *request) { s.d.page(r, s.kind, s.at, s.rows) }

func (s *reading) check(a answer) error {
	next, err := s.d.turn(a, s.kind, s.at, s.rows)
	if next.page == s.pages {
		next = place{}
	}
	s.at = next
	return err
}

// people counts the people made up, so that emails are unique.
var people atomic.Int64

var givenNames = []string{"Amara", "Bjarne", "Chiara", "Dilnoza", "Emeka", "Farida", "Goran", "Hanneke", "Ioana", "Jakub", "Keiko", "Lwazi", "Mireille", "Nadia", "Oisín", "Priya"}

var surnames = []string{"Okafor", "Lindqvist", "Moretti", "Yusupova", "Adeyemi", "Haddad", "Petrović", "de Vries", "Popescu", "Nowak", "Tanaka", "Dlamini", "Laurent", "Haidari", "Byrne", "Raman"}

// newPerson makes up a person with a bio of two sentences.
func newPerson() person {
	n := people.Add(1)
	number := strconv.FormatInt(n, 10)
	return person{
		id:    newID(),
		name:  givenNames[n%16] + " " + surnames[n/16%16] + " " + number,
		email: "person" + number + "@example.org",
		bio:   "Looks after the stores at site " + number + " and has the keys. Speaks four languages; call after nine, or leave a message with the clinic.",
	}
}

// newID returns a random UUID of version 4.
func newID() string {
	var b [16]byte
	high, low := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		b[i], b[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var t [36]byte
	hex.Encode(t[:8], b[:4])
	hex.Encode(t[9:13], b[4:6])
	hex.Encode(t[14:18], b[6:8])
	hex.Encode(t[19:23], b[8:10])
	hex.Encode(t[24:], b[10:])
	t[8], t[13], t[18], t[23] = '-', '-', '-', '-'
	return string(t[:])
}
