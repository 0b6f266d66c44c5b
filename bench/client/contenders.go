package main

import "slices"

// contender is a library, or a way to use one.
type contender struct {
	Name    string // in the tables
	Page    string // the script in contenders/
	Options string // for the script, as a query
	npm     string // the package whose version is told, "" for none
	oneTab  bool   // it keeps other tabs out
}

const (
	raw      = "raw"
	again    = "raw, again" // the same once more: what differs is noise
	rollcall = "Rollcall"
)

func contenders() []contender {
	return []contender{
		{Name: raw, Page: "raw"},
		{Name: again, Page: "raw"},
		{Name: rollcall, Page: "rollcall"},
		{Name: "Dexie", Page: "dexie", npm: "dexie"},
		{Name: "RxDB", Page: "rxdb", npm: "rxdb"},
		{Name: "PouchDB", Page: "pouchdb", npm: "pouchdb-browser"},
		{Name: "Replicache", Page: "replicache", npm: "replicache"},
		{Name: "TinyBase", Page: "tinybase", npm: "tinybase"},
		{Name: "TanStack DB", Page: "tanstack", npm: "@tanstack/db"},
		{Name: "SQLite", Page: "sqlite", npm: "@sqlite.org/sqlite-wasm", oneTab: true},
		{Name: "SQLite, tabs", Page: "sqlite", Options: "vfs=opfs"},
	}
}

// order is the order of a round: raw first and once more in the middle, all others by turns
// between them, so that a machine that gets slower favours none.
func order(all []contender, round int) []contender {
	var first, middle, others []contender
	for _, c := range all {
		switch c.Name {
		case raw:
			first = append(first, c)
		case again:
			middle = append(middle, c)
		default:
			others = append(others, c)
		}
	}
	if n := len(others); n > 0 {
		turn := round % n
		others = append(others[turn:n:n], others[:turn]...)
		if round%2 == 1 { // else each would always follow the same one
			slices.Reverse(others)
		}
	}
	half := len(others) / 2
	return slices.Concat(first, others[:half], middle, others[half:])
}
