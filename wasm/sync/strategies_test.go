package sync

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

var (
	allStrategies = []StrategyName{LastWriteWins, ServerWins, ClientWins, Merge}
	anyStamps     = []api.Stamp{"", earlier, later, "no stamp", "ffffffffffff-ffff-zzzzzzzz"}
	anyDocuments  = []string{``, `null`, `{}`, `{"name":"a","email":"b","bio":"c"}`, `{"name":"x","other":1}`, `[]`, `7`, `{"name":`}
)

// drawCase is any case, also one that no server or storage should ever make.
func drawCase(t *rapid.T) Case {
	text := func(label string) json.RawMessage {
		return json.RawMessage(rapid.SampledFrom(anyDocuments).Draw(t, label))
	}
	return Case{
		Mine: queue.Operation{
			ID: "1", Ref: queue.Ref{Type: "user", ID: "1"},
			Type: rapid.SampledFrom([]api.OperationType{api.Create, api.Update, api.Delete}).Draw(t, "type"),
			Data: text("data"), Base: text("base"), BaseVersion: rapid.Int64Range(0, 3).Draw(t, "base version"),
			Stamp: rapid.SampledFrom(anyStamps).Draw(t, "my stamp"),
		},
		Theirs: text("theirs"), Version: rapid.Int64Range(0, 5).Draw(t, "version"),
		Stamp: rapid.SampledFrom(anyStamps).Draw(t, "their stamp"), Fields: fields,
	}
}

// TestResolveIsTotal: there is no case, however broken, without a decision that
// can be carried out: what is sent is a whole operation, and a value that is not
// kept is never passed over in silence.
func TestResolveIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(append(allStrategies, "unknown")).Draw(t, "strategy")
		c := drawCase(t)
		d := Resolve(ParseStrategy(string(s)), c)
		if !slices.Contains([]queue.Side{queue.Mine, queue.Theirs, queue.Both}, d.Kept) {
			t.Fatalf("kept %q", d.Kept)
		}
		if d.Send {
			whole(t, c, d)
		}
		for _, f := range d.Fields {
			if f.Kept == queue.Theirs && !queue.EqualJSON(f.Mine, f.Theirs) && len(f.Mine) > 0 && !d.Lost {
				t.Fatalf("my %s %s is lost without a word", f.Name, f.Mine)
			}
		}
		again := Resolve(ParseStrategy(string(s)), c)
		if again.Send != d.Send || again.Type != d.Type || string(again.Data) != string(d.Data) || again.Kept != d.Kept || again.Lost != d.Lost {
			t.Fatalf("decided %+v, then %+v", d, again)
		}
	})
}

// whole checks that a decision can be sent on what is there.
func whole(t *rapid.T, c Case, d Decision) {
	data := queue.Decode(d.Data)
	switch {
	case d.Type == api.Delete && (len(d.Data) > 0 || queue.IsNull(c.Theirs)):
		t.Fatalf("a delete of %s with %s", c.Theirs, d.Data)
	case d.Type == api.Create && !queue.IsNull(c.Theirs):
		t.Fatalf("a create over %s", c.Theirs)
	case d.Type == api.Update && (queue.IsNull(c.Theirs) || len(data) == 0):
		t.Fatalf("an update of %s with %s", c.Theirs, d.Data)
	case d.Type != api.Delete && data == nil:
		t.Fatalf("%s with %s", d.Type, d.Data)
	}
}

// arrive has the server take first, and second's device settle with that; it
// returns the row that all will have.
func arrive(s StrategyName, first, second queue.Operation, base queue.Fields) string {
	server := first.ApplyTo(base.Encode())
	d := Resolve(s, Case{Mine: second, Theirs: server, Version: 2, Stamp: first.Stamp, Fields: fields})
	if !d.Send {
		return string(server)
	}
	return string(queue.Operation{Type: d.Type, Data: d.Data}.ApplyTo(server))
}

// TestStrategiesOfTheOrder: two devices have changed the same fields. Under
// lastWriteWins and merge it does not matter who comes first, under serverWins the
// first one stays, under clientWins the second.
func TestStrategiesOfTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := drawDocument(t, "base")
		a, b := drawUpdate(t, "a", base, earlier), drawUpdate(t, "b", base, later)
		b.Data = changeAll(base, queue.Decode(a.Data)).Encode()
		for _, s := range []StrategyName{LastWriteWins, Merge} {
			if first, second := arrive(s, a, b, base), arrive(s, b, a, base); first != second {
				t.Fatalf("%s: a then b makes %s, b then a %s", s, first, second)
			}
		}
		alone := func(o queue.Operation) string { return string(o.ApplyTo(base.Encode())) }
		if got := arrive(ServerWins, a, b, base); got != alone(a) {
			t.Fatalf("serverWins makes %s of %s", got, alone(a))
		}
		if got := arrive(ClientWins, a, b, base); got != alone(b) {
			t.Fatalf("clientWins makes %s of %s", got, alone(b))
		}
	})
}

// changeAll sets the fields that a patch sets to what neither has.
func changeAll(base, patch queue.Fields) queue.Fields {
	out := queue.Fields{}
	for name, value := range patch {
		for _, v := range []string{`"a"`, `"b"`, `"c"`} {
			if v != string(value) && v != string(base[name]) {
				out[name] = json.RawMessage(v)
			}
		}
	}
	return out
}

// TestTiesGoToTheServer: of two writes of one stamp the one that arrived first
// stays, on whichever device that is decided.
func TestTiesGoToTheServer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stamp := rapid.SampledFrom(anyStamps).Draw(t, "stamp")
		base := drawDocument(t, "base")
		a, b := drawUpdate(t, "a", base, stamp), drawUpdate(t, "b", base, stamp)
		if got, want := arrive(LastWriteWins, a, b, base), string(a.ApplyTo(base.Encode())); got != want {
			t.Fatalf("lastWriteWins makes %s, not %s", got, want)
		}
		merged, theirs := queue.Decode(json.RawMessage(arrive(Merge, a, b, base))), queue.Decode(a.Data)
		for name, value := range theirs {
			if !queue.EqualJSON(merged[name], value) {
				t.Fatalf("merge gave %s to %s, not to %s, which was there", name, merged[name], value)
			}
		}
	})
}
