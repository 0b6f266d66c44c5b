package sync

import (
	"fmt"
	"reflect"
	"strings"
	stdsync "sync"

	"github.com/rollcall/rollcall/wasm/queue"
)

// Wiring collects the mistakes in how a program puts its parts together. They are the
// programmer's, so they end the program where they are made, with all of them named.
type Wiring struct {
	// Of is what is put together, such as "sync.New".
	Of       string
	mistakes []string
}

// Need notes that a part is missing: nil, or a nil pointer, function or map within an
// interface.
func (w *Wiring) Need(name string, part any) {
	v := reflect.ValueOf(part)
	switch v.Kind() {
	case reflect.Invalid:
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan:
		if !v.IsNil() {
			return
		}
	default:
		return
	}
	w.Add(name + " is missing")
}

// Add notes a mistake.
func (w *Wiring) Add(mistake string) { w.mistakes = append(w.mistakes, mistake) }

// Schemas checks schemas and returns their types.
func (w *Wiring) Schemas(schemas ...queue.Schema) []string {
	var types []string
	known := map[string]bool{}
	for _, s := range schemas {
		switch {
		case s.Type == "":
			w.Add("a Schema has no Type")
		case known[s.Type]:
			w.Add(fmt.Sprintf("two Schemas have the type %q", s.Type))
		}
		if len(s.Fields) == 0 {
			w.Add(fmt.Sprintf("the Schema %q has no Fields", s.Type))
		}
		w.Need(fmt.Sprintf("Index of the Schema %q", s.Type), s.Index)
		known[s.Type] = true
		types = append(types, s.Type)
	}
	return types
}

// Checked is a part that can check its own wiring, for the entity types it will serve.
type Checked interface {
	Check(w *Wiring, types []string)
}

// Part checks a part that can check itself.
func (w *Wiring) Part(part any, types []string) {
	if c, ok := part.(Checked); ok && !reflect.ValueOf(part).IsZero() {
		c.Check(w, types)
	}
}

// Bus notes that the other side uses this end of the bus already.
func (w *Wiring) Bus(bus Bus, side string) {
	end, ok := bus.(interface{ Claim(side string) (by string) })
	if !ok || reflect.ValueOf(bus).IsZero() {
		return
	}
	if by := end.Claim(side); by != side {
		w.Add(fmt.Sprintf("Bus is the end that the %s uses: neither receives what the other publishes; give each its own end of the channel", by))
	}
}

// Err returns the mistakes, nil for none.
func (w *Wiring) Err() error {
	if len(w.mistakes) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s", w.Of, strings.Join(w.mistakes, "; "))
}

// Must panics if there are mistakes.
func (w *Wiring) Must() {
	if err := w.Err(); err != nil {
		panic(err)
	}
}

// BusEnd remembers which side uses an end of a bus. A Bus embeds it to have two sides on
// one end noticed: a message never comes back to the end that published it.
type BusEnd struct {
	mu   stdsync.Mutex
	side string
}

// Sides of a bus.
const (
	EngineSide = "engine"
	PageSide   = "collection"
)

// Claim takes the end for a side, unless the other has it, and returns whose it is.
func (e *BusEnd) Claim(side string) (by string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.side == "" {
		e.side = side
	}
	return e.side
}
