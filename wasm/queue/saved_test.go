package queue_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

var savedSchema = queue.Schema{Type: "user", Fields: []string{"name", "email", "bio"}}

func savedID(n int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", n) }

// saved is an operation as it stands in a file, on the entity of this number.
func saved(n, entity int) queue.Operation {
	return queue.Operation{
		Seq: int64(n), ID: savedID(n), Ref: queue.Ref{Type: "user", ID: savedID(1000 + entity)}, Type: api.Update,
		Data: json.RawMessage(`{"bio":"b"}`), Base: json.RawMessage(`{"bio":"a","big":12345678901234567890}`), BaseVersion: 3,
		CreatedAt: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC), State: queue.Queued,
	}
}

func savedFile(t *testing.T, operations ...queue.Operation) string {
	t.Helper()
	var texts []string
	for _, o := range operations {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return `{"format":"rollcall-changes","version":1,"savedAt":"2026-05-02T08:00:00.000Z","program":"p","database":3,` +
		`"operations":[` + strings.Join(texts, ",\n") + `],"unreadable":[{"seq":9,"text":"{half"}]}`
}

func TestParseSavedChanges(t *testing.T) {
	s, err := queue.ParseSavedChanges([]byte("\ufeff"+savedFile(t, saved(1, 1), saved(2, 2))), savedSchema)
	if err != nil || len(s.Operations) != 2 || len(s.Unreadable) != 1 || s.Operations[1].ID != savedID(2) {
		t.Fatalf("%v: %+v", err, s)
	}
	if got := string(s.Operations[0].Base); got != `{"bio":"a","big":12345678901234567890}` {
		t.Errorf("the base became %s", got)
	}
	with := func(change func(*queue.Operation)) string {
		o := saved(1, 1)
		change(&o)
		return savedFile(t, o)
	}
	for name, c := range map[string]struct{ file, says string }{
		"nothing":        {"", "not complete"},
		"half of it":     {savedFile(t, saved(1, 1))[:200], "not complete"},
		"a picture":      {"\x89PNG\r\n", "not complete"},
		"other JSON":     {`{"users":[]}`, "not a file of saved changes"},
		"a list":         {`[1]`, "not a file of saved changes"},
		"a newer format": {`{"format":"rollcall-changes","version":2}`, "newer version"},
		"no version":     {`{"format":"rollcall-changes"}`, "newer version"},
		"another's kind of version": {
			`{"format":"rollcall-changes","version":"1.0"}`, "not a file of saved changes"},
		"a number for a list": {
			`{"format":"rollcall-changes","version":1,"operations":7}`, "changed after it was saved"},
		"no id":              {with(func(o *queue.Operation) { o.ID = "1" }), "change 1 of the file"},
		"no entity":          {with(func(o *queue.Operation) { o.Ref.ID = "" }), "has no id"},
		"another type":       {with(func(o *queue.Operation) { o.Ref.Type = "invoice" }), `it is of a "invoice", which this program doesn't know`},
		"another field":      {with(func(o *queue.Operation) { o.Data = json.RawMessage(`{"admin":true}`) }), `it sets "admin", which this program doesn't know`},
		"nothing to set":     {with(func(o *queue.Operation) { o.Data = nil }), "sets nothing"},
		"unknown deed":       {with(func(o *queue.Operation) { o.Type = "merge" }), `it does "merge", which this program doesn't know`},
		"a negative version": {with(func(o *queue.Operation) { o.BaseVersion = -1 }), "negative"},
		"a negative count":   {with(func(o *queue.Operation) { o.RetryCount = -1 }), "negative"},
		"too many":           {savedFile(t, make([]queue.Operation, queue.MaxSavedOperations+1)...), "more than 20000 changes"},
		"as many as may be":  {savedFile(t, make([]queue.Operation, queue.MaxSavedOperations)...), "change 1 of the file"},
		"a base of text":     {with(func(o *queue.Operation) { o.Base = json.RawMessage(`"x"`) }), "made on"},
		"the same twice":     {savedFile(t, saved(1, 1), saved(1, 1)), "change 2 of the file can't be taken in: it is there twice"},
		"too large":          {strings.Repeat(" ", queue.MaxSavedBytes+1), "larger than 32 MB"},
	} {
		s, err := queue.ParseSavedChanges([]byte(c.file), savedSchema)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: the error is %v, want one that says %q", name, err, c.says)
		}
		if !reflect.DeepEqual(s, queue.SavedChanges{}) {
			t.Errorf("%s: of a file that is refused, this is returned: %+v", name, s)
		}
	}
}

func TestSavedOperationsOfEachKindAreTakenIn(t *testing.T) {
	none := json.RawMessage(nil)
	for name, change := range map[string]func(*queue.Operation){
		"a first create":             func(o *queue.Operation) { o.Type, o.Base, o.BaseVersion = api.Create, none, 0 },
		"a delete":                   func(o *queue.Operation) { o.Type, o.Data = api.Delete, none },
		"an update of every field":   func(o *queue.Operation) { o.Data = json.RawMessage(`{"name":"n","email":"e","bio":"b"}`) },
		"one that has failed before": func(o *queue.Operation) { o.State, o.RetryCount = queue.Waiting, 4 },
	} {
		o := saved(1, 1)
		change(&o)
		s, err := queue.ParseSavedChanges([]byte(savedFile(t, o)), savedSchema)
		if err != nil || len(s.Operations) != 1 || !reflect.DeepEqual(s.Operations[0], o) {
			t.Errorf("%s: %v, %+v", name, err, s.Operations)
		}
	}
}

func TestWhatIsTakenInIsOfItsEntity(t *testing.T) {
	e := queue.Entity{Ref: ref}
	if !e.TakeIn(saved(1, 1), map[string]int{savedID(1): 0}, []string{"name"}) || e.Operations[0].Ref != ref {
		t.Errorf("%+v holds %+v", e.Ref, e.Operations)
	}
}

func TestTakeInKeepsTheOrderAndTheIDs(t *testing.T) {
	order := map[string]int{savedID(1): 0, savedID(2): 1, savedID(3): 2}
	first, second := saved(1, 1), saved(2, 1)
	first.State, first.NextAttemptAt, second.State = queue.Sending, time.Now(), queue.Waiting
	e := queue.Entity{Ref: first.Ref}
	if !e.TakeIn(first, order, []string{"name"}) || !e.TakeIn(second, order, []string{"name"}) {
		t.Fatal("an entity without operations takes none in")
	}
	a, b := e.Operations[0], e.Operations[1]
	if a.ID != first.ID || a.State != queue.Waiting || a.Seq != 0 || !a.NextAttemptAt.IsZero() || a.BaseVersion != 3 {
		t.Errorf("the first became %+v", a)
	}
	if b.ID != second.ID || b.State != queue.Queued { // at most the first is frozen
		t.Errorf("the second became %+v", b)
	}
	// A later write must not swallow what may have been sent under its own id.
	alone := queue.Entity{Ref: first.Ref}
	queued := saved(1, 1)
	alone.TakeIn(queued, order, []string{"name"})
	if err := alone.Enqueue(queue.Write{ID: savedID(50), Type: api.Update, Data: json.RawMessage(`{"bio":"c"}`), At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if len(alone.Operations) != 2 || alone.Operations[0].ID != queued.ID {
		t.Errorf("a later write left %+v", alone.Operations)
	}
	rejected := saved(1, 1)
	rejected.State = queue.Rejected
	waits := queue.Entity{Ref: first.Ref}
	if waits.TakeIn(rejected, order, []string{"name"}); waits.Operations[0].State != queue.Rejected {
		t.Errorf("one that waits for the person became %+v", waits.Operations[0])
	}
}

func TestTakeInDoesNotOvertakeWhatWasDoneSince(t *testing.T) {
	order := map[string]int{savedID(1): 0, savedID(2): 1}
	for name, have := range map[string]queue.Operation{"another's": saved(7, 1), "the younger one": saved(2, 1)} {
		e := queue.Entity{Ref: have.Ref, Operations: []queue.Operation{have}}
		if e.TakeIn(saved(1, 1), order, []string{"name"}) || len(e.Operations) != 1 {
			t.Errorf("%s: the queue became %+v", name, e.Operations)
		}
	}
}

// TestNothingIsTakenInBehindWhatWaitsForThePerson: it would never be sent. Half of a file may have
// been taken in, sent and refused before the rest comes.
func TestNothingIsTakenInBehindWhatWaitsForThePerson(t *testing.T) {
	order := map[string]int{savedID(1): 0, savedID(2): 1}
	refused := saved(1, 1)
	refused.State = queue.Rejected
	e := queue.Entity{Ref: refused.Ref, Operations: []queue.Operation{refused}}
	if e.TakeIn(saved(2, 1), order, []string{"name"}) || len(e.Operations) != 1 {
		t.Errorf("the queue became %+v", e.Operations)
	}
}

// TestWhatIsTakenIntoADatabase keeps the client id that the server knows it by.
func TestWhatIsTakenIntoADatabase(t *testing.T) {
	mine, theirs := saved(1, 1), saved(2, 1)
	theirs.Client = "third"
	s := queue.SavedChanges{Client: "first", Operations: []queue.Operation{mine, theirs}}
	for own, want := range map[string][2]string{"": {"first", "third"}, "first": {"", "third"}, "third": {"first", ""}} {
		if into := s.TakenInto(own); into[0].Client != want[0] || into[1].Client != want[1] || s.Operations[0].Client != "" {
			t.Errorf("in %q they are of %q and %q", own, into[0].Client, into[1].Client)
		}
	}
	s.Client = "" // the database has never sent anything, or the file is older
	for _, own := range []string{"", "first"} {
		if into := s.TakenInto(own); into[0].Client != savedID(1) || into[1].Client != "third" {
			t.Errorf("in %q they are of %q and %q", own, into[0].Client, into[1].Client)
		}
	}
	if into := (queue.SavedChanges{}).TakenInto(""); len(into) > 0 {
		t.Errorf("an empty file has %+v", into)
	}
}

// FuzzSavedChanges: whatever is in a file, it is refused with words or taken in, and
// what is taken in is the same when it is read again.
func FuzzSavedChanges(f *testing.F) {
	text, err := json.Marshal(saved(1, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"format":"rollcall-changes","version":1,"operations":[` + string(text) + `]}`))
	f.Add([]byte(`{"format":"rollcall-changes","version":1,"operations":[{"ref":{}}],"unreadable":[null]}`))
	f.Add([]byte(`{"format":"rollcall-changes","version":-1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := queue.ParseSavedChanges(data, savedSchema)
		if err != nil {
			if err.Error() == "" {
				t.Error("it is refused without a word")
			}
			return
		}
		order := map[string]int{}
		for i, o := range s.Operations {
			order[o.ID] = i
		}
		for _, o := range s.Operations {
			e := queue.Entity{Ref: o.Ref}
			if !e.TakeIn(o, order, []string{"name"}) {
				t.Errorf("%+v is not taken in", o)
			}
			e.View() // it is total
		}
	})
}

// TestWhatItWasMadeBehindWasAnsweredMeanwhile: nobody's create has landed, others have changed the user
// since, and its answer came before the update behind it was taken in. The server finds the conflict.
func TestWhatItWasMadeBehindWasAnsweredMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name   string
		row    *queue.Row
		want   string
		unseen bool
	}{
		{"others have changed it", row(2, bo), `b update {"name":"Cy"} base 1 waiting`, true},
		{"nobody has", row(2, ann), `b update {"name":"Cy"} base 2 waiting`, false},
		{"others have, and it was made before", row(3, bo), `b update {"name":"Cy"} base 2 waiting`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: c.row}
			update := op("b", api.Update, `{"name":"Cy"}`, ann, 2)
			must(t, e.TakeIn(update, map[string]int{"a": 0, "b": 1}, []string{"name"}), "take in")
			if got := describe(e); got != c.want || e.Operations[0].Unseen != c.unseen {
				t.Errorf("got %s, unseen %t", got, e.Operations[0].Unseen)
			}
		})
	}
}
