package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// call is what a client asked of one user: an operation, or to read it when Type
// is empty.
type call struct {
	entity string
	op     string
	kind   api.OperationType
	base   int64
	name   string
}

// told is what it was answered. Exists and name are of the user as it was shown.
type told struct {
	status  api.Status
	version int64
	exists  bool
	name    string
}

// register is a user as far as it matters here. Settled are the operations that
// have taken effect or found that there was nothing to do, in order of their ids.
type register struct {
	version int64
	exists  bool
	name    string
	settled string
}

func (r register) show(status api.Status) told { return told{status, r.version, r.exists, r.name} }

// after is the register when the call is over, and the answer.
func (r register) after(c call) (register, told) {
	if c.kind == "" {
		if !r.exists {
			return r, told{}
		}
		return r, r.show("")
	}
	mark := "[" + c.op + "]"
	for at := 0; at+len(mark) <= len(r.settled); at += len(mark) {
		if r.settled[at:at+len(mark)] == mark {
			return r, r.show(api.Duplicate)
		}
	}
	status := r.decide(c)
	switch status {
	case api.Applied:
		r.version, r.exists, r.name = r.version+1, c.kind != api.Delete, c.name
	case api.Conflict:
		return r, r.show(status)
	}
	r.settled = insert(r.settled, mark)
	return r, r.show(status)
}

func (r register) decide(c call) api.Status {
	current := c.base == r.version
	switch {
	case c.kind == api.Delete && !r.exists:
		return api.Duplicate
	case c.kind == api.Create && !r.exists && (current || r.version == 0):
		return api.Applied
	case c.kind != api.Create && r.exists && current:
		return api.Applied
	case c.kind != api.Delete && r.exists && r.name == c.name:
		return api.Duplicate
	}
	return api.Conflict
}

// insert keeps marks in order, so that equal sets are equal texts.
func insert(marks, mark string) string {
	at := 0
	for at < len(marks) && marks[at:at+len(mark)] < mark {
		at += len(mark)
	}
	return marks[:at] + mark + marks[at:]
}

var registers = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byEntity := map[string][]porcupine.Operation{}
		var order []string
		for _, o := range history {
			id := o.Input.(call).entity
			if byEntity[id] == nil {
				order = append(order, id)
			}
			byEntity[id] = append(byEntity[id], o)
		}
		var out [][]porcupine.Operation
		for _, id := range order {
			out = append(out, byEntity[id])
		}
		return out
	},
	Init: func() any { return register{} },
	Step: func(state, input, output any) (bool, any) {
		next, want := state.(register).after(input.(call))
		return want == output.(told), next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
}

// testLinearizable: what clients do to single users at the same time, replays
// included, has the outcomes of some order one after the other in which each
// comes between its call and its answer.
func testLinearizable(t *testing.T, b *bench) {
	result, err := Linearizable(b.Context(), b.store)
	switch {
	case err != nil:
		t.Fatal(err)
	case result == porcupine.Illegal:
		t.Error("the outcomes fit no order of the calls")
	case result == porcupine.Unknown:
		t.Error("no order of the calls was found in time")
	}
}

// Linearizable has six clients create, update, delete and read three users at the
// same time, and send some of it again, and looks for an order of all calls that
// explains what they were answered.
func Linearizable(ctx context.Context, s Store) (porcupine.CheckResult, error) {
	const clients, calls = 6, 60
	entities := []string{uuid.NewString(), uuid.NewString(), uuid.NewString()}
	var mu sync.Mutex
	var history []porcupine.Operation
	errs := together(clients, func(i int) error {
		c := &caller{ctx: ctx, store: s, rng: rand.New(rand.NewPCG(uint64(i), 7)), seen: map[string]told{}}
		for range calls {
			in := c.next(entities)
			begin := time.Now().UnixNano()
			out, err := c.do(in)
			end := time.Now().UnixNano()
			if err != nil {
				return err
			}
			mu.Lock()
			history = append(history, porcupine.Operation{ClientId: i, Input: in, Call: begin, Output: out, Return: end})
			mu.Unlock()
		}
		return nil
	})
	if len(errs) > 0 {
		return porcupine.Unknown, errors.Join(errs...)
	}
	return porcupine.CheckOperationsTimeout(registers, history, 30*time.Second), nil
}

// caller is one of the clients.
type caller struct {
	ctx   context.Context
	store Store
	rng   *rand.Rand
	seen  map[string]told // by entity, lately
	sent  []call
}

// next is a read, an operation on what was seen lately or on something near it,
// or one that was sent before.
func (c *caller) next(entities []string) call {
	id := entities[c.rng.IntN(len(entities))]
	switch n := c.rng.IntN(10); {
	case n < 2:
		return call{entity: id}
	case n < 4 && len(c.sent) > 0:
		return c.sent[c.rng.IntN(len(c.sent))]
	}
	seen := c.seen[id]
	in := call{entity: id, op: uuid.NewString(), base: seen.version, name: fmt.Sprint("N", c.rng.IntN(4))}
	switch {
	case !seen.exists:
		in.kind = api.Create
	case c.rng.IntN(4) == 0:
		in.kind, in.name = api.Delete, ""
	default:
		in.kind = api.Update
	}
	if in.kind != api.Create && c.rng.IntN(6) == 0 {
		in.base = max(0, in.base-1)
	}
	c.sent = append(c.sent, in)
	return in
}

// do makes the call.
func (c *caller) do(in call) (told, error) {
	if in.kind == "" {
		row, err := c.store.User(c.ctx, in.entity)
		if errors.Is(err, store.ErrNotFound) {
			return told{}, nil
		}
		if err != nil {
			return told{}, err
		}
		out, err := tell(row.Version, row.Document)
		c.seen[in.entity] = out
		return out, err
	}
	o := op(in.entity, in.kind, in.base, "")
	o.ID = in.op
	switch in.kind {
	case api.Create:
		o.Data = []byte(person(in.name, in.entity+"@example.org"))
	case api.Update:
		o.Data = fmt.Appendf(nil, `{"name":%q}`, in.name)
	}
	outcomes, err := try(c.ctx, c.store, o)
	if err != nil {
		return told{}, err
	}
	r := outcomes[0].Result
	if !slices.Contains([]api.Status{api.Applied, api.Duplicate, api.Conflict}, r.Status) {
		return told{}, fmt.Errorf("answered %+v", r)
	}
	out, err := tell(r.Version, r.Document)
	out.status = r.Status
	c.seen[in.entity] = out
	return out, err
}

func tell(version int64, document json.RawMessage) (told, error) {
	if len(document) == 0 {
		return told{version: version}, nil
	}
	var u api.User
	if err := json.Unmarshal(document, &u); err != nil {
		return told{}, fmt.Errorf("decode a document: %w", err)
	}
	return told{version: version, exists: true, name: u.Name}, nil
}
