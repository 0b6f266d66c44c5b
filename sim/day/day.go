// Package day is what a device and everybody else do in a day in which the device
// has no network: thousands of operations, of which some meet what others did
// meanwhile. It says what must have become of all users when the device is back.
//
// The device's part goes through the product's own code, natively over the store in
// memory and in a browser over IndexedDB.
package day

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	stdsync "sync"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
)

// Day is a day's size: how many operations wait at its end. Six of ten are about
// users that were there before.
type Day struct{ Operations int }

// Length is how long the device is without a network.
const Length = 24 * time.Hour

// What happens to a user that was there before, by its number modulo cycle. All
// others the device changes, and nobody else.
const (
	cycle        = 60
	bothChange   = 0 // the same field; the others are later
	eachAnother  = 1 // the device one field, the others another
	othersDelete = 2 // what the device changed
	sentBefore   = 3 // the device had sent a change when the network went, and makes another
	othersChange = 5 // what the device deletes
	deleteEach   = 6 // the device deletes numbers 5, 11, 17 …
)

// takenEach newcomers there is one whose email somebody else takes meanwhile.
const takenEach = 75

// hadToWait is the delay of operations that waited to be sent again when the network went.
const hadToWait = 5 * time.Minute

// Users is how many there are before.
func (d Day) Users() int { return d.Operations * 6 / 10 }

// each is how many users there are of one number modulo cycle.
func (d Day) each() int { return d.Users() / cycle }

// Creates is how many the device makes.
func (d Day) Creates() int { return d.Operations - d.Users() - d.each() }

// Rejected is how many of them have an email that another one took meanwhile.
func (d Day) Rejected() int { return (d.Creates() + takenEach - 1) / takenEach }

// Disputed is the number of conflicts that cost somebody a value, so that a person is
// to look at them.
func (d Day) Disputed() int { return 3 * d.each() }

// Merged is the number of conflicts in which nothing was lost.
func (d Day) Merged() int { return d.each() }

// Changes is how often the device's operations change something at the server,
// each once.
func (d Day) Changes() int {
	deletes := d.Users() / deleteEach
	updates := d.Users() - deletes - 2*d.each() // whatever met a later change or a deletion changes nothing
	return d.Creates() - d.Rejected() + updates + d.each() + deletes
}

func deletes(i int) bool { return i%deleteEach == deleteEach-1 }

// ID is the id of a user that was there before.
func ID(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

// Person is a user's fields.
type Person struct{ Name, Email, Bio string }

func before(i int) Person {
	return Person{fmt.Sprintf("Person %05d", i), fmt.Sprintf("person%05d@example.org", i), "As before"}
}

func created(j int) Person {
	return Person{fmt.Sprintf("Newcomer %05d", j), fmt.Sprintf("newcomer%05d@example.org", j), "Made without a network"}
}

func (p Person) patch() api.UserPatch {
	return api.UserPatch{Name: &p.Name, Email: &p.Email, Bio: &p.Bio}
}

const (
	mine       = "Changed without a network"
	mineLater  = "Changed again without a network"
	theirs     = "Changed by the others"
	theirsName = "Renamed by the others"
)

// Before are the operations that make the users that are there before.
func (d Day) Before() ([]api.Operation, error) {
	var out []api.Operation
	for i := range d.Users() {
		o, err := operation("b", i, api.Create, before(i).patch())
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// Others are the operations of everybody else, after the device's.
func (d Day) Others() ([]api.Operation, error) {
	var out []api.Operation
	var failed error
	add := func(i int, kind api.OperationType, p api.UserPatch) {
		o, err := operation("c", i, kind, p)
		if failed == nil {
			failed = err
		}
		if kind != api.Create {
			o.BaseVersion = 1
		}
		out = append(out, o)
	}
	for i := range d.Users() {
		bio, name := theirs, theirsName
		switch i % cycle {
		case bothChange, othersChange:
			add(i, api.Update, api.UserPatch{Bio: &bio})
		case eachAnother:
			add(i, api.Update, api.UserPatch{Name: &name})
		case othersDelete:
			add(i, api.Delete, api.UserPatch{})
		}
	}
	for j := 0; j < d.Creates(); j += takenEach {
		add(d.Users()+j, api.Create, taker(j).patch())
	}
	return out, failed
}

// taker is who took the email of a newcomer.
func taker(j int) Person {
	p := created(j)
	p.Name = fmt.Sprintf("Somebody else %05d", j)
	return p
}

func operation(prefix string, i int, kind api.OperationType, p api.UserPatch) (api.Operation, error) {
	o := api.Operation{
		ID:         fmt.Sprintf("0000000%s-0000-4000-9000-%012d", prefix, i),
		EntityType: api.EntityUser, EntityID: ID(i), Type: kind,
	}
	if kind == api.Delete {
		return o, nil
	}
	data, err := json.Marshal(p)
	o.Data = data
	return o, err
}

// After are the users the server must have in the end, by email.
func (d Day) After() map[string]Person {
	out := map[string]Person{}
	for i := range d.Users() {
		p := before(i)
		p.Bio = mine
		switch i % cycle {
		case bothChange:
			p.Bio = theirs
		case eachAnother:
			p.Name = theirsName
		case othersDelete:
			continue
		case sentBefore:
			p.Bio = mineLater
		}
		if !deletes(i) {
			out[p.Email] = p
		}
	}
	for j := range d.Creates() {
		p := created(j)
		if j%takenEach == 0 {
			p = taker(j)
		}
		out[p.Email] = p
	}
	return out
}

// Clock is a device's clock that goes on by Step whenever it is read.
type Clock struct {
	mu   stdsync.Mutex
	At   time.Time
	Step time.Duration
}

// Now reads it.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.At = c.At.Add(c.Step)
	return c.At
}

// Clock is one that the device's part of the day takes from start to its end.
func (d Day) Clock(start time.Time) *Clock {
	return &Clock{At: start, Step: Length / time.Duration(2*d.Operations)}
}

// Device is where a day is spent: Users writes to Store.
type Device struct {
	Users *directory.Collection
	Store queue.Store
	Clock *Clock
}

// Spend does the device's part. Every tenth user is changed twice, which coalesces
// to one operation as neither was sent.
func (d Day) Spend(ctx context.Context, device Device) error {
	failed := make([]error, hands)
	var working stdsync.WaitGroup
	for hand := range hands {
		working.Go(func() {
			for i := hand; i < d.Users()+d.Creates() && failed[hand] == nil; i += hands {
				failed[hand] = d.write(ctx, device, i)
			}
		})
	}
	working.Wait()
	return errors.Join(failed...)
}

// hands are at work at once, since a database in a browser has much to wait for.
const hands = 8

// write does what there is to do about a user: those that were there before, and
// then the newcomers.
func (d Day) write(ctx context.Context, device Device, i int) error {
	if i < d.Users() {
		if err := d.change(ctx, device, i); err != nil {
			return fmt.Errorf("write of person %d: %w", i, err)
		}
		return nil
	}
	p := created(i - d.Users())
	if _, err := device.Users.Create(ctx, p.patch()); err != nil {
		return fmt.Errorf("create %s: %w", p.Name, err)
	}
	return nil
}

func (d Day) change(ctx context.Context, device Device, i int) error {
	if deletes(i) {
		_, err := device.Users.Delete(ctx, ID(i))
		return err
	}
	if i%10 == 0 {
		draft := "A draft of what is " + mine
		if err := update(ctx, device, i, draft); err != nil {
			return err
		}
	}
	if err := update(ctx, device, i, mine); err != nil {
		return err
	}
	if i%cycle != sentBefore {
		return nil
	}
	if err := sent(ctx, device, i); err != nil {
		return err
	}
	return update(ctx, device, i, mineLater)
}

func update(ctx context.Context, device Device, i int, bio string) error {
	_, err := device.Users.Update(ctx, ID(i), api.UserPatch{Bio: &bio})
	return err
}

// sent has a user's operation be as if its request had been lost, or answered that
// the server could not decide, just before the network went.
func sent(ctx context.Context, device Device, i int) error {
	at := device.Clock.Now()
	return device.Store.Update(ctx, queue.Txn{Refs: []queue.Ref{{Type: api.EntityUser, ID: ID(i)}}}, func(es []*queue.Entity) error {
		head := es[0].Head()
		if head == nil {
			return fmt.Errorf("user %s has no operation", ID(i))
		}
		if _, ok := es[0].Send(head.ID); !ok {
			return fmt.Errorf("operation %s can't be sent", head.ID)
		}
		if i%(2*cycle) == sentBefore {
			es[0].Fail(head.ID, &api.Problem{Title: "The server could not decide"}, at.Add(hadToWait))
		}
		return nil
	})
}
