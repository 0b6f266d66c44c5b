package queue_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

var (
	ref   = queue.Ref{Type: "user", ID: "1"}
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func row(version int64, document string) *queue.Row {
	return &queue.Row{Version: version, Document: json.RawMessage(document), Stamp: api.NewStamp(start, "", "server")}
}

func write(id string, t api.OperationType, data string) queue.Write {
	w := queue.Write{ID: id, Type: t, At: start.Add(time.Minute), Node: "deadbeef"}
	if data != "" {
		w.Data = json.RawMessage(data)
	}
	return w
}

// describe is an entity's operations in one line, such as "create(a){..}@0 queued".
func describe(e *queue.Entity) string {
	s := ""
	for i, o := range e.Operations {
		if i > 0 {
			s += "; "
		}
		s += fmt.Sprintf("%s %s %s base %d %s", o.ID, o.Type, o.Data, o.BaseVersion, o.State)
	}
	return s
}

func TestEnqueueCoalescesOnlyWhatWasNeverSent(t *testing.T) {
	const ann = `{"name":"Ann"}`
	tests := []struct {
		name      string
		confirmed *queue.Row
		do        func(*testing.T, *queue.Entity)
		want      string
	}{
		{"create, update", nil, enqueue(write("a", api.Create, ann), write("b", api.Update, `{"bio":"x"}`)),
			`b create {"bio":"x","name":"Ann"} base 0 queued`},
		{"create, delete", nil, enqueue(write("a", api.Create, ann), write("b", api.Delete, "")), ``},
		{"update, update", row(3, ann), enqueue(write("a", api.Update, `{"name":"Bo"}`), write("b", api.Update, `{"bio":"x"}`)),
			`b update {"bio":"x","name":"Bo"} base 3 queued`},
		{"update, delete", row(3, ann), enqueue(write("a", api.Update, `{"name":"Bo"}`), write("b", api.Delete, "")),
			`b delete  base 3 queued`},
		{"delete, undone", row(3, ann), enqueue(write("a", api.Delete, ""), write("b", api.Create, ann)), ``},
		{"delete, created otherwise", row(3, ann), enqueue(write("a", api.Delete, ""), write("b", api.Create, `{"name":"Bo"}`)),
			`b update {"name":"Bo"} base 3 queued`},
		{"update of nothing", row(3, ann), enqueue(write("a", api.Update, ann)), ``},
		{"only what differs", row(3, ann), enqueue(write("a", api.Update, `{"name":"Ann","bio":"x"}`)),
			`a update {"bio":"x"} base 3 queued`},
		{"a sent one is frozen", row(3, ann), sequence(
			enqueue(write("a", api.Update, `{"name":"Bo"}`)), send("a"), enqueue(write("b", api.Update, `{"name":"Cy"}`)), enqueue(write("c", api.Delete, ""))),
			`a update {"name":"Bo"} base 3 sending; c delete  base 3 queued`},
		{"so is a waiting one", row(3, ann), sequence(
			enqueue(write("a", api.Update, `{"name":"Bo"}`)), send("a"), fail("a"), enqueue(write("b", api.Update, `{"name":"Cy"}`))),
			`a update {"name":"Bo"} base 3 waiting; b update {"name":"Cy"} base 3 queued`},
		{"delete sent, then restored, then deleted again", row(3, ann), sequence(
			enqueue(write("a", api.Delete, "")), send("a"), enqueue(write("b", api.Create, ann)), enqueue(write("c", api.Delete, ""))),
			`a delete  base 3 sending`},
		{"deleted, forgotten, then restored, then deleted again", nil, enqueue(
			queue.Write{ID: "a", Type: api.Create, Data: json.RawMessage(ann), Restores: 4}, write("b", api.Delete, "")),
			`b delete  base 3 queued`},
		{"the same, but the first delete never arrived, and the row comes: it is restored over what nobody here has seen", nil, sequence(
			enqueue(queue.Write{ID: "a", Type: api.Create, Data: json.RawMessage(ann), Restores: 4}, write("b", api.Delete, "")),
			confirm(row(4, bo)), enqueue(write("c", api.Create, ann))),
			`c update {"name":"Ann"} base 3 queued`},
		{"restored on the first version, and the row comes", nil, sequence(
			enqueue(queue.Write{ID: "a", Type: api.Create, Data: json.RawMessage(ann), Restores: 1}, write("b", api.Delete, "")),
			confirm(row(1, bo)), enqueue(write("c", api.Create, ann))),
			`c update {"name":"Ann"} base 0 queued`},
		{"the same, and the row that comes is the one before", nil, sequence(
			enqueue(queue.Write{ID: "a", Type: api.Create, Data: json.RawMessage(ann), Restores: 4}, write("b", api.Delete, "")),
			confirm(row(3, bo)), enqueue(write("c", api.Create, ann))),
			`c update {"name":"Ann"} base 2 queued`},
		{"an edit cures a rejected create", nil, sequence(
			enqueue(write("a", api.Create, `{"email":"x","name":"Ann"}`)), send("a"), reject("a"), enqueue(write("b", api.Update, `{"email":"y"}`))),
			`b create {"email":"y","name":"Ann"} base 0 queued`},
		{"a rejected create may be there all the same: its delete is sent", nil, sequence(
			enqueue(write("a", api.Create, ann)), send("a"), reject("a"), enqueue(write("b", api.Delete, ""))),
			`b delete  base 0 queued`},
		{"a delete undone after others deleted, too: it is restored", row(3, ann), sequence(
			enqueue(write("a", api.Delete, "")), confirm(nil), enqueue(write("b", api.Create, ann))),
			`b create ` + ann + ` base 0 queued`},
		{"a create deleted while what it made is confirmed", nil, sequence(
			enqueue(write("a", api.Create, ann)), confirm(row(3, ann)), enqueue(write("b", api.Delete, ""))),
			`b delete  base 3 queued`},
		{"a create deleted while another's row is confirmed", nil, sequence(
			enqueue(write("a", api.Create, ann)), confirm(row(3, `{"name":"Other"}`)), enqueue(write("b", api.Delete, ""))),
			`b delete  base 0 queued`},
		{"what was written meanwhile joins the rejected", nil, sequence(
			enqueue(write("a", api.Create, `{"email":"x","name":"Ann"}`)), send("a"), enqueue(write("b", api.Update, `{"email":"y"}`)), reject("a")),
			`b create {"email":"y","name":"Ann"} base 0 queued`},
		{"a rejected delete is taken back by an edit", row(3, ann), sequence(
			enqueue(write("a", api.Delete, "")), send("a"), reject("a"), enqueue(write("b", api.Update, `{"name":"Bo"}`))),
			`b update {"name":"Bo"} base 3 queued`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: tt.confirmed}
			tt.do(t, e)
			if got := describe(e); got != tt.want {
				t.Errorf("operations\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestWhatWasRestoredAndDeletedIsBasedOnWhatWasSeen: nobody has seen what a restore replaces that
// was never sent; one that was refused may be there all the same.
func TestWhatWasRestoredAndDeletedIsBasedOnWhatWasSeen(t *testing.T) {
	restore := enqueue(queue.Write{ID: "a", Type: api.Create, Data: json.RawMessage(ann), Restores: 4})
	for name, c := range map[string]struct {
		before func(*testing.T, *queue.Entity)
		want   string
	}{
		"never sent": {restore, ""},
		"refused":    {sequence(restore, send("a"), reject("a")), "Ann"},
	} {
		e := &queue.Entity{Ref: ref}
		sequence(c.before, enqueue(write("b", api.Delete, "")))(t, e)
		o := e.Operations[0]
		if o.BaseVersion != 3 || !strings.Contains(string(o.Base), c.want) || queue.IsNull(o.Base) != (c.want == "") {
			t.Errorf("%s: base %d, %s", name, o.BaseVersion, o.Base)
		}
	}
}

// TestAnUndoOverARowThatNobodySawIsUnseen: whatever is acknowledged meanwhile, the server is to
// find the conflict.
func TestAnUndoOverARowThatNobodySawIsUnseen(t *testing.T) {
	e := &queue.Entity{Ref: ref}
	sequence(enqueue(queue.Write{ID: "a", Type: api.Create, Data: json.RawMessage(ann), Restores: 4}, write("b", api.Delete, "")),
		confirm(row(4, bo)), enqueue(write("c", api.Create, ann)))(t, e)
	if o := e.Operations[0]; !o.Unseen {
		t.Errorf("it counts as seen: %+v", o)
	}
	// A delete without a base, as damaged or older data may hold it, behind what is being sent.
	e = &queue.Entity{Ref: ref, Operations: []queue.Operation{
		{ID: "a", Type: api.Create, Data: json.RawMessage(ann), State: queue.Sending}, {ID: "b", Type: api.Delete, State: queue.Queued}}}
	enqueue(write("c", api.Create, bo))(t, e)
	if got, want := describe(e), `a create {"name":"Ann"} base 0 sending; c update {"name":"Bo"} base 0 queued`; got != want {
		t.Errorf("operations\n got %s\nwant %s", got, want)
	}
}

func sequence(steps ...func(*testing.T, *queue.Entity)) func(*testing.T, *queue.Entity) {
	return func(t *testing.T, e *queue.Entity) {
		for _, s := range steps {
			s(t, e)
		}
	}
}

func enqueue(writes ...queue.Write) func(*testing.T, *queue.Entity) {
	return func(t *testing.T, e *queue.Entity) {
		t.Helper()
		for _, w := range writes {
			if err := e.Enqueue(w); err != nil {
				t.Fatalf("enqueue %s: %v", w.ID, err)
			}
		}
	}
}

func must(t *testing.T, ok bool, what string) {
	t.Helper()
	if !ok {
		t.Fatal(what)
	}
}

func send(id string) func(*testing.T, *queue.Entity) {
	return func(t *testing.T, e *queue.Entity) {
		_, ok := e.Send(id)
		must(t, ok, "send "+id)
	}
}

func fail(id string) func(*testing.T, *queue.Entity) {
	return func(t *testing.T, e *queue.Entity) {
		must(t, e.Fail(id, &api.Problem{Title: "busy"}, start), "fail "+id)
	}
}

func confirm(row *queue.Row) func(*testing.T, *queue.Entity) {
	return func(_ *testing.T, e *queue.Entity) { e.Confirm(row) }
}

func reject(id string) func(*testing.T, *queue.Entity) {
	return func(t *testing.T, e *queue.Entity) {
		must(t, e.Reject(id, &api.Problem{Title: "no"}), "reject "+id)
	}
}

func TestEnqueueRefusesWritesThatMakeNoSense(t *testing.T) {
	e := &queue.Entity{Ref: ref}
	if err := e.Enqueue(write("a", api.Update, `{"name":"x"}`)); err != queue.ErrMissing {
		t.Errorf("update of nothing: %v", err)
	}
	if err := e.Enqueue(write("a", api.Delete, "")); err != queue.ErrMissing {
		t.Errorf("delete of nothing: %v", err)
	}
	e.Confirmed = row(1, `{}`)
	if err := e.Enqueue(write("a", api.Create, `{}`)); err != queue.ErrExists {
		t.Errorf("create of what exists: %v", err)
	}
	if len(e.Operations) != 0 {
		t.Errorf("a refused write left %s", describe(e))
	}
}

func TestAcknowledgeRebasesLaterOperations(t *testing.T) {
	e := &queue.Entity{Ref: ref, Confirmed: row(3, `{"name":"Ann"}`)}
	sequence(enqueue(write("a", api.Update, `{"name":"Bo"}`)), send("a"), enqueue(write("b", api.Update, `{"bio":"x"}`)))(t, e)
	must(t, e.Acknowledge("a", row(4, `{"name":"Bo"}`), 4), "acknowledge")
	if got, want := describe(e), `b update {"bio":"x"} base 4 queued`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if string(e.Operations[0].Base) != `{"name":"Bo"}` || e.Confirmed.Version != 4 {
		t.Errorf("base %s, confirmed %+v", e.Operations[0].Base, e.Confirmed)
	}
	if e.Acknowledge("a", nil, 9) {
		t.Error("an operation was acknowledged twice")
	}
}

func TestAcknowledgeKeepsANewerConfirmedRow(t *testing.T) {
	e := &queue.Entity{Ref: ref, Confirmed: row(3, `{"name":"Ann"}`)}
	sequence(enqueue(write("a", api.Update, `{"name":"Bo"}`)), send("a"))(t, e)
	e.Confirm(row(7, `{"name":"Theirs"}`))
	must(t, e.Acknowledge("a", row(4, `{"name":"Bo"}`), 4), "acknowledge")
	if e.Confirmed.Version != 7 {
		t.Errorf("an old answer overwrote a newer row: %+v", e.Confirmed)
	}
}

func TestFiveServerErrorsReject(t *testing.T) {
	e := &queue.Entity{Ref: ref, Confirmed: row(3, `{}`)}
	enqueue(write("a", api.Delete, ""))(t, e)
	for n := 1; n <= queue.MaxServerErrors; n++ {
		send("a")(t, e)
		fail("a")(t, e)
		want := queue.Waiting
		if n == queue.MaxServerErrors {
			want = queue.Rejected
		}
		if got := e.Head().State; got != want {
			t.Fatalf("after %d failures the state is %s", n, got)
		}
	}
	if _, ok := e.Send("a"); ok {
		t.Error("a rejected operation was sent")
	}
	if err := e.Retry("a"); err != nil || e.Head().State != queue.Waiting || e.Head().RetryCount != 0 {
		t.Errorf("retry: %v, %s", err, describe(e))
	}
	if err := e.Discard("a"); err != queue.ErrFrozen {
		t.Errorf("discarding what may be at the server: %v", err)
	}
}

func TestViewShowsPendingWork(t *testing.T) {
	e := &queue.Entity{Ref: ref, Confirmed: row(3, `{"name":"Ann"}`)}
	check := func(step, document string, state queue.RowState) {
		t.Helper()
		v, ok := e.View()
		if ok != (document != "") || (ok && (string(v.Document) != document || v.State != state)) {
			t.Errorf("%s: %s %q", step, v.Document, v.State)
		}
	}
	check("confirmed", `{"name":"Ann"}`, queue.Synced)
	enqueue(write("a", api.Update, `{"name":"Bo"}`))(t, e)
	check("updated", `{"name":"Bo"}`, queue.Pending)
	e.Confirm(row(4, `{"bio":"theirs","name":"Ann"}`))
	check("rebased", `{"bio":"theirs","name":"Bo"}`, queue.Pending)
	e.Confirm(nil)
	check("deleted by others, still ours to see", `{"name":"Bo"}`, queue.Pending)
	sequence(send("a"), reject("a"))(t, e)
	check("rejected", `{"name":"Bo"}`, queue.NeedsAttention)
	if err := e.Discard("a"); err != nil {
		t.Fatal(err)
	}
	check("discarded", "", queue.Synced)
}

// TestCoalescingHasTheEffectOfTheSequence plays random writes to one entity
// twice: coalesced and then sent at once, and each sent by itself. The server
// ends up with the same fields.
func TestCoalescingHasTheEffectOfTheSequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var confirmed *queue.Row
		if rapid.Bool().Draw(t, "exists") {
			confirmed = row(1, `{"bio":"b0","name":"n0"}`)
		}
		coalesced := &queue.Entity{Ref: ref, Confirmed: confirmed}
		single := &queue.Entity{Ref: ref, Confirmed: confirmed}
		for i := range rapid.IntRange(1, 8).Draw(t, "writes") {
			w := drawWrite(t, fmt.Sprint(i))
			errA, errB := coalesced.Enqueue(w), single.Enqueue(w)
			if (errA == nil) != (errB == nil) {
				t.Fatalf("write %d: %v and %v", i, errA, errB)
			}
			flush(t, single)
		}
		if len(coalesced.Operations) > 1 {
			t.Fatalf("never sent, yet not coalesced: %s", describe(coalesced))
		}
		flush(t, coalesced)
		names := []string{"name", "bio"}
		got, want := queue.Decode(coalesced.Document()), queue.Decode(single.Document())
		if (got == nil) != (want == nil) || string(got.Only(names).Encode()) != string(want.Only(names).Encode()) {
			t.Fatalf("coalesced %s, one by one %s", coalesced.Document(), single.Document())
		}
	})
}

func drawWrite(t *rapid.T, id string) queue.Write {
	w := write(id, rapid.SampledFrom([]api.OperationType{api.Create, api.Update, api.Delete}).Draw(t, "type"), "")
	if w.Type != api.Delete {
		f := queue.Fields{"name": json.RawMessage(fmt.Sprintf(`"n%d"`, rapid.IntRange(0, 2).Draw(t, "name")))}
		if w.Type == api.Create || rapid.Bool().Draw(t, "with bio") {
			f["bio"] = json.RawMessage(fmt.Sprintf(`"b%d"`, rapid.IntRange(0, 2).Draw(t, "bio")))
		}
		w.Data = f.Encode()
	}
	return w
}

// flush sends all operations to a server that applies each.
func flush(t *rapid.T, e *queue.Entity) {
	for e.Head() != nil {
		o, ok := e.Send(e.Head().ID)
		if !ok {
			t.Fatalf("could not send %s", describe(e))
		}
		version := o.BaseVersion + 1
		var after *queue.Row
		if o.Type != api.Delete {
			var before json.RawMessage
			if e.Confirmed != nil {
				before = e.Confirmed.Document
			}
			after = row(version, string(o.ApplyTo(before)))
		}
		if !e.Acknowledge(o.ID, after, version) {
			t.Fatal("not acknowledged")
		}
	}
}

func TestAcknowledgeDuplicateLeavesTheConflictToTheServer(t *testing.T) {
	fields := []string{"name", "email"}
	const ann = `{"name":"Ann"}`
	for _, c := range []struct {
		name string
		now  *queue.Row
		want string
	}{
		{"unchanged since", row(4, `{"name":"Bo","version":4}`), `b update {"name":"Cy"} base 4 queued`},
		{"changed by others since", row(7, `{"name":"Dee"}`), `b update {"name":"Cy"} base 3 queued`},
		{"deleted by others since", nil, `b update {"name":"Cy"} base 3 queued`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: row(3, ann)}
			sequence(enqueue(write("a", api.Update, `{"name":"Bo"}`)), send("a"), enqueue(write("b", api.Update, `{"name":"Cy"}`)))(t, e)
			version := int64(8)
			if c.now != nil {
				version = c.now.Version
			}
			must(t, e.AcknowledgeDuplicate("a", c.now, version, fields), "acknowledge")
			if got := describe(e); got != c.want {
				t.Errorf("operations %s, want %s", got, c.want)
			}
			if e.Confirmed != c.now {
				t.Errorf("confirmed %+v, want %+v", e.Confirmed, c.now)
			}
		})
	}
}

// An earlier version of the app coalesced no updates, and its queue may hold more
// than two operations of an entity.
func TestAllLaterOperationsAreCoalescedIntoARejectedOne(t *testing.T) {
	const ann = `{"name":"Ann"}`
	op := func(id string, o api.OperationType, data string, base string, version int64) queue.Operation {
		return queue.Operation{ID: id, Ref: ref, Type: o, Data: json.RawMessage(data), Base: json.RawMessage(base), BaseVersion: version, State: queue.Queued}
	}
	tests := []struct {
		name      string
		confirmed *queue.Row
		ops       []queue.Operation
		want      string
	}{
		{"three updates", row(3, ann), []queue.Operation{
			op("a", api.Update, `{"name":"Bo"}`, ann, 3), op("b", api.Update, `{"bio":"x"}`, `{"name":"Bo"}`, 3),
			op("c", api.Update, `{"bio":"y"}`, `{"name":"Bo","bio":"x"}`, 3),
		}, `c update {"bio":"y","name":"Bo"} base 3 queued`},
		{"a create that may have taken effect, edited and deleted", nil, []queue.Operation{
			op("a", api.Create, ann, "", 0), op("b", api.Update, `{"bio":"x"}`, ann, 0), op("c", api.Delete, "", ann, 0),
		}, `c delete  base 0 queued`},
		{"a delete undone, while others changed it, and an update", row(4, `{"name":"Theirs"}`), []queue.Operation{
			op("a", api.Delete, "", ann, 3), op("b", api.Create, `{"name":"Bo"}`, "", 4), op("c", api.Update, `{"bio":"x"}`, `{"name":"Bo"}`, 4),
		}, `c update {"bio":"x","name":"Bo"} base 3 queued`},
		{"a delete undone as if it had not been, and an update on what was seen then", row(4, `{"name":"Theirs"}`), []queue.Operation{
			op("a", api.Delete, "", ann, 3), op("b", api.Create, ann, "", 4), op("c", api.Update, `{"name":"Bo"}`, ann, 4),
		}, `c update {"name":"Bo"} base 3 queued`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: tt.confirmed, Operations: tt.ops}
			sequence(send("a"), reject("a"))(t, e)
			if got := describe(e); got != tt.want {
				t.Errorf("the queue holds %q, want %q", got, tt.want)
			}
		})
	}
}
