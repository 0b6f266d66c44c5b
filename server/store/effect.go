package store

import (
	"encoding/json"
	"math"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Author is whose a write is, where there are accounts. Account is empty for the operator's
// command, Device for a program that does not say.
type Author struct {
	Account, Device string
	// Keep keeps the text that the write replaces, so that it can be restored.
	Keep bool
}

// Effect is a change with its author. Replaced is the document before it: nil for a create, or if
// it is not kept.
type Effect struct {
	Change   int64
	EntityID string
	Version  int64 // after it
	Type     api.OperationType
	Account  string
	Device   string
	At       time.Time
	Made     time.Time // by the device's clock; zero if it did not say
	Replaced json.RawMessage
}

// effectOf is the effect of a write that replaces a row, or nil, by another.
func effectOf(w Write, current, next *Row) Effect {
	e := Effect{Change: next.Change, EntityID: next.ID, Version: next.Version, Type: w.Type,
		Account: w.Author.Account, Device: w.Author.Device, At: next.UpdatedAt, Made: w.CreatedAt}
	if !e.Made.IsZero() {
		e.Made = Timestamp(e.Made)
	}
	if w.Author.Keep && current != nil {
		e.Replaced = current.Document
	}
	return e
}

// MaxPast is how many of an entity's changes a Past has at most.
const MaxPast = 200

// Latest is the change up to which a whole Past is.
const Latest = math.MaxInt64

// Past is an entity with its latest effects up to a change, the newest first. Current is nil if there never was
// such an entity, or nothing is left of it.
type Past struct {
	Current *Row
	Effects []Effect
}

// Before returns the state that an effect replaced; false if it is not kept. A deleted user's is the
// zero User.
func (p Past) Before(i int) (api.User, bool) {
	e := p.Effects[i]
	if len(e.Replaced) == 0 {
		return api.User{}, e.Type == api.Create
	}
	var u api.User
	return u, json.Unmarshal(e.Replaced, &u) == nil
}

// After returns the state that an effect left. It is known from what came next: false if that is not
// kept, or something came between that had no author.
func (p Past) After(i int) (api.User, bool) {
	e := p.Effects[i]
	switch {
	case e.Type == api.Delete:
		return api.User{}, true
	case i > 0:
		u, ok := p.Before(i - 1)
		return u, ok && u.Version == e.Version
	case p.Current == nil || p.Current.Change != e.Change:
		return api.User{}, false
	}
	u, err := p.Current.User()
	return u, err == nil
}
