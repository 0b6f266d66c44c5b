package transfer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/plan"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/transfer"
)

// device is one with a list, whose clock stands still.
type device struct {
	*transfer.Device
	t        *testing.T
	database *memdb.Database
	store    *replica.Store
	conn     *memdb.Conn // of the store
	now      time.Time
	locks    *memory.Locks
}

func newDevice(t *testing.T) *device {
	t.Helper()
	d := &device{t: t, database: memdb.New(), locks: memory.NewLocks(), now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
	d.open()
	return d
}

// open is what a reload does: all that is in memory is gone.
func (d *device) open() {
	now := func() time.Time { return d.now }
	d.conn = d.database.Open()
	d.store = replica.New(replica.Options{Database: d.conn, Schemas: []queue.Schema{directory.Users}, Now: now, NewID: uuid.NewString})
	users := repository.New(repository.Config[api.User, api.UserPatch]{
		Store: d.store, Bus: memory.NewChannel().Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: now, After: time.After, NewID: uuid.NewString,
	})
	d.t.Cleanup(users.Close)
	d.Device = &transfer.Device{Users: users, Meta: d.store.Meta, Keep: transfer.Beside{Database: d.database.Open()}, Locks: d.locks, Now: now, NewID: uuid.NewString}
}

// tab is another tab of the same browser.
func (d *device) tab() *device {
	other := &device{t: d.t, database: d.database, locks: d.locks, now: d.now}
	other.open()
	return other
}

func quietly(int, int) {}

func left(who ...string) transfer.Left { return transfer.Left{N: len(who), Who: who} }

// people is a file of so many.
func people(n int) string {
	var file strings.Builder
	file.WriteString("name,email\n")
	for n := range n {
		fmt.Fprintf(&file, "P%04d,p%d@x.org\n", n, n)
	}
	return file.String()
}

func (d *device) plan(text string) *transfer.Plan {
	d.t.Helper()
	f, err := roster.Open(strings.NewReader(text), roster.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	p, err := d.Plan(d.t.Context(), f)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

func (d *device) imports(text string, want transfer.Imported) {
	d.t.Helper()
	if got, err := d.Import(d.t.Context(), d.plan(text), "a.csv", quietly); err != nil || !reflect.DeepEqual(got, want) {
		d.t.Fatalf("it imported %+v (%v), want %+v", got, err, want)
	}
}

func (d *device) undoes(want transfer.Undone) {
	d.t.Helper()
	if got, err := d.Undo(d.t.Context(), quietly); err != nil || !reflect.DeepEqual(got, want) {
		d.t.Fatalf("it undid %+v (%v), want %+v", got, err, want)
	}
}

// shows fails the test unless the list has these users: "name email bio".
func (d *device) shows(want ...string) {
	d.t.Helper()
	var got []string
	err := d.People(d.t.Context(), transfer.Selection{}, func(u api.User) error {
		got = append(got, strings.TrimSpace(fmt.Sprint(u.Name, " ", u.Email, " ", u.Bio)))
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		d.t.Fatalf("it shows %q (%v), want %q", got, err, want)
	}
}

func (d *device) operations() (kinds []string) {
	d.t.Helper()
	all, err := d.store.Operations(d.t.Context(), 0, 100_000)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, o := range all {
		kinds = append(kinds, string(o.Type))
	}
	return kinds
}

func (d *device) rename(email, name string) {
	d.t.Helper()
	page, err := d.Users.List(d.t.Context(), repository.Query{Search: email, Limit: 1})
	if err != nil || page.Records.Len() != 1 {
		d.t.Fatalf("%s is not there (%v)", email, err)
	}
	if _, err := d.Users.Update(d.t.Context(), page.Records.At(0), api.UserPatch{Name: &name}); err != nil {
		d.t.Fatal(err)
	}
}

// TestImportAndUndo: each line is an operation of its own, and undoing leaves the list as it was, also
// after a reload.
func TestImportAndUndo(t *testing.T) {
	d := newDevice(t)
	d.imports("name,email,bio\nAnn,a@x.org,old\nBob,b@x.org,\n", transfer.Imported{Created: 2})
	d.shows("Ann a@x.org old", "Bob b@x.org")
	p := d.plan("name,email,bio\nAnna,a@x.org,\nBob,b@x.org,\nCy,c@x.org,new\nx,nobody,\n")
	actions, emptied := p.Count()
	if actions[plan.Create] != 1 || actions[plan.Change] != 1 || actions[plan.Unchanged] != 1 || actions[plan.Refused] != 1 || emptied["bio"] != 1 {
		t.Errorf("the plan is %v, and empties %v", actions, emptied)
	}
	if !p.Incomplete {
		t.Error("a device that has never synced says that it has the whole list")
	}
	d.shows("Ann a@x.org old", "Bob b@x.org")
	if got, err := d.Import(t.Context(), p, "b.csv", quietly); err != nil || !reflect.DeepEqual(got, transfer.Imported{Created: 1, Changed: 1}) {
		t.Fatalf("it imported %+v (%v)", got, err)
	}
	d.shows("Anna a@x.org", "Bob b@x.org", "Cy c@x.org new")
	d.open()
	last, err := d.Last(t.Context())
	if err != nil || last == nil || last.File != "b.csv" || !last.Ended || last.Created != 1 || last.Changed != 1 {
		t.Fatalf("the last import is %+v (%v)", last, err)
	}
	d.undoes(transfer.Undone{Undone: 2})
	d.shows("Ann a@x.org old", "Bob b@x.org")
	if last, err := d.Last(t.Context()); last != nil || err != nil {
		t.Errorf("it can be undone again: %+v (%v)", last, err)
	}
	if left, _ := d.database.Texts(); left["import/part/0"] != "" {
		t.Error("what undoes it is still there")
	}
}

// TestUndoLeavesWhatWasChangedSince: nothing that somebody did later is lost.
func TestUndoLeavesWhatWasChangedSince(t *testing.T) {
	d := newDevice(t)
	d.imports("name,email\nAnn,a@x.org\nBob,b@x.org\n", transfer.Imported{Created: 2})
	d.rename("b@x.org", "Bobby")
	d.undoes(transfer.Undone{Undone: 1, Left: left("Bob")})
	d.shows("Bobby b@x.org")
}

// TestPlansThatAreOld: what has changed since the plan was shown is left as it is.
func TestPlansThatAreOld(t *testing.T) {
	d := newDevice(t)
	d.imports("name,email\nAnn,a@x.org\nBob,b@x.org\n", transfer.Imported{Created: 2})
	p := d.plan("name,email\nAnne,a@x.org\nBo,b@x.org\n")
	d.rename("b@x.org", "Bobby")
	if got, err := d.Import(t.Context(), p, "a.csv", quietly); err != nil || !reflect.DeepEqual(got, transfer.Imported{Changed: 1, Left: left("Bo")}) {
		t.Errorf("it imported %+v (%v)", got, err)
	}
	d.shows("Anne a@x.org", "Bobby b@x.org")
	d.undoes(transfer.Undone{Undone: 1})
	d.shows("Ann a@x.org", "Bobby b@x.org")
}

// TestAddressesHandedOn: they go back the way they came, and whoever takes one is behind whoever gives it.
func TestAddressesHandedOn(t *testing.T) {
	d := newDevice(t)
	id := func(n int) string { return fmt.Sprintf("7c000000-0000-4000-8000-%012d", n) }
	row := func(n int, name, email string) string { return fmt.Sprintf("%s,%s,%s\n", id(n), name, email) }
	d.imports("id,name,email\n"+row(1, "A", "a@x.org")+row(2, "B", "b@x.org"), transfer.Imported{Created: 2})
	d.imports("id,name,email\n"+row(2, "B", "a@x.org")+row(3, "C", "b@x.org")+row(1, "A", "new@x.org"), transfer.Imported{Created: 1, Changed: 2})
	d.shows("A new@x.org", "B a@x.org", "C b@x.org")
	d.undoes(transfer.Undone{Undone: 3})
	d.shows("A a@x.org", "B b@x.org")
}

// TestImportIsCancelled: what was done stays, and can be undone.
func TestImportIsCancelled(t *testing.T) {
	d := newDevice(t)
	file := people(1000)
	p := d.plan(file)
	cancelled := errors.New("cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	got, err := d.Import(ctx, p, "a.csv", func(done, of int) {
		if of != 1000 {
			t.Errorf("%d of %d", done, of)
		}
		if done >= 400 {
			cancel(cancelled)
		}
	})
	if !errors.Is(err, cancelled) || got.Created < 400 || got.Created == 1000 || len(d.operations()) != got.Created {
		t.Fatalf("it imported %+v (%v), and queued %d", got, err, len(d.operations()))
	}
	if last, err := d.Last(t.Context()); err != nil || last.Ended || last.Created != got.Created || last.Of != 1000 {
		t.Errorf("the last import is %+v (%v)", last, err)
	}
	d.undoes(transfer.Undone{Undone: got.Created})
	d.shows()
	if left := d.operations(); len(left) > 0 {
		t.Errorf("what was never sent is still queued: %v", left)
	}
}

// asked is a keeper that says when it is asked for something.
type asked struct {
	transfer.Keeper
	say func()
}

func (k asked) Get(ctx context.Context, keys ...string) (map[string]string, error) {
	k.say()
	return k.Keeper.Get(ctx, keys...)
}

// TestImportIsCutOff: the page is gone in the middle. What was saved can be undone; the rest is as before.
func TestImportIsCutOff(t *testing.T) {
	d := newDevice(t)
	file := people(500)
	p := d.plan(file)
	func() {
		defer func() { _ = recover() }()
		_, _ = d.Import(t.Context(), p, "a.csv", func(done, _ int) {
			if done >= 200 {
				panic("the page is gone")
			}
		})
	}()
	d.locks = memory.NewLocks() // the browser frees those of a page that is gone
	d.open()
	d.Keep = asked{d.Keep, func() { // while it is counted, another tab may go on with it
		if err := d.locks.Hold(t.Context(), "rollcall-import", sync.NoWait, func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
	}}
	last, err := d.Last(t.Context())
	if err != nil || last == nil || last.Ended || last.Created != 200 || last.Of != 500 {
		t.Fatalf("the last import is %+v (%v)", last, err)
	}
	d.open()
	d.undoes(transfer.Undone{Undone: 200})
	d.shows()
}

// TestAnImportThatEndsUncertain: nobody says that a part was saved, and asking fails, too. It can be undone
// all the same.
func TestAnImportThatEndsUncertain(t *testing.T) {
	d := newDevice(t)
	p := d.plan(people(1000))
	fault := memdb.None
	d.conn.Fault = func(replica.Query) memdb.Fault {
		now := fault
		if fault == memdb.UncertainSaved {
			fault = memdb.Aborted
		}
		return now
	}
	got, err := d.Import(t.Context(), p, "a.csv", func(done, _ int) {
		if done == 400 {
			fault = memdb.UncertainSaved
		}
	})
	fault = memdb.None
	if !errors.Is(err, queue.ErrUncertain) || got.Created != 400 || len(d.operations()) <= got.Created {
		t.Fatalf("it imported %+v (%v), and queued %d", got, err, len(d.operations()))
	}
	if last, err := d.Last(t.Context()); err != nil || last == nil || last.Ended {
		t.Errorf("the last import is %+v (%v)", last, err)
	}
	if _, err := d.Undo(t.Context(), quietly); err != nil {
		t.Fatal(err)
	}
	d.shows()
}

// TestImportGoesOn: the same file again brings the others, and one undo takes all of them back.
func TestImportGoesOn(t *testing.T) {
	d := newDevice(t)
	d.imports("name,email\nOld,p3@x.org\nBo,b@x.org\n", transfer.Imported{Created: 2})
	cancelled := errors.New("cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	file := people(500)
	got, err := d.Import(ctx, d.plan(file), "a.csv", func(int, int) { cancel(cancelled) })
	if !errors.Is(err, cancelled) || got.Created+got.Changed == 0 || got.Created+got.Changed == 500 {
		t.Fatalf("it imported %+v (%v)", got, err)
	}
	d.open()
	rest := transfer.Imported{Created: 499 - got.Created, Changed: 1 - got.Changed}
	if more, err := d.Import(t.Context(), d.plan(file), "a.csv", quietly); err != nil || !reflect.DeepEqual(more, rest) {
		t.Fatalf("it imported %+v (%v), want %+v", more, err, rest)
	}
	last, err := d.Last(t.Context())
	if err != nil || !last.Ended || last.Created != 499 || last.Changed != 1 {
		t.Errorf("the last import is %+v (%v)", last, err)
	}
	d.undoes(transfer.Undone{Undone: 500})
	d.shows("Bo b@x.org", "Old p3@x.org")
}

// TestTwoTabs: while one imports, another one neither imports nor undoes, and says why.
func TestTwoTabs(t *testing.T) {
	d := newDevice(t)
	other := d.tab()
	second := other.plan("name,email\nBo,b@x.org\n")
	asked := 0
	_, err := d.Import(t.Context(), d.plan(people(300)), "a.csv", func(int, int) {
		asked++
		if _, err := other.Import(t.Context(), second, "b.csv", quietly); !errors.Is(err, transfer.ErrBusy) {
			t.Errorf("the other tab imports (%v)", err)
		}
		if _, err := other.Undo(t.Context(), quietly); !errors.Is(err, transfer.ErrBusy) {
			t.Errorf("the other tab undoes (%v)", err)
		}
		other.store.Doubt()
		if last, err := other.Last(t.Context()); err != nil || last.Ended || last.File != "a.csv" {
			t.Errorf("the other tab has %+v (%v)", last, err)
		}
	})
	if err != nil || asked == 0 {
		t.Fatal(asked, err)
	}
	if last, err := other.Last(t.Context()); err != nil || !last.Ended || last.Created != 300 {
		t.Errorf("the other tab has %+v (%v)", last, err)
	}
	s := &transfer.Session{Device: other.Device, Progress: quietly}
	for _, name := range []string{"open", "import"} {
		err := d.locks.Hold(t.Context(), "rollcall-import", sync.NoWait, func(ctx context.Context) error {
			answer, _, err := s.Call(ctx, name, []byte(`{"name":"b.csv"}`), []byte("name,email\nBo,b@x.org\n"))
			if text, _ := json.Marshal(answer); name == "import" && !strings.Contains(string(text), `"busy":true`) {
				t.Errorf("it answers %s", text)
			}
			return err
		})
		if err != nil {
			t.Fatal(name, err)
		}
	}
	if _, _, err := s.Call(t.Context(), "import", []byte(`{}`), nil); err != nil {
		t.Errorf("the plan is gone: %v", err)
	}
}

// TestTheSameFileInTwoTabs: nobody is added twice, however old the plan is.
func TestTheSameFileInTwoTabs(t *testing.T) {
	d := newDevice(t)
	d.imports("name,email\nAnn,a@x.org\n", transfer.Imported{Created: 1})
	other := d.tab()
	file := "name,email\nBo,b@x.org\nCy,c@x.org\n"
	first, second := d.plan(file), other.plan(file)
	if got, err := d.Import(t.Context(), first, "a.csv", quietly); err != nil || got.Created != 2 {
		t.Fatalf("it imported %+v (%v)", got, err)
	}
	other.store.Doubt()
	if got, err := other.Import(t.Context(), second, "a.csv", quietly); err != nil || !reflect.DeepEqual(got, transfer.Imported{Left: left("Bo", "Cy")}) {
		t.Errorf("the other tab imported %+v (%v)", got, err)
	}
	other.shows("Ann a@x.org", "Bo b@x.org", "Cy c@x.org")
}

// TestReadingIsToldOf: how much of a long file was read, up to its end.
func TestReadingIsToldOf(t *testing.T) {
	d := newDevice(t)
	var told []int
	s := &transfer.Session{Device: d.Device, Progress: func(done, of int) {
		if done > of || len(told) > 0 && done <= told[len(told)-1] {
			t.Errorf("%d of %d after %v", done, of, told)
		}
		told = append(told, done)
	}}
	file := []byte(people(40_000))
	if _, _, err := s.Call(t.Context(), "open", []byte(`{}`), file); err != nil || len(told) < 4 {
		t.Errorf("it told %v of %d bytes (%v)", told, 2*len(file), err)
	}
}

// TestUndoEnds: a day later nothing is kept of whom an import was about.
func TestUndoEnds(t *testing.T) {
	d := newDevice(t)
	d.imports("name,email\nAnn,a@x.org\n", transfer.Imported{Created: 1})
	d.now = d.now.Add(transfer.UndoWithin + time.Minute)
	if last, err := d.Last(t.Context()); last != nil || err != nil {
		t.Errorf("it can be undone: %+v (%v)", last, err)
	}
	if left, _ := d.database.Texts(); left["import/last"]+left["import/part/0"] != "" {
		t.Error("it is still kept")
	}
	d.undoes(transfer.Undone{})
	d.shows("Ann a@x.org")
}

// TestANewImportIsNotDroppedForAnOldOne: while a tab finds that a day has passed, another one imports.
func TestANewImportIsNotDroppedForAnOldOne(t *testing.T) {
	d := newDevice(t)
	d.imports("name,email\nAnn,a@x.org\n", transfer.Imported{Created: 1})
	d.now = d.now.Add(transfer.UndoWithin + time.Minute)
	other := d.tab()
	began := false
	d.Locks = asking{d.locks, func() {
		if !began {
			began = true
			other.imports("name,email\nBo,b@x.org\n", transfer.Imported{Created: 1})
		}
	}}
	if last, err := d.Last(t.Context()); last != nil || err != nil || !began {
		t.Errorf("it can be undone: %+v (%v)", last, err)
	}
	other.undoes(transfer.Undone{Undone: 1})
}

// asking says when a lock is asked for.
type asking struct {
	sync.Locks
	say func()
}

func (l asking) Hold(ctx context.Context, name string, mode sync.LockMode, f func(context.Context) error) error {
	l.say()
	return l.Locks.Hold(ctx, name, mode, f)
}

// TestAFullDevice: the import ends with a reason, and what was saved can be undone.
func TestAFullDevice(t *testing.T) {
	d := newDevice(t)
	d.imports("name,email\nAnn,a@x.org\n", transfer.Imported{Created: 1})
	file := people(2000)
	p := d.plan(file)
	d.database.Fill(600_000)
	got, err := d.Import(t.Context(), p, "a.csv", quietly)
	if !errors.Is(err, queue.ErrQuota) {
		t.Errorf("it imported %+v (%v)", got, err)
	}
}

// TestExports: each format comes back as it is, unsent work included, and changes nothing.
func TestExports(t *testing.T) {
	d := newDevice(t)
	d.imports("name,email,bio\nZoë,z@x.org,\"a\nb; =c\"\n'=Bo,b@x.org,\n", transfer.Imported{Created: 2})
	for _, format := range []roster.Format{roster.CSV, roster.VCard, roster.JSON} {
		var out bytes.Buffer
		w, err := roster.NewWriter(&out, format, format == roster.CSV)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := d.Export(t.Context(), transfer.Selection{}, w); err != nil || n != 2 {
			t.Fatalf("%s: exported %d (%v)", format, n, err)
		}
		if actions, _ := d.plan(out.String()).Count(); actions[plan.Unchanged] != 2 {
			t.Errorf("%s: importing\n%s\nwould do %v", format, &out, actions)
		}
	}
	n := 0
	_ = d.People(t.Context(), transfer.Selection{Query: repository.Query{Search: "zoe"}}, func(api.User) error { n++; return nil })
	if n != 1 {
		t.Errorf("a search finds %d", n)
	}
}

// TestLongLists: they are read page by page.
func TestLongLists(t *testing.T) {
	d := newDevice(t)
	file := people(2500)
	d.imports(file, transfer.Imported{Created: 2500})
	if actions, _ := d.plan(file).Count(); actions[plan.Unchanged] != 2500 {
		t.Errorf("a second run would do %v", actions)
	}
}

// TestCalls: a page opens a file, is asked, and sees the lines.
func TestCalls(t *testing.T) {
	d := newDevice(t)
	s := &transfer.Session{Device: d.Device, Progress: quietly}
	call := func(name, arg string, file []byte, into any) []byte {
		t.Helper()
		answer, out, err := s.Call(t.Context(), name, []byte(arg), file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s answers %s: %v", name, text, err)
		}
		return out
	}
	var opened transfer.Opened
	call("open", `{"name":"a.csv"}`, []byte("Vorname;E-Mail\nJ\xfcrgen;j@x.org\n"), &opened)
	if opened.Refused == nil || opened.Encoding != "" || !opened.MapColumns {
		t.Errorf("columns nobody knows: %+v", opened)
	}
	call("table", `{}`, nil, &opened)
	if opened.Encoding != roster.Windows1252 || opened.Sample != "Jürgen;j@x.org" {
		t.Errorf("broken letters are shown: %+v", opened)
	}
	var table struct{ Roles []string }
	call("table", `{"encoding":"windows-1252"}`, nil, &table)
	if !slices.Equal(table.Roles, []string{"given", "email"}) {
		t.Errorf("the roles are %q", table.Roles)
	}
	opened = transfer.Opened{}
	call("open", `{"roles":["given",""]}`, nil, &opened)
	if !opened.MapColumns || opened.Refused == nil {
		t.Errorf("without an email: %+v", opened)
	}
	opened = transfer.Opened{}
	call("open", `{"encoding":"windows-1252","roles":["given","email"]}`, nil, &opened)
	if opened.Counts[plan.Create] != 1 || !opened.MapColumns {
		t.Errorf("it opens as %+v", opened)
	}
	var lines []struct {
		Line int
		Who  string
	}
	call("results", `{"action":"create","from":0,"limit":10}`, nil, &lines)
	if len(lines) != 1 || lines[0].Line != 2 || lines[0].Who != "Jürgen <j@x.org>" {
		t.Errorf("the lines are %+v", lines)
	}
	var done struct {
		Created      int
		InBackground bool
	}
	call("import", `{}`, nil, &done)
	if done.Created != 1 || !done.InBackground {
		t.Errorf("it imported %+v", done)
	}
	if _, _, err := s.Call(t.Context(), "import", []byte(`{}`), nil); err == nil {
		t.Error("a plan is done twice")
	}
	var count struct{ Count int }
	if out := call("export", `{"format":"csv","mark":true}`, nil, &count); count.Count != 1 || !bytes.HasPrefix(out, []byte("\ufeff")) {
		t.Errorf("exported %d: %s", count.Count, out)
	}
	var people []struct{ Name string }
	for filter, want := range map[string]int{
		`{"search":"nobody"}`: 0, `{"search":"JURGEN","sort":"-changed"}`: 1, `{"state":"pending"}`: 1, `{"state":"conflict"}`: 0,
		`{"since":"2026-11-27T12:00:00Z"}`: 1, `{"since":"2026-11-28T00:00:00Z","sort":"email"}`: 0,
	} {
		if call("people", filter, nil, &people); len(people) != want {
			t.Errorf("%s finds %+v", filter, people)
		}
	}
	var undone struct{ Undone int }
	call("undo", `{}`, nil, &undone)
	if undone.Undone != 1 {
		t.Errorf("it undid %+v", undone)
	}
}
