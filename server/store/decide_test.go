package store_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

var (
	born    = epoch.Add(-time.Hour)
	changed = epoch.Add(-time.Minute)
	clock   = epoch.Add(time.Microsecond)
	now     = store.Now{Time: epoch, Next: store.Counter{Change: 42, Clock: clock}}

	old      = api.NewStamp(changed, "", "server")
	recent   = api.NewStamp(epoch.Add(-time.Second), "", "client01")
	inFuture = api.NewStamp(epoch.Add(time.Hour), "", "client01")
)

func patch(name, email, bio string) (p api.UserPatch) {
	for at, value := range map[**string]string{&p.Name: name, &p.Email: email, &p.Bio: bio} {
		if value != "" {
			*at = &value
		}
	}
	return p
}

// live is a user at version 3, which Decide finds.
func live() *store.Row {
	u := api.User{ID: "u", Name: "Ann", Email: "ann@example.org", Bio: "x", Version: 3, CreatedAt: born, UpdatedAt: changed}
	document, err := json.Marshal(u)
	if err != nil {
		panic(err)
	}
	return &store.Row{ID: "u", Version: 3, Change: 7, Document: document, Stamp: old, CreatedAt: born, UpdatedAt: changed}
}

func deleted() *store.Row {
	return &store.Row{ID: "u", Version: 3, Change: 7, Deleted: true, Stamp: old, CreatedAt: born, UpdatedAt: changed}
}

func forged() *store.Row {
	r := live()
	r.Document = json.RawMessage(`{"version":"x"}`)
	return r
}

// outcome is a decision in a few words: what was decided, the version of the result, and
// the row to put.
func outcome(next *store.Row, result api.Result, err error) string {
	if err != nil {
		return "error"
	}
	s := fmt.Sprintf("%s %d", result.Status, result.Version)
	if next == nil {
		return s
	}
	u, err := next.User()
	if err != nil {
		return err.Error()
	}
	return s + fmt.Sprintf(": %d %s/%s/%s, deleted %v", next.Version, u.Name, u.Email, u.Bio, next.Deleted)
}

// TestAUserMayBeBackAfterACollection: the tombstone that knew the versions is gone, and a
// device may still have one of them.
func TestAUserMayBeBackAfterACollection(t *testing.T) {
	w := store.Write{Type: api.Create, EntityID: "u", Patch: patch("Bo", "bo@example.org", "")}
	at := now
	at.Collected = true
	if next, result, err := store.Decide(nil, w, at); err != nil || next.Version != 42 || result.Version != 42 {
		t.Errorf("version %d: %+v, %v", next.Version, result, err)
	}
}

func TestDecideEachKindOnEachRow(t *testing.T) {
	const (
		kept = "3 Ann/ann@example.org/x"
		bob  = "Bo/bo@example.org/"
	)
	create := store.Write{Type: api.Create, Patch: patch("Bo", "bo@example.org", "")}
	same := store.Write{Type: api.Create, Patch: patch("Ann", "ann@example.org", "x")}
	update := store.Write{Type: api.Update, Patch: patch("Bo", "", "")}
	unchanged := store.Write{Type: api.Update, Patch: patch("Ann", "", "x")}
	remove := store.Write{Type: api.Delete}
	on := func(version int64, w store.Write) store.Write { w.BaseVersion = version; return w }
	whatever := func(w store.Write) store.Write { w.AnyVersion = true; return w }
	for _, c := range []struct {
		name    string
		current *store.Row
		w       store.Write
		want    string
	}{
		{"create", nil, create, "applied 1: 1 " + bob + ", deleted false"},
		{"restore after its tombstone was collected", nil, on(3, create), "applied 42: 42 " + bob + ", deleted false"},
		{"restore after more versions than changes", nil, on(42, create), "applied 43: 43 " + bob + ", deleted false"},
		{"restore at the first version", nil, on(1, create), "applied 42: 42 " + bob + ", deleted false"},
		{"create again", live(), same, "duplicate 3"},
		{"create again, another name", live(), store.Write{Type: api.Create, Patch: patch("Bo", "ann@example.org", "x")}, "conflict 3"},
		{"create again, another email", live(), store.Write{Type: api.Create, Patch: patch("Ann", "bo@example.org", "x")}, "conflict 3"},
		{"create again, another bio", live(), store.Write{Type: api.Create, Patch: patch("Ann", "ann@example.org", "")}, "conflict 3"},
		{"create on another's row of the same version", live(), on(3, create), "conflict 3"},
		{"create on a row that can't be read", forged(), create, "error"},
		{"restore what was seen deleted", deleted(), on(3, create), "applied 4: 4 " + bob + ", deleted false"},
		{"restore what was deleted again since", deleted(), on(2, create), "conflict 3"},

		{"update of nothing", nil, update, "conflict 0"},
		{"update of a deleted one", deleted(), on(3, update), "conflict 3"},
		{"update", live(), on(3, update), "applied 4: 4 Bo/ann@example.org/x, deleted false"},
		{"update that changes nothing", live(), on(3, unchanged), "applied 4: 4 Ann/ann@example.org/x, deleted false"},
		{"update of another version", live(), on(2, update), "conflict 3"},
		{"update of another version that changes nothing", live(), on(2, unchanged), "duplicate 3"},
		{"update of any version", live(), whatever(update), "applied 4: 4 Bo/ann@example.org/x, deleted false"},
		{"update of any version of nothing", nil, whatever(update), "conflict 0"},
		{"update of a row that can't be read", forged(), on(3, update), "error"},

		{"delete of nothing", nil, remove, "duplicate 0"},
		{"delete of a deleted one", deleted(), on(2, remove), "duplicate 3"},
		{"delete", live(), on(3, remove), "applied 4: 4 //, deleted true"},
		{"delete of another version", live(), on(2, remove), "conflict 3"},
		{"delete of any version", live(), whatever(remove), "applied 4: 4 //, deleted true"},

		{"something else", live(), store.Write{Type: "rename"}, "error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.w.ID, c.w.EntityID, c.w.CreatedAt = "w", "u", born
			next, result, err := store.Decide(c.current, c.w, now)
			if got := outcome(next, result, err); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if err != nil {
				if next != nil || !reflect.DeepEqual(result, api.Result{}) {
					t.Errorf("beside the error %v: %+v, %+v", err, next, result)
				}
				return
			}
			shown := next
			if next == nil {
				shown = cmp.Or(c.current, &store.Row{})
			}
			if result.ID != "w" || result.Stamp != shown.Stamp || string(result.Document) != string(shown.Document) {
				t.Errorf("result %+v of %+v", result, shown)
			}
			if next != nil && (next.ID != "u" || next.Change != 42 || !next.UpdatedAt.Equal(clock) || !next.CreatedAt.Equal(born)) {
				t.Errorf("put %+v", next)
			}
			if problem := result.Problem; (problem != nil) != (result.Status == api.Conflict) {
				t.Errorf("%s with problem %+v", result.Status, problem)
			}
		})
	}
	if _, _, err := store.Decide(nil, store.Write{ID: "w", Type: "rename"}, now); err == nil || err.Error() != `decide operation w: unknown type "rename"` {
		t.Errorf("error %v", err)
	}
}

// TestASharedEmailStaysSharedUntilItIsChanged: another user has the same email, which only
// an older rule allowed. A write that leaves it alone must not claim it.
func TestASharedEmailStaysSharedUntilItIsChanged(t *testing.T) {
	shared := store.SharedKey("ann@example.org", "u")
	for _, c := range []struct {
		name  string
		patch api.UserPatch
		want  string
	}{
		{"another bio", patch("", "", "y"), shared},
		{"the same email in other letters", patch("", "Ann@Example.ORG", ""), shared},
		{"another email", patch("", "bo@example.org", ""), "bo@example.org"},
	} {
		t.Run(c.name, func(t *testing.T) {
			current := live()
			current.EmailKey = shared
			next, _, err := store.Decide(current, store.Write{ID: "w", EntityID: "u", Type: api.Update, BaseVersion: 3, Patch: c.patch}, now)
			if err != nil || next.EmailKey != c.want {
				t.Errorf("%v, the key is %q", err, next.EmailKey)
			}
		})
	}
	gone := deleted()
	gone.EmailKey = shared
	restore := store.Write{ID: "w", EntityID: "u", Type: api.Create, BaseVersion: 3, Patch: patch("Ann", "ann@example.org", "")}
	if next, _, err := store.Decide(gone, restore, now); err != nil || next.EmailKey != "ann@example.org" {
		t.Errorf("restored: %v, the key is %q", err, next.EmailKey)
	}
}

// TestStampOfARowNeverGoesBack: whatever the client says, and nothing if it says nothing.
func TestStampOfARowNeverGoesBack(t *testing.T) {
	for _, c := range []struct {
		name    string
		current *store.Row
		stamp   api.Stamp
		want    api.Stamp
	}{
		{"the client's", nil, recent, recent},
		{"the client's, later than the row's", live(), recent, recent},
		{"the client's, earlier than the row's", live(), api.NewStamp(born, "", "client01"), old},
		{"the client's, of the future", nil, inFuture, inFuture.Bound(epoch)},
		{"none", nil, "", api.NewStamp(epoch, "", "server")},
		{"none, on a row whose stamp is ahead", func() *store.Row { r := live(); r.Stamp = inFuture; return r }(), "",
			api.NewStamp(epoch, inFuture, "server")},
	} {
		for _, w := range []store.Write{{Type: api.Create, Patch: patch("Bo", "bo@example.org", "")}, {Type: api.Update, Patch: patch("Bo", "", "")}, {Type: api.Delete}} {
			if (c.current == nil) != (w.Type == api.Create) {
				continue
			}
			t.Run(c.name+", "+string(w.Type), func(t *testing.T) {
				w.EntityID, w.Stamp, w.AnyVersion = "u", c.stamp, true
				next, result, err := store.Decide(c.current, w, now)
				if err != nil || next == nil || next.Stamp != c.want || result.Stamp != c.want {
					t.Errorf("put %+v, %+v, %v; want stamp %s", next, result, err, c.want)
				}
			})
		}
	}
}

func TestCreatedAtIsTheClientsWordAsFarAsItCanBeTrue(t *testing.T) {
	precise := born.Add(1500 * time.Nanosecond).In(time.FixedZone("", 3600))
	for _, c := range []struct {
		name          string
		claimed, want time.Time
	}{
		{"earlier", precise, born.Add(time.Microsecond)},
		{"now", epoch, epoch},
		{"later", epoch.Add(1), epoch},
		{"not said", time.Time{}, epoch},
	} {
		for _, base := range []int64{0, 3} {
			w := store.Write{EntityID: "u", Type: api.Create, BaseVersion: base, CreatedAt: c.claimed}
			next, _, err := store.Decide(nil, w, now)
			if err != nil || !next.CreatedAt.Equal(c.want) || next.CreatedAt.Location() != time.UTC {
				t.Errorf("%s, base %d: created at %v, %v", c.name, base, next.CreatedAt, err)
			}
		}
	}
}

// TestADateThatCannotBeEncodedIsAnError: JSON has no years before 0.
func TestADateThatCannotBeEncodedIsAnError(t *testing.T) {
	w := store.Write{EntityID: "u", Type: api.Create, CreatedAt: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}
	if next, result, err := store.Decide(nil, w, now); err == nil || next != nil || !reflect.DeepEqual(result, api.Result{}) {
		t.Errorf("put %+v, %+v, %v", next, result, err)
	}
}

func TestConflictsAndRejectionsSayWhy(t *testing.T) {
	for title, current := range map[string]*store.Row{
		"The user has changed":    live(),
		"The user does not exist": nil,
		"The user was deleted":    deleted(),
	} {
		want := &api.Problem{Title: title, Status: 409, Code: api.CodeConflict, Detail: "the write was based on version 2"}
		w := store.Write{ID: "w", EntityID: "u", Type: api.Update, BaseVersion: 2, Patch: patch("Bo", "", "")}
		if _, result, err := store.Decide(current, w, now); err != nil || !reflect.DeepEqual(result.Problem, want) {
			t.Errorf("%+v, %v", result.Problem, err)
		}
	}
	problem := &api.Problem{Title: "no"}
	if got, want := store.Rejected("w", problem), (api.Result{ID: "w", Status: api.Rejected, Problem: problem}); !reflect.DeepEqual(got, want) {
		t.Errorf("rejected is %+v", got)
	}
}

// TestAClockFarAheadLeavesVersions: a start with a clock that is centuries ahead gives versions
// that clients can name afterwards, and that JSON numbers hold.
func TestAClockFarAheadLeavesVersions(t *testing.T) {
	f := store.FeedState{State: feed.State{Change: 7}}
	f.Enter(time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC))
	f.Enter(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	_, problem := store.Prepare("00000000-0000-4000-8000-000000000001", api.Operation{
		ID: "00000000-0000-4000-8000-000000000002", EntityType: api.EntityUser, EntityID: "00000000-0000-4000-8000-000000000003",
		Type: api.Delete, BaseVersion: f.Floor + 1_000_000_000, Stamp: api.NewStamp(time.Now(), "", "00000000"),
	})
	if problem != nil {
		t.Errorf("a delete of version %d is refused: %+v", f.Floor, problem)
	}
}
