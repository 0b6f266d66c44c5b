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

// call is a client's operation on one user, or a read if kind is empty.
type call struct {
	entity string
	op     string
	kind   api.OperationType
	base   int64
	name   string
}

// answer is the result of a call. Exists and name are those of the returned user.
type answer struct {
	status  api.Status
	version int64
	exists  bool
	name    string
}

// register is the model of a user. Settled are the applied and duplicate operations, in the
// order of their ids.
type register struct {
	version int64
	exists  bool
	name    string
	settled string
}

func (r register) show(status api.Status) answer { return answer{status, r.version, r.exists, r.name} }

// after returns the register after a call, and the answer.
func (r register) after(c call) (register, answer) {
	if c.kind == "" {
		if !r.exists {
			return r, answer{}
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

// insert keeps marks sorted, so that equal sets are equal texts.
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
		return want == output.(answer), next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
}

// testLinearizable: concurrent calls on single users, replays included, have the outcomes of
// some sequential order in which each takes effect between its call and its answer.
func testLinearizable(t *testing.T, b *fixture) {
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

// Linearizable has six clients create, update, delete, read and replay on three users
// concurrently, and searches for an order of all calls that explains their answers.
func Linearizable(ctx context.Context, s Store) (porcupine.CheckResult, error) {
	const clients, calls = 6, 60
	entities := []string{uuid.NewString(), uuid.NewString(), uuid.NewString()}
	var mu sync.Mutex
	var history []porcupine.Operation
	errs := together(clients, func(i int) error {
		c := &caller{ctx: ctx, store: s, rng: rand.New(rand.NewPCG(uint64(i), 7)), seen: map[string]answer{}}
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
	seen  map[string]answer // latest, by entity
	sent  []call
}

// next returns a read, an operation on the version seen last or the one before, or a replay.
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
func (c *caller) do(in call) (answer, error) {
	if in.kind == "" {
		row, err := c.store.User(c.ctx, in.entity)
		if errors.Is(err, store.ErrNotFound) {
			return answer{}, nil
		}
		if err != nil {
			return answer{}, err
		}
		out, err := answerOf(row.Version, row.Document)
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
		return answer{}, err
	}
	r := outcomes[0].Result
	if !slices.Contains([]api.Status{api.Applied, api.Duplicate, api.Conflict}, r.Status) {
		return answer{}, fmt.Errorf("answered %+v", r)
	}
	out, err := answerOf(r.Version, r.Document)
	out.status = r.Status
	c.seen[in.entity] = out
	return out, err
}

func answerOf(version int64, document json.RawMessage) (answer, error) {
	if len(document) == 0 {
		return answer{version: version}, nil
	}
	var u api.User
	if err := json.Unmarshal(document, &u); err != nil {
		return answer{}, fmt.Errorf("decode a document: %w", err)
	}
	return answer{version: version, exists: true, name: u.Name}, nil
}
