package sync

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

var fields = []string{"name", "email", "bio"}

const (
	earlier = api.Stamp("000000000001-0000-aaaaaaaa")
	later   = api.Stamp("000000000002-0000-aaaaaaaa")
)

func TestResolve(t *testing.T) {
	update := func(data string) queue.Operation {
		return queue.Operation{Type: api.Update, Data: json.RawMessage(data), Base: json.RawMessage(`{"name":"n","bio":"b"}`), BaseVersion: 1, Stamp: earlier}
	}
	remove := queue.Operation{Type: api.Delete, Base: json.RawMessage(`{"name":"n"}`), BaseVersion: 1, Stamp: earlier}
	restore := queue.Operation{Type: api.Create, Data: json.RawMessage(`{"name":"n"}`), BaseVersion: 2, Stamp: earlier}
	lateDelete := remove
	lateDelete.Stamp = later
	lateUpdate := update(`{"name":"mine"}`)
	lateUpdate.Stamp = later
	const theirName, theirBio = `{"name":"theirs","bio":"b"}`, `{"name":"n","bio":"theirs"}`
	nothing := ""
	tests := []struct {
		name     string
		strategy StrategyName
		mine     queue.Operation
		theirs   string
		stamp    api.Stamp
		want     string // type and data sent
		kept     queue.Side
		lost     bool
	}{
		{"merge, different fields", Merge, update(`{"name":"mine"}`), theirBio, later, `update {"name":"mine"}`, queue.Mine, false},
		{"merge, same field, theirs later", Merge, update(`{"name":"mine"}`), theirName, later, nothing, queue.Theirs, true},
		{"merge, same field, mine later", Merge, lateUpdate, theirName, earlier, `update {"name":"mine"}`, queue.Mine, true},
		{"merge, one of each", Merge, update(`{"name":"mine","bio":"mine"}`), theirName, later, `update {"bio":"mine"}`, queue.Both, true},
		{"merge, same value", Merge, update(`{"name":"theirs"}`), theirName, later, nothing, queue.Both, false},
		{"merge, tie goes to theirs", Merge, update(`{"name":"mine"}`), theirName, earlier, nothing, queue.Theirs, true},
		{"server wins", ServerWins, lateUpdate, theirBio, earlier, nothing, queue.Theirs, true},
		{"client wins", ClientWins, update(`{"name":"mine"}`), theirName, later, `update {"name":"mine"}`, queue.Mine, true},
		{"last write, mine", LastWriteWins, lateUpdate, theirName, earlier, `update {"name":"mine"}`, queue.Mine, true},
		{"last write, theirs", LastWriteWins, update(`{"name":"mine"}`), theirName, later, nothing, queue.Theirs, true},

		{"update of deleted, merge", Merge, lateUpdate, "", earlier, nothing, queue.Theirs, true},
		{"update of deleted, server wins", ServerWins, lateUpdate, "", earlier, nothing, queue.Theirs, true},
		{"update of deleted, client wins", ClientWins, update(`{"name":"mine"}`), "", later, `create {"bio":"b","name":"mine"}`, queue.Mine, false},
		{"update of deleted, last write mine", LastWriteWins, lateUpdate, "", earlier, `create {"bio":"b","name":"mine"}`, queue.Mine, false},
		{"update of deleted, last write theirs", LastWriteWins, update(`{"name":"mine"}`), "", later, nothing, queue.Theirs, true},

		{"delete of updated, merge", Merge, remove, theirName, later, `delete `, queue.Mine, true},
		{"delete of updated, server wins", ServerWins, lateDelete, theirName, earlier, nothing, queue.Theirs, true},
		{"delete of updated, client wins", ClientWins, remove, theirName, later, `delete `, queue.Mine, true},
		{"delete of updated, last write mine", LastWriteWins, lateDelete, theirName, earlier, `delete `, queue.Mine, true},
		{"delete of updated, last write theirs", LastWriteWins, remove, theirName, later, nothing, queue.Theirs, true},

		{"both deleted", Merge, remove, "", later, nothing, queue.Both, false},
		{"a restore stands", ServerWins, restore, "", later, `create {"name":"n"}`, queue.Mine, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Resolve(tt.strategy, Case{Mine: tt.mine, Theirs: json.RawMessage(tt.theirs), Version: 5, Stamp: tt.stamp, Fields: fields})
			got := ""
			if d.Send {
				got = string(d.Type) + " " + string(d.Data)
			}
			if got != tt.want || d.Kept != tt.kept || d.Lost != tt.lost {
				t.Errorf("got %q kept %s lost %v, want %q kept %s lost %v", got, d.Kept, d.Lost, tt.want, tt.kept, tt.lost)
			}
		})
	}
}

func drawDocument(t *rapid.T, label string) queue.Fields {
	f := queue.Fields{}
	for _, n := range fields {
		f[n] = json.RawMessage(rapid.SampledFrom([]string{`"a"`, `"b"`, `"c"`}).Draw(t, label+" "+n))
	}
	return f
}

// TestMergeCommutes: two devices change one row. Whichever arrives first, the
// row ends up the same, because a field that both changed goes to the later
// stamp on either device.
func TestMergeCommutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := drawDocument(t, "base")
		a := drawUpdate(t, "a", base, earlier)
		b := drawUpdate(t, "b", base, later)
		first := mergeInOrder(a, b, base)
		second := mergeInOrder(b, a, base)
		if string(first) != string(second) {
			t.Fatalf("a then b: %s\nb then a: %s", first, second)
		}
	})
}

func drawUpdate(t *rapid.T, who string, base queue.Fields, stamp api.Stamp) queue.Operation {
	data := queue.Fields{}
	drawn := drawDocument(t, who)
	for _, n := range fields {
		v := drawn[n]
		if rapid.Bool().Draw(t, who+" changes "+n) && !queue.EqualJSON(v, base[n]) {
			data[n] = v
		}
	}
	return queue.Operation{Type: api.Update, Data: data.Encode(), Base: base.Encode(), BaseVersion: 1, Stamp: stamp}
}

// mergeInOrder has the server take first, and second's device merge with that.
func mergeInOrder(first, second queue.Operation, base queue.Fields) []byte {
	server := queue.Decode(first.ApplyTo(base.Encode()))
	d := Resolve(Merge, Case{Mine: second, Theirs: server.Encode(), Version: 2, Stamp: first.Stamp, Fields: fields})
	return server.With(queue.Decode(d.Data)).Encode()
}

// TestResolveIsStable: deciding a second time, against what the first decision
// made of theirs, changes nothing more, under every strategy.
func TestResolveIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]StrategyName{LastWriteWins, ServerWins, ClientWins, Merge}).Draw(t, "strategy")
		base := drawDocument(t, "base")
		mine := drawUpdate(t, "mine", base, rapid.SampledFrom([]api.Stamp{earlier, later, ""}).Draw(t, "stamp"))
		c := Case{Mine: mine, Theirs: drawDocument(t, "theirs").Encode(), Version: 2, Stamp: earlier, Fields: fields}
		d := Resolve(s, c)
		if again := Resolve(s, c); string(again.Data) != string(d.Data) || again.Kept != d.Kept {
			t.Fatalf("not deterministic: %+v, %+v", d, again)
		}
		if !d.Send {
			return
		}
		after := queue.Decode(c.Theirs).With(queue.Decode(d.Data))
		next := mine
		next.Data, next.Base, next.BaseVersion = d.Data, c.Theirs, c.Version
		d2 := Resolve(s, Case{Mine: next, Theirs: after.Encode(), Version: 3, Stamp: mine.Stamp, Fields: fields})
		if d2.Send || d2.Lost {
			t.Fatalf("%s: decided %s, then again %s", s, d.Data, d2.Data)
		}
	})
}

// TestANormalFormIsNoSideOfAConflict: the server has brought a bio into its normal form, and an
// operation of an older program has it, and its base, as it was typed.
func TestANormalFormIsNoSideOfAConflict(t *testing.T) {
	const typed, normal = `{"name":"Ann","bio":"one\r\ntwo"}`, `{"name":"Ann","bio":"one\ntwo"}`
	for _, c := range []struct {
		data string
		send bool
	}{
		{`{"bio":"one\r\ntwo"}`, false},              // both have the same now
		{`{"bio":"one\r\ntwo\r\nthree"}`, true},      // only mine has changed
		{`{"name":"Anna","bio":"one\r\ntwo"}`, true}, // and only the name
	} {
		mine := queue.Operation{Type: api.Update, Base: json.RawMessage(typed), BaseVersion: 1, Data: json.RawMessage(c.data), Stamp: "1"}
		for _, theirs := range []string{typed, normal} {
			d := Resolve(Merge, Case{Mine: mine, Theirs: json.RawMessage(theirs), Version: 2, Stamp: "2", Fields: []string{"name", "bio"}})
			if d.Send != c.send || d.Lost {
				t.Errorf("%s on %s: %+v", c.data, theirs, d)
			}
		}
	}
}
