package queue_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

const (
	ann = `{"name":"Ann"}`
	bo  = `{"name":"Bo"}`
)

// op is a stored operation. Tests of what Enqueue doesn't make, or makes no more, use it.
func op(id string, kind api.OperationType, data, base string, version int64) queue.Operation {
	o := queue.Operation{ID: id, Ref: ref, Type: kind, BaseVersion: version, State: queue.Queued}
	if data != "" {
		o.Data = json.RawMessage(data)
	}
	if base != "" {
		o.Base = json.RawMessage(base)
	}
	return o
}

func TestTransitionsAreOfTheFirstOperationOnly(t *testing.T) {
	problem := &api.Problem{Title: "no"}
	for name, do := range map[string]func(e *queue.Entity, id string) bool{
		"send":        func(e *queue.Entity, id string) bool { _, ok := e.Send(id); return ok },
		"acknowledge": func(e *queue.Entity, id string) bool { return e.Acknowledge(id, row(4, bo), 4) },
		"acknowledge duplicate": func(e *queue.Entity, id string) bool {
			return e.AcknowledgeDuplicate(id, row(4, bo), 4, []string{"bio"})
		},
		"fail":   func(e *queue.Entity, id string) bool { return e.Fail(id, problem, start) },
		"reject": func(e *queue.Entity, id string) bool { return e.Reject(id, problem) },
		"resolve": func(e *queue.Entity, id string) bool {
			return e.ResolveConflict(id, row(4, bo), 4, func(o *queue.Operation) *queue.Operation { return o })
		},
		"retry":   func(e *queue.Entity, id string) bool { return e.Retry(id) == nil },
		"discard": func(e *queue.Entity, id string) bool { return e.Discard(id) == nil },
	} {
		t.Run(name, func(t *testing.T) {
			for step, operations := range map[string][]queue.Operation{
				"an empty queue": nil,
				"the second":     {op("b", api.Update, bo, ann, 3), op("a", api.Update, `{"bio":"x"}`, `{"bio":"seen","name":"Bo"}`, 3)},
			} {
				e := &queue.Entity{Ref: ref, Confirmed: row(3, ann), Operations: operations}
				before := describe(e)
				if do(e, "a") || describe(e) != before || e.Confirmed.Version != 3 || len(e.Outcomes) > 0 {
					t.Errorf("%s: %s, confirmed %+v", step, describe(e), e.Confirmed)
				}
			}
			e := &queue.Entity{Ref: ref, Confirmed: row(3, ann), Operations: []queue.Operation{op("a", api.Update, bo, ann, 3)}}
			if name == "retry" || name == "discard" {
				e.Operations[0].State = queue.Rejected
			}
			if !do(e, "a") {
				t.Error("not done to the first one")
			}
		})
	}
}

func TestRetryAndDiscardSayWhyNot(t *testing.T) {
	e := &queue.Entity{Ref: ref, Confirmed: row(3, ann)}
	if err := e.Retry("a"); err != queue.ErrGone {
		t.Errorf("retry of what is gone: %v", err)
	}
	if err := e.Discard("a"); err != queue.ErrGone {
		t.Errorf("discarding what is gone: %v", err)
	}
	sequence(enqueue(write("a", api.Update, bo)), send("a"))(t, e)
	if err := e.Retry("a"); err != queue.ErrGone || e.Head().State != queue.Sending {
		t.Errorf("retry of what is not rejected: %v, %s", err, describe(e))
	}
	if err := e.Discard("a"); err != queue.ErrFrozen {
		t.Errorf("discarding what is being sent: %v", err)
	}
}

func TestWireSendsTheWholeOperation(t *testing.T) {
	o := queue.Operation{
		Seq: 7, ID: "a", Ref: ref, Type: api.Update, Data: json.RawMessage(bo), Base: json.RawMessage(ann), BaseVersion: 3,
		CreatedAt: start, Stamp: "x", State: queue.Sending, RetryCount: 2,
	}
	want := api.Operation{
		ID: "a", EntityType: "user", EntityID: "1", Type: api.Update, Data: json.RawMessage(bo), BaseVersion: 3,
		CreatedAt: start, Stamp: "x",
	}
	if got := o.Wire(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestEnqueueMakesAWholeOperation: in UTC, by the server's clock, after all that it
// builds on.
func TestEnqueueMakesAWholeOperation(t *testing.T) {
	ahead := func(d time.Duration) api.Stamp { return api.NewStamp(start.Add(d), "", "server") }
	for _, c := range []struct {
		name      string
		confirmed api.Stamp
		before    api.Stamp // of an operation that was sent, "" for none
		want      api.Stamp
	}{
		{"the server's clock", ahead(0), "", api.NewStamp(start.Add(time.Hour), "", "node")},
		{"after the confirmed row", ahead(2 * time.Hour), "", api.NewStamp(start, ahead(2*time.Hour), "node")},
		{"after the operation before it", ahead(0), ahead(3 * time.Hour), api.NewStamp(start, ahead(3*time.Hour), "node")},
		{"after the later of both", ahead(4 * time.Hour), ahead(3 * time.Hour), api.NewStamp(start, ahead(4*time.Hour), "node")},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: row(3, ann)}
			e.Confirmed.Stamp = c.confirmed
			seen := ann
			if c.before != "" {
				sent := op("a", api.Update, bo, ann, 3)
				sent.State, sent.Stamp = queue.Sending, c.before
				e.Operations, seen = []queue.Operation{sent}, bo
			}
			w := queue.Write{
				ID: "b", Type: api.Update, Data: json.RawMessage(`{"bio":"x"}`), At: start.In(time.FixedZone("", 3600)), Skew: time.Hour, Node: "node",
			}
			enqueue(w)(t, e)
			want := queue.Operation{
				ID: "b", Ref: ref, Type: api.Update, Data: w.Data, Base: json.RawMessage(seen), BaseVersion: 3,
				CreatedAt: start, Stamp: c.want, State: queue.Queued,
			}
			if got := e.Operations[len(e.Operations)-1]; !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestCoalescedKeepsPlaceAndBase: what comes of two operations has the first one's place
// and base, and a create its time.
func TestCoalescedKeepsPlaceAndBase(t *testing.T) {
	type result struct {
		seq, version int64
		base         string
		created      time.Time
	}
	later := start.Add(time.Hour)
	for _, c := range []struct {
		name      string
		confirmed *queue.Row
		first     queue.Operation
		sent      bool
		then      queue.Write
		meanwhile *queue.Row // confirmed before the first one is rejected
		want      result
	}{
		{"update, update", row(3, ann), op("a", api.Update, bo, ann, 3), false, write("b", api.Update, `{"bio":"x"}`), nil,
			result{7, 3, ann, later}},
		{"update, delete", row(3, ann), op("a", api.Update, bo, ann, 3), false, write("b", api.Delete, ""), nil,
			result{7, 3, ann, later}},
		{"update, deleted by others, delete", nil, op("a", api.Update, bo, ann, 3), false, write("b", api.Delete, ""), nil,
			result{7, 3, ann, later}},
		{"create, update", nil, op("a", api.Create, ann, "", 0), false, write("b", api.Update, bo), nil,
			result{7, 0, "", start}},
		{"create that was sent, delete", nil, op("a", api.Create, `{"name":"Ann","id":"1"}`, "", 0), true, write("b", api.Delete, ""), nil,
			result{7, 0, `{"createdAt":"2026-01-02T03:04:05Z","id":"1","name":"Ann","updatedAt":"2026-01-02T03:04:05Z"}`, later}},
		{"create that was sent and confirmed, delete", nil, op("a", api.Create, ann, "", 0), true, write("b", api.Delete, ""), row(5, `{"bio":"theirs","name":"Ann"}`),
			result{7, 5, `{"bio":"theirs","name":"Ann"}`, later}},
		{"delete, deleted by others, create", nil, op("a", api.Delete, "", ann, 3), false, write("b", api.Create, ann), nil,
			result{7, 0, "", later}},
		{"delete, create otherwise", row(3, ann), op("a", api.Delete, "", ann, 3), false, write("b", api.Create, bo), nil,
			result{7, 3, ann, later}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.first.Seq, c.first.CreatedAt, c.then.At = 7, start, later
			e := &queue.Entity{Ref: ref, Confirmed: c.confirmed, Operations: []queue.Operation{c.first}}
			if c.sent {
				send("a")(t, e)
			}
			enqueue(c.then)(t, e)
			if c.meanwhile != nil {
				e.Confirm(c.meanwhile)
			}
			if c.sent {
				reject("a")(t, e)
			}
			if len(e.Operations) != 1 {
				t.Fatalf("the queue holds %s", describe(e))
			}
			o := e.Operations[0]
			if got := (result{o.Seq, o.BaseVersion, string(o.Base), o.CreatedAt}); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestWritesAfterARejection(t *testing.T) {
	for _, c := range []struct {
		name      string
		confirmed *queue.Row
		do        func(*testing.T, *queue.Entity)
		want      string
	}{
		{"the same value again is tried again", row(3, ann), sequence(
			enqueue(write("a", api.Update, bo)), send("a"), reject("a"), enqueue(write("b", api.Update, bo))),
			`b update {"name":"Bo"} base 3 queued`},
		{"a rejected delete, deleted again", row(3, ann), sequence(
			enqueue(write("a", api.Delete, "")), send("a"), reject("a"), enqueue(write("b", api.Delete, ""))),
			`b delete  base 3 queued`},
		{"a rejected delete, saved as it is", row(3, ann), sequence(
			enqueue(write("a", api.Delete, "")), send("a"), reject("a"), enqueue(write("b", api.Update, ann))),
			``},
		{"written while the fifth attempt failed", row(3, ann), sequence(
			enqueue(write("a", api.Update, bo)), send("a"), fail("a"), fail("a"), fail("a"), fail("a"), send("a"),
			enqueue(write("b", api.Update, `{"bio":"x"}`)), fail("a")),
			`b update {"bio":"x","name":"Bo"} base 3 queued`},
		{"a delete undone while it was rejected", row(3, ann), sequence(
			enqueue(write("a", api.Delete, "")), send("a"), enqueue(write("b", api.Create, ann)), reject("a")),
			``},
		{"deleted by others, too, and created while the delete was rejected", row(3, ann), sequence(
			enqueue(write("a", api.Delete, "")), send("a"), confirm(nil), enqueue(write("b", api.Create, bo)), reject("a")),
			`b create {"name":"Bo"} base 0 queued`},
		{"restored on the first version, deleted again", nil, enqueue(
			queue.Write{ID: "a", Type: api.Create, Data: json.RawMessage(ann), Restores: 1}, write("b", api.Delete, "")),
			`b delete  base 0 queued`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: c.confirmed}
			c.do(t, e)
			if got := describe(e); got != c.want {
				t.Errorf("operations\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestWhatFollowsACancelledPairBuildsOnItsBase: of three stored operations the first two
// cancel out.
func TestWhatFollowsACancelledPairBuildsOnItsBase(t *testing.T) {
	e := &queue.Entity{Ref: ref, Confirmed: row(4, `{"name":"Theirs"}`), Operations: []queue.Operation{
		op("a", api.Delete, "", ann, 3), op("b", api.Create, ann, "", 4), op("c", api.Update, bo, `{"name":"Theirs"}`, 4),
	}}
	sequence(send("a"), reject("a"))(t, e)
	if got, want := describe(e), `c update {"name":"Bo"} base 3 queued`; got != want || string(e.Operations[0].Base) != ann {
		t.Errorf("got %s on %s", got, e.Operations[0].Base)
	}
}

func TestFailuresAreKeptWithTheOperation(t *testing.T) {
	busy, no := &api.Problem{Title: "busy"}, &api.Problem{Title: "no"}
	e := &queue.Entity{Ref: ref, Confirmed: row(3, ann)}
	check := func(step string, state queue.State, retries int, next time.Time, problem *api.Problem) {
		t.Helper()
		h := e.Head()
		if h.State != state || h.RetryCount != retries || !h.NextAttemptAt.Equal(next) || h.LastError != problem {
			t.Errorf("%s: %+v", step, *h)
		}
	}
	sequence(enqueue(write("a", api.Update, bo)), send("a"))(t, e)
	check("sent", queue.Sending, 0, time.Time{}, nil)
	must(t, e.Fail("a", busy, start), "fail")
	check("failed", queue.Waiting, 1, start, busy)
	must(t, e.Fail("a", busy, start.Add(1)), "fail")
	check("failed again", queue.Waiting, 2, start.Add(1), busy)
	must(t, e.Reject("a", no), "reject")
	check("rejected", queue.Rejected, 2, time.Time{}, no)
	e.Head().NextAttemptAt = start
	if err := e.Retry("a"); err != nil {
		t.Fatal(err)
	}
	check("to be retried", queue.Waiting, 0, time.Time{}, no)
}

func TestAcknowledgeRebasesByKindAndRow(t *testing.T) {
	after := `{"name":"Bo","version":4}`
	for _, c := range []struct {
		name        string
		first, next queue.Operation
		row         *queue.Row
		version     int64
		want        string
		base        string
		confirmed   int64 // version of the confirmed row, 0 for none
	}{
		{"an update of what was updated", op("a", api.Update, bo, ann, 3), op("b", api.Update, `{"bio":"x"}`, bo, 3), row(4, after), 4,
			`b update {"bio":"x"} base 4 queued`, after, 4},
		{"a create after a delete", op("a", api.Delete, "", ann, 3), op("b", api.Create, bo, "", 3), nil, 4,
			`b create {"name":"Bo"} base 4 queued`, "", 0},
		{"a create after a delete, restored by others", op("a", api.Delete, "", ann, 3), op("b", api.Create, bo, "", 3), row(5, after), 5,
			`b create {"name":"Bo"} base 5 queued`, "", 5},
		{"a create after a delete, on an entity that is newer by now", op("a", api.Delete, "", ann, 0), op("b", api.Create, bo, "", 0), nil, 1,
			`b create {"name":"Bo"} base 1 queued`, "", 3},
		{"a create after a tombstone that the server forgot", op("a", api.Delete, "", ann, 3), op("b", api.Create, bo, "", 3), nil, 0,
			`b create {"name":"Bo"} base 3 queued`, "", 0},
		{"an update of what is no longer there", op("a", api.Update, bo, ann, 3), op("b", api.Update, `{"bio":"x"}`, bo, 3), nil, 5,
			`b update {"bio":"x"} base 5 queued`, "", 0},
		{"an update of what the server has forgotten", op("a", api.Update, bo, ann, 3), op("b", api.Update, `{"bio":"x"}`, bo, 3), nil, 0,
			`b update {"bio":"x"} base 0 queued`, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: row(3, ann), Operations: []queue.Operation{c.first, c.next}}
			must(t, e.Acknowledge("a", c.row, c.version), "acknowledge")
			var confirmed int64
			if e.Confirmed != nil {
				confirmed = e.Confirmed.Version
			}
			if got := describe(e); got != c.want || string(e.Operations[0].Base) != c.base || confirmed != c.confirmed {
				t.Errorf("got %s on %s, confirmed %d", got, e.Operations[0].Base, confirmed)
			}
		})
	}
}

// TestAcknowledgeTakesTheAnswerOfTheSameVersion: a pull has brought the row before.
func TestAcknowledgeTakesTheAnswerOfTheSameVersion(t *testing.T) {
	pulled, answer := row(4, bo), row(4, bo)
	answer.SyncedAt = start
	e := &queue.Entity{Ref: ref, Confirmed: pulled, Operations: []queue.Operation{op("a", api.Update, bo, ann, 3)}}
	must(t, e.Acknowledge("a", answer, 4), "acknowledge")
	if e.Confirmed != answer {
		t.Errorf("confirmed %+v", e.Confirmed)
	}
}

func TestAcknowledgeDuplicateComparesWhatTheAuthorSaw(t *testing.T) {
	update, remove := op("a", api.Update, bo, ann, 3), op("a", api.Delete, "", ann, 3)
	later := op("b", api.Update, `{"name":"Cy"}`, `{"name":"Bo","updatedAt":"then"}`, 3)
	for _, c := range []struct {
		name        string
		first, next queue.Operation
		row         *queue.Row
		version     int64
		want        string
	}{
		{"as it was seen", update, later, row(6, `{"name":"Bo","updatedAt":"now"}`), 6, `b update {"name":"Cy"} base 6 queued`},
		{"another field was set", update, later, row(6, `{"email":"e","name":"Bo"}`), 6, `b update {"name":"Cy"} base 3 queued`},
		{"changed, at a version it was not made on", update, later, row(3, `{"name":"Dee"}`), 3, `b update {"name":"Cy"} base 2 queued`},
		{"gone, and the version went back", update, later, nil, 1, `b update {"name":"Cy"} base 0 queued`},
		{"gone and forgotten", update, later, nil, 0, `b update {"name":"Cy"} base 0 queued`},
		{"a create has seen nothing", remove, op("b", api.Create, bo, "", 3), row(6, `{"name":"Dee"}`), 6, `b create {"name":"Bo"} base 6 queued`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: row(3, ann), Operations: []queue.Operation{c.first, c.next}}
			must(t, e.AcknowledgeDuplicate("a", c.row, c.version, []string{"name", "email"}), "acknowledge")
			if got := describe(e); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestResolveConflictReplacesTheOperation(t *testing.T) {
	theirs := row(6, `{"name":"Theirs"}`)
	replace := func(mine *queue.Operation) *queue.Operation {
		next := *mine
		next.ID, next.Seq, next.BaseVersion = "n", 0, 6
		return &next
	}
	drop := func(*queue.Operation) *queue.Operation { return nil }
	for _, c := range []struct {
		name     string
		do       func(*testing.T, *queue.Entity)
		resolve  func(*queue.Operation) *queue.Operation
		want     string
		outcomes string
	}{
		{"replaced", send("a"), replace, `n update {"name":"Bo"} base 6 sending`, "a superseded by n"},
		{"dropped", send("a"), drop, ``, "a overruled"},
		{"with what was written meanwhile", sequence(send("a"), enqueue(write("b", api.Update, `{"bio":"x"}`))), replace,
			`n update {"bio":"x","name":"Bo"} base 6 queued`, "a superseded by b; b superseded by n"},
		{"with what was written meanwhile, dropped", sequence(send("a"), enqueue(write("b", api.Update, `{"bio":"x"}`))), drop,
			``, "a superseded by b; b overruled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: row(3, ann), Operations: []queue.Operation{op("a", api.Update, bo, ann, 3)}}
			e.Operations[0].Seq = 7
			c.do(t, e)
			must(t, e.ResolveConflict("a", theirs, 6, c.resolve), "resolve")
			if got := describe(e); got != c.want || outcomes(e) != c.outcomes || e.Confirmed != theirs {
				t.Errorf("got %s (%s), confirmed %+v", got, outcomes(e), e.Confirmed)
			}
			if len(e.Operations) > 0 && e.Operations[0].Seq != 7 {
				t.Errorf("it lost its place: %+v", e.Operations[0])
			}
		})
	}
}

func TestResolveConflictOfWhatCancelledOutDecidesNothing(t *testing.T) {
	theirs := row(6, `{"name":"Theirs"}`)
	e := &queue.Entity{Ref: ref, Confirmed: row(3, ann), Operations: []queue.Operation{
		op("a", api.Delete, "", ann, 3), op("b", api.Create, ann, "", 3),
	}}
	send("a")(t, e)
	resolved := e.ResolveConflict("a", theirs, 6, func(mine *queue.Operation) *queue.Operation {
		t.Errorf("asked for %+v", mine)
		return nil
	})
	if !resolved || len(e.Operations) != 0 || e.Confirmed != theirs || outcomes(e) != "a cancelled; b cancelled" {
		t.Errorf("%v, %s (%s), confirmed %+v", resolved, describe(e), outcomes(e), e.Confirmed)
	}
}

// TestAConflictWithLostDataTakesWhatTheServerHas: an answer that is older than what the
// operation was based on is no late one: the server's data went back in time. Otherwise what is
// written next would have a base that no server has.
func TestAConflictWithLostDataTakesWhatTheServerHas(t *testing.T) {
	for _, c := range []struct {
		name  string
		mine  api.OperationType
		known int64 // the version that the device has, the operation is based on 5
		row   *queue.Row
		want  int64 // the version that it has then, 0 for none
	}{
		{"older than the base", api.Update, 5, row(4, `{"name":"Old"}`), 4},
		{"gone", api.Update, 5, nil, 0},
		{"newer than the base", api.Update, 5, row(6, `{"name":"New"}`), 6},
		{"a newer row was fetched meanwhile", api.Update, 7, row(6, `{"name":"New"}`), 7},
		{"a delete, older than the base", api.Delete, 5, row(4, `{"name":"Old"}`), 4},
		{"an answer to what restores somebody whose delete never arrived", api.Create, 5, row(4, `{"name":"Old"}`), 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			mine := queue.Operation{ID: "a", Ref: ref, Type: c.mine, BaseVersion: 5, Data: []byte(`{"name":"Mine"}`), State: queue.Sending}
			e := &queue.Entity{Ref: ref, Confirmed: row(c.known, `{"name":"Known"}`), Operations: []queue.Operation{mine}}
			var version, got int64
			if c.row != nil {
				version = c.row.Version
			}
			must(t, e.ResolveConflict("a", c.row, version, func(*queue.Operation) *queue.Operation { return nil }), "resolve")
			if e.Confirmed != nil {
				got = e.Confirmed.Version
			}
			if got != c.want {
				t.Errorf("the device has version %d, want %d", got, c.want)
			}
		})
	}
}

// TestSentSinceSeesEachDifference: whatever else differs has to be told anew.
func TestSentSinceSeesEachDifference(t *testing.T) {
	day := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	made := func() queue.Entity {
		return queue.Entity{
			Ref: queue.Ref{Type: "user", ID: "u"}, Confirmed: &queue.Row{Version: 3, Document: []byte(`{}`)},
			Operations: []queue.Operation{
				{Seq: 1, ID: "one", Type: api.Update, Data: []byte(`{"a":1}`), Base: []byte(`{"a":0}`), State: queue.Queued, CreatedAt: day},
				{Seq: 2, ID: "two", Type: api.Delete, State: queue.Queued, CreatedAt: day},
			},
		}
	}
	before := made()
	if e := made(); e.SentSince(&before) {
		t.Error("it was not sent")
	}
	sent := func() queue.Entity {
		e := made()
		e.Send("one")
		return e
	}
	if e := sent(); !e.SentSince(&before) {
		t.Error("it was sent")
	}
	differences := map[string]func(*queue.Entity){
		"an operation":    func(e *queue.Entity) { e.Operations = append(e.Operations, queue.Operation{Seq: 3}) },
		"one less":        func(e *queue.Entity) { e.Operations = e.Operations[:1] },
		"an outcome":      func(e *queue.Entity) { e.Outcomes = []queue.Outcome{{ID: "zero"}} },
		"a conflict":      func(e *queue.Entity) { e.Conflicts = []queue.Conflict{{ID: "c"}} },
		"another row":     func(e *queue.Entity) { e.Confirmed = &queue.Row{Version: 4, Document: []byte(`{}`)} },
		"no row":          func(e *queue.Entity) { e.Confirmed = nil },
		"seq":             func(e *queue.Entity) { e.Operations[0].Seq = 9 },
		"id":              func(e *queue.Entity) { e.Operations[0].ID = "other" },
		"type":            func(e *queue.Entity) { e.Operations[0].Type = api.Create },
		"state of a rest": func(e *queue.Entity) { e.Operations[1].State = queue.Rejected },
		"base version":    func(e *queue.Entity) { e.Operations[0].BaseVersion = 9 },
		"unseen":          func(e *queue.Entity) { e.Operations[0].Unseen = true },
		"stamp":           func(e *queue.Entity) { e.Operations[0].Stamp = "s" },
		"retries":         func(e *queue.Entity) { e.Operations[0].RetryCount = 1 },
		"an error":        func(e *queue.Entity) { e.Operations[0].LastError = &api.Problem{} },
		"created":         func(e *queue.Entity) { e.Operations[0].CreatedAt = day.Add(1) },
		"next attempt":    func(e *queue.Entity) { e.Operations[1].NextAttemptAt = day },
		"data":            func(e *queue.Entity) { e.Operations[0].Data = []byte(`{"a":2}`) },
		"base":            func(e *queue.Entity) { e.Operations[0].Base = []byte(`{"a":2}`) },
	}
	for name, change := range differences {
		if e := sent(); true {
			if change(&e); e.SentSince(&before) {
				t.Errorf("%s: it counts as nothing", name)
			}
		}
	}
	failed := made()
	failed.Operations[0].LastError = &api.Problem{}
	if e := sent(); e.SentSince(&failed) {
		t.Error("an error is gone: it counts as nothing")
	}
}
