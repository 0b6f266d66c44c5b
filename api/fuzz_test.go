package api_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
)

// FuzzStamp: any text is either refused or ordered by its time, and no stamp made from it is
// later than allowed.
func FuzzStamp(f *testing.F) {
	for _, s := range []string{"", "019de368f6c3-0000-00000000", "019de368f6c3-ffff-server", "ffffffffffff-ffff-x", "019de368f6c3-0000-", "019DE368F6C3-0000-a"} {
		f.Add(s, int64(1777636800000))
	}
	f.Fuzz(func(t *testing.T, text string, nowMs int64) {
		const year9999 = 253402300799999
		nowMs = min(max(nowMs, 0), year9999)
		now := time.UnixMilli(nowMs)
		s := api.Stamp(text)
		bound := s.Bound(now)
		next := api.NewStamp(now, s, "12345678")
		if !s.Valid() {
			if bound != s || !s.Time().IsZero() {
				t.Errorf("%q is not a stamp and was changed", text)
			}
			return
		}
		if bound.Time().After(now) || !bound.Valid() {
			t.Errorf("%q bounded to %v is %q", text, now, bound)
		}
		if s.Time().UnixMilli() < year9999 && (!next.Valid() || next <= s) {
			t.Errorf("%q after %q at %v", next, s, now)
		}
	})
}

// FuzzUserPatch: trimming is idempotent, and a valid patch survives encoding unchanged.
func FuzzUserPatch(f *testing.F) {
	f.Add([]byte(`{"name":" Ann ","email":"ann@example.org","bio":"x\n"}`), true)
	f.Add([]byte(`{"name":"","email":"Ann <ann@example.org>"}`), false)
	f.Add([]byte(`{"bio":"\u0000"}`), false)
	f.Add([]byte(`{"email":"a@b","name":"\ud800"}`), true)
	f.Fuzz(func(t *testing.T, body []byte, create bool) {
		var p api.UserPatch
		if json.Unmarshal(body, &p) != nil {
			return
		}
		trimmed, invalid := p.Clean(create)
		if again, _ := trimmed.Clean(create); !reflect.DeepEqual(again, trimmed) {
			t.Errorf("trimmed twice: %+v, once %+v", again, trimmed)
		}
		if len(invalid) > 0 {
			return
		}
		wire, err := json.Marshal(trimmed)
		if err != nil {
			t.Fatal(err)
		}
		var back api.UserPatch
		if err := json.Unmarshal(wire, &back); err != nil || !reflect.DeepEqual(back, trimmed) {
			t.Errorf("over the wire %+v became %+v (%v)", trimmed, back, err)
		}
		if u := trimmed.Apply(api.User{}); api.EmailKey(u.Email) != api.EmailKey(api.EmailKey(u.Email)) {
			t.Errorf("the key of %q has another key", u.Email)
		}
	})
}

// FuzzUserIndex: any document has a place in the list.
func FuzzUserIndex(f *testing.F) {
	f.Add([]byte(`{"name":"Émile","email":"E@X.org"}`))
	f.Add([]byte(`{"name":7}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, document []byte) {
		sort, search := api.UserIndex(document)
		if again, found := api.UserIndex(document); again != sort || found != search {
			t.Errorf("%q is listed under %q and under %q", document, sort, again)
		}
	})
}
