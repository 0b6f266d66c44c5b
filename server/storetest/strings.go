package storetest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// hostile are strings from outside that stores took, or failed on.
var hostile = []string{
	"", "x", "019de368f6c3-0000-a\x00", "019de368f6c3-0000-\x1b[2J", "019de368f6c3-0000-\u202e", "+19de368f6c3-0000-a",
	"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11\x00", "\xff", "user\x00", "a\u2028b", strings.Repeat("\ufdfa", 200), `\u0000`, "0\x00@example.org",
	"019de368f6c3-0000-client01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "\U0010ffff", "' OR 1=1 --",
}

// testStrings: whatever string a client puts where, the write is refused for it or takes
// effect; it is never the store that fails, and nothing with control characters is kept.
func testStrings(t *testing.T, b *fixture) {
	for _, s := range hostile {
		for place := range places {
			checkString(t, b.store, s, byte(place))
		}
	}
}

// places are the strings of an operation.
var places = []func(op *api.Operation, s string){
	func(op *api.Operation, s string) { op.Stamp = api.Stamp(s) },
	func(op *api.Operation, s string) { op.ID = s },
	func(op *api.Operation, s string) { op.EntityID = s },
	func(op *api.Operation, s string) { op.EntityType = s },
	func(op *api.Operation, s string) { op.Type = api.OperationType(s) },
	func(op *api.Operation, s string) { op.Data = userJSON(s, uuid.NewString()+"@example.org") },
	func(op *api.Operation, s string) { op.Data = userJSON("Ann", s) },
	func(op *api.Operation, s string) { op.Data = []byte(s) },
	func(op *api.Operation, s string) { op.CreatedAt, _ = time.Parse(time.RFC3339, s) },
}

func userJSON(name, email string) []byte {
	b, err := json.Marshal(api.UserPatch{Name: &name, Email: &email})
	if err != nil {
		panic(err)
	}
	return b
}

func checkString(t *testing.T, s Store, text string, place byte) {
	t.Helper()
	o := op(uuid.NewString(), api.Create, 0, person("Ann", uuid.NewString()+"@example.org"))
	places[int(place)%len(places)](&o, text)
	w, problem := store.Prepare(clientID, o)
	if problem != nil {
		return
	}
	// Beside a good one, so that a store which fails on it shows.
	good, _ := store.Prepare(clientID, op(uuid.NewString(), api.Create, 0, person("Bo", uuid.NewString()+"@example.org")))
	outcomes, err := s.Apply(t.Context(), []store.Write{w, good})
	if err != nil {
		t.Fatalf("%q at place %d: %v", text, place, err)
	}
	r := outcomes[0].Result
	if r.Status == api.Retry || outcomes[1].Result.Status != api.Applied || (r.Status == api.Rejected && r.Problem.Code != api.CodeEmailTaken) {
		t.Errorf("%q at place %d is answered %+v, the one beside it %+v", text, place, outcomes[0], outcomes[1])
	}
	if strings.ContainsFunc(string(r.Stamp)+r.ID+w.EntityID, unicode.IsControl) {
		t.Errorf("%q at place %d is kept: %+v", text, place, r)
	}
}

// FuzzStrings does testStrings with any string on a store.
func FuzzStrings(f *testing.F, s Store) {
	for i, text := range hostile {
		f.Add(text, byte(i))
	}
	f.Fuzz(func(t *testing.T, text string, place byte) { checkString(t, s, text, place) })
}
