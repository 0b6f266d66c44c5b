package sync

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

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
	firstRestore, create := restore, restore
	firstRestore.BaseVersion, create.BaseVersion = 1, 0
	lateNameBio := update(`{"name":"mine","bio":"mine"}`)
	lateNameBio.Base, lateNameBio.Stamp = json.RawMessage(`{"name":"b","bio":"b"}`), later
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
		{"a restore of the first version stands", ServerWins, firstRestore, "", later, `create {"name":"n"}`, queue.Mine, false},
		{"a create of what others created and deleted", ServerWins, create, "", later, nothing, queue.Theirs, true},

		{"merge, one taken and one the same", Merge, update(`{"name":"mine","bio":"theirs"}`), theirBio, later, `update {"name":"mine"}`, queue.Both, false},
		{"merge, a value of theirs lost before one that is not", Merge, lateNameBio, `{"name":"b","bio":"theirs","email":"e"}`, earlier, `update {"bio":"mine","name":"mine"}`, queue.Mine, true},
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

func TestParseStrategyKnowsEachName(t *testing.T) {
	for name, want := range map[string]StrategyName{
		"serverWins": ServerWins, "clientWins": ClientWins, "lastWriteWins": LastWriteWins, "merge": Merge, "": Merge, "theirs": Merge,
	} {
		if got := ParseStrategy(name); got != want {
			t.Errorf("%q is %s", name, got)
		}
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

// TestResolveExplainsItself: the fields of a decision, in order of their names, with what
// each side had and which was kept. Only fields that a person may set are among them.
func TestResolveExplainsItself(t *testing.T) {
	const base, theirs = `{"id":"1","name":"n","bio":"b","version":1}`, `{"id":"1","name":"theirs","bio":"b","version":2}`
	mine := queue.Operation{
		Ref: queue.Ref{Type: "user", ID: "1"}, Type: api.Update, Data: json.RawMessage(`{"name":"mine","bio":"mine","email":"same"}`),
		Base: json.RawMessage(base), BaseVersion: 1, Stamp: earlier,
	}
	remove := mine
	remove.Type, remove.Data = api.Delete, nil
	for _, c := range []struct {
		name     string
		strategy StrategyName
		mine     queue.Operation
		theirs   string
		kept     queue.Side
		want     string // field: base, mine, theirs, kept
	}{
		{"by field", Merge, mine, `{"name":"theirs","bio":"b","email":"same"}`, queue.Both,
			`bio: "b" "mine" "b" mine; email: - "same" "same" both; name: "n" "mine" "theirs" theirs`},
		{"mine", ClientWins, mine, theirs, queue.Mine, `bio: "b" "mine" "b" mine; email: - "same" - mine; name: "n" "mine" "theirs" mine`},
		{"theirs", ServerWins, mine, theirs, queue.Theirs, `bio: "b" "mine" "b" theirs; email: - "same" - theirs; name: "n" "mine" "theirs" theirs`},
		{"deleted", ServerWins, mine, "", queue.Theirs, `bio: "b" "mine" - theirs; email: - "same" - theirs; name: "n" "mine" - theirs`},
		{"restored", ClientWins, mine, "", queue.Mine, `bio: "b" "mine" - mine; email: - "same" - mine; name: "n" "mine" - mine`},
		{"my delete", ClientWins, remove, theirs, queue.Mine, `bio: "b" - "b" mine; name: "n" - "theirs" mine`},
		{"my delete undone", ServerWins, remove, theirs, queue.Theirs, `bio: "b" - "b" theirs; name: "n" - "theirs" theirs`},
		{"nothing to decide", Merge, remove, "", queue.Both, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Resolve(c.strategy, Case{Mine: c.mine, Theirs: json.RawMessage(c.theirs), Version: 2, Stamp: later, Fields: fields})
			var got []string
			for _, f := range d.Fields {
				got = append(got, fmt.Sprintf("%s: %s %s %s %s", f.Name, orDash(f.Base), orDash(f.Mine), orDash(f.Theirs), f.Kept))
			}
			if s := strings.Join(got, "; "); s != c.want || d.Kept != c.kept {
				t.Errorf("kept %s, want %s\ngot  %s\nwant %s", d.Kept, c.kept, s, c.want)
			}
		})
	}
}

func orDash(value json.RawMessage) string {
	if value == nil {
		return "-"
	}
	return string(value)
}

// TestResolvedConflictStartsAnew: what takes the place of a conflicting operation was never
// sent, whatever the operation had been through, and the conflict is recorded whole.
func TestResolvedConflictStartsAnew(t *testing.T) {
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	mine := queue.Operation{
		Seq: 7, ID: "mine", Ref: queue.Ref{Type: "user", ID: "1"}, Type: api.Update, Data: json.RawMessage(`{"name":"mine"}`),
		Base: json.RawMessage(`{"name":"n"}`), BaseVersion: 1, CreatedAt: made, Stamp: later, State: queue.Waiting,
		RetryCount: 3, NextAttemptAt: made.Add(time.Hour), LastError: &api.Problem{Title: "busy"}, Unseen: true,
	}
	theirs := theirs{
		row:     &queue.Row{Version: 4, Document: json.RawMessage(`{"name":"theirs"}`)},
		version: 4, stamp: earlier, fields: fields, at: made.In(time.FixedZone("", 3600)),
	}
	e := &queue.Entity{Ref: mine.Ref, Confirmed: &queue.Row{Version: 1, Document: mine.Base}, Operations: []queue.Operation{mine}}
	resolveConflict(e, "mine", Merge, theirs, conflictIDs{operation: "next", record: "conflict"})
	next := queue.Operation{
		Seq: 7, ID: "next", Ref: mine.Ref, Type: api.Update, Data: mine.Data,
		Base: theirs.row.Document, BaseVersion: 4, CreatedAt: made, Stamp: later, State: queue.Queued,
	}
	if want := []queue.Operation{next}; !reflect.DeepEqual(e.Operations, want) {
		t.Errorf("operations\n got %+v\nwant %+v", e.Operations, want)
	}
	conflict := queue.Conflict{
		ID: "conflict", Ref: mine.Ref, OperationID: "mine", At: made, Strategy: string(Merge),
		Base: mine.Base, Mine: json.RawMessage(`{"name":"mine"}`), Theirs: theirs.row.Document, TheirsVersion: 4, Kept: queue.Mine,
		Fields: []queue.Field{{Name: "name", Base: json.RawMessage(`"n"`), Mine: json.RawMessage(`"mine"`), Theirs: json.RawMessage(`"theirs"`), Kept: queue.Mine}},
	}
	if want := []queue.Conflict{conflict}; !reflect.DeepEqual(e.Conflicts, want) {
		t.Errorf("conflicts\n got %+v\nwant %+v", e.Conflicts, want)
	}
	if e.Confirmed != theirs.row {
		t.Errorf("confirmed %+v", e.Confirmed)
	}
	if resolveConflict(e, "mine", Merge, theirs, conflictIDs{}); len(e.Conflicts) != 1 || len(e.Operations) != 1 {
		t.Errorf("resolved twice: %+v, %+v", e.Operations, e.Conflicts)
	}
}

func TestResolvedConflictByKind(t *testing.T) {
	update := queue.Operation{ID: "mine", Type: api.Update, Data: json.RawMessage(`{"name":"mine"}`), Base: json.RawMessage(`{"bio":"b","id":"1","name":"n"}`), BaseVersion: 3, Stamp: later}
	remove := queue.Operation{ID: "mine", Type: api.Delete, Base: json.RawMessage(`{"name":"n"}`), BaseVersion: 3, Stamp: later}
	restore := queue.Operation{ID: "mine", Type: api.Create, Data: json.RawMessage(`{"name":"mine"}`), BaseVersion: 2, Stamp: later}
	stale, tie := update, update
	stale.BaseVersion, tie.Stamp = 0, earlier
	for _, c := range []struct {
		name     string
		strategy StrategyName
		mine     queue.Operation
		theirs   string
		version  int64
		want     string // the operation that is queued; and whether the conflict is reviewed
	}{
		{"restored on the tombstone", ClientWins, update, "", 5, `create {"bio":"b","name":"mine"} on 5, reviewed`},
		{"restored, and the tombstone is forgotten", ClientWins, update, "", 0, `create {"bio":"b","name":"mine"} on 3, reviewed`},
		{"restored, and nothing is known of a version", ClientWins, stale, "", 0, `create {"bio":"b","name":"mine"} on 1, reviewed`},
		{"restored on the first version", ClientWins, update, "", 1, `create {"bio":"b","name":"mine"} on 1, reviewed`},
		{"restored again, and the tombstone is forgotten", Merge, restore, "", 0, `create {"name":"mine"} on 2, reviewed`},
		{"kept deleted", Merge, update, "", 5, `nothing, not reviewed`},
		{"deleted on theirs", Merge, remove, `{"name":"theirs"}`, 5, `delete  on 5, not reviewed`},
		{"deleted on a row without a version", Merge, remove, `{"name":"theirs"}`, 0, `delete  on 0, not reviewed`},
		{"both deleted", Merge, remove, "", 5, `nothing, reviewed`},
		{"written at the same time", Merge, tie, `{"name":"theirs"}`, 5, `nothing, not reviewed`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Operations: []queue.Operation{c.mine}}
			theirs := theirs{version: c.version, stamp: earlier, fields: fields}
			if c.theirs != "" {
				theirs.row = &queue.Row{Version: c.version, Document: json.RawMessage(c.theirs)}
			}
			resolveConflict(e, "mine", c.strategy, theirs, conflictIDs{operation: "next", record: "conflict"})
			if len(e.Conflicts) != 1 {
				t.Fatalf("not recorded: %+v", e)
			}
			got := "nothing"
			if h := e.Head(); h != nil {
				got = fmt.Sprintf("%s %s on %d", h.Type, h.Data, h.BaseVersion)
			}
			if got += ", not reviewed"; e.Conflicts[0].Reviewed {
				got = strings.Replace(got, "not ", "", 1)
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestResolvedConflictOfWhatCancelledOutIsNone: the conflicting delete was undone meanwhile.
func TestResolvedConflictOfWhatCancelledOutIsNone(t *testing.T) {
	e := &queue.Entity{Operations: []queue.Operation{
		{ID: "mine", Type: api.Delete, Base: json.RawMessage(`{"name":"n"}`), BaseVersion: 1, State: queue.Sending},
		{ID: "undo", Type: api.Create, Data: json.RawMessage(`{"name":"n"}`), State: queue.Queued},
	}}
	theirs := theirs{row: &queue.Row{Version: 4, Document: json.RawMessage(`{"name":"theirs"}`)}, version: 4, fields: fields}
	e.Confirmed = &queue.Row{Version: 1, Document: json.RawMessage(`{"name":"n"}`)}
	if resolveConflict(e, "mine", Merge, theirs, conflictIDs{}); len(e.Conflicts) != 0 || len(e.Operations) != 0 || e.Confirmed != theirs.row {
		t.Errorf("left are %+v, %+v on %+v", e.Operations, e.Conflicts, e.Confirmed)
	}
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
