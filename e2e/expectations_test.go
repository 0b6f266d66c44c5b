//go:build e2e

package e2e_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/rollcall/rollcall/e2e/harness"
)

// fields are the fields of a user.
type fields struct{ Name, Email, Bio string }

// expectations is the model that a browser is checked against: the users that must be there
// after the acknowledged writes, by name, and the write that is pending.
type expectations struct {
	random *rand.Rand

	mu           sync.Mutex
	known        map[string]fields
	history      []string // of writes and their outcomes
	pending      *harness.Write
	removed      *fields // by the previous write, to be undone
	numbers      int
	acknowledged int
	kept, undone int // pending writes that were found saved, and not
}

func newExpectations(random *rand.Rand) *expectations {
	return &expectations{random: random, known: map[string]fields{}}
}

// Bounds of the number of users. The list shows all of them at once.
const (
	fewPeople  = 4
	manyPeople = 30
)

// begin draws the next write, which is pending from now on. Its texts are unique.
func (p *expectations) begin() harness.Write {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.numbers++
	n := p.numbers
	w := harness.Write{Number: n}
	name, email, bio := fmt.Sprintf("Person %04d", n), fmt.Sprintf("person-%04d@example.org", n), fmt.Sprintf("Typed in write %d", n)
	dice := p.random.IntN(100)
	switch {
	case p.removed != nil && dice < 40:
		w.Kind, w.Who = "undo", p.removed.Name
	case len(p.known) < fewPeople || dice < 35 && len(p.known) < manyPeople:
		w.Kind, w.Name, w.Email, w.Bio = "add", name, email, bio
	case dice < 80 && len(p.known) < manyPeople:
		w.Kind, w.Who = "edit", p.somebody()
		switch p.random.IntN(4) {
		case 0:
			w.Name = name
		case 1:
			w.Email = email
		case 2:
			w.Bio = bio
		case 3:
			w.Name, w.Email, w.Bio = name, email, bio
		}
	default:
		w.Kind, w.Who = "delete", p.somebody()
	}
	p.pending = &w
	p.history = append(p.history, fmt.Sprintf("%+v", w))
	return w
}

func (p *expectations) somebody() string {
	names := slices.Sorted(maps.Keys(p.known))
	return names[p.random.IntN(len(names))]
}

// observe handles an event of the driver: an acknowledged write must last.
func (p *expectations) observe(event harness.WriteEvent) {
	if event.Moment != "acknowledged" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == nil || p.pending.Number != event.Number {
		return
	}
	p.settle(true)
	p.acknowledged++
	p.history = append(p.history, fmt.Sprintf("%d was acknowledged", event.Number))
}

// settle ends the pending write, which has taken effect or not.
func (p *expectations) settle(done bool) {
	w := *p.pending
	p.pending = nil
	if !done {
		p.removed = nil
		return
	}
	was := p.known[w.Who]
	p.known = p.after(w)
	p.removed = nil
	if w.Kind == "delete" {
		p.removed = &was
	}
}

// after returns the users once w has taken effect.
func (p *expectations) after(w harness.Write) map[string]fields {
	next := maps.Clone(p.known)
	if w.Kind == "undo" {
		next[p.removed.Name] = *p.removed
		return next
	}
	is := next[w.Who]
	delete(next, w.Who)
	if w.Kind == "delete" {
		return next
	}
	is.Name = cmp.Or(w.Name, is.Name)
	is.Email = cmp.Or(w.Email, is.Email)
	is.Bio = cmp.Or(w.Bio, is.Bio)
	next[is.Name] = is
	return next
}

// story returns the history, for the log of a failed test.
func (p *expectations) story() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.history, "\n")
}

// resolve checks what was found: everything acknowledged, and the pending write wholly or
// not at all. It settles the pending write by that.
func (p *expectations) resolve(found map[string]fields) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.history = append(p.history, fmt.Sprintf("the device has %v", slices.Sorted(maps.Keys(found))))
	if maps.Equal(found, p.known) {
		if p.pending != nil {
			p.settle(false)
			p.undone++
		}
		p.removed = nil
		return nil
	}
	if p.pending == nil {
		return fmt.Errorf("not as acknowledged: %s", difference(found, p.known))
	}
	w := *p.pending
	if after := p.after(w); !maps.Equal(found, after) {
		return fmt.Errorf("not as acknowledged: %s; nor with %+v, which was pending: %s",
			difference(found, p.known), w, difference(found, after))
	}
	p.settle(true)
	p.kept++
	p.removed = nil // the page that offered to undo it is gone
	return nil
}

// now returns the users while no write is pending.
func (p *expectations) now() map[string]fields {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known
}

// count adds the counts to the figures.
func (p *expectations) count(f *figures) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.acknowledged += p.acknowledged
	f.kept += p.kept
	f.undone += p.undone
}

// difference says which users are lost, unexpected or different.
func difference(found, want map[string]fields) string {
	var said []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		switch is, ok := found[name]; {
		case !ok:
			said = append(said, fmt.Sprintf("%+v is lost", want[name]))
		case is != want[name]:
			said = append(said, fmt.Sprintf("%+v should be %+v", is, want[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if _, ok := want[name]; !ok {
			said = append(said, fmt.Sprintf("%+v is unexpected", found[name]))
		}
	}
	return strings.Join(said, ", ")
}
