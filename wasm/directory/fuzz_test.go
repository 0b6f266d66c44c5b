package directory

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/rollcall/rollcall/api"
)

// FuzzCodec: whatever document comes, it is refused or read; what is read and
// passes the rules goes through the codec unchanged.
func FuzzCodec(f *testing.F) {
	f.Add([]byte(`{"id":"1","name":" Ann ","email":"ann@example.org","bio":"x","createdAt":"2026-05-01T12:00:00Z","version":3}`), true)
	f.Add([]byte(`{"name":7}`), false)
	f.Add([]byte(`{"createdAt":"never"}`), false)
	f.Add([]byte(`null`), true)
	f.Fuzz(func(t *testing.T, document []byte, create bool) {
		user, err := Codec.Decode(document)
		if err != nil {
			return
		}
		patch, problem := Codec.Clean(Codec.Whole(user), create)
		if problem != nil {
			if problem.Code != api.CodeInvalid || len(problem.Errors) == 0 {
				t.Errorf("refused without a reason: %+v", problem)
			}
			return
		}
		data, err := Codec.Encode(patch)
		if err != nil {
			t.Fatal(err)
		}
		var back api.UserPatch
		if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, patch) {
			t.Errorf("%+v became %+v (%v)", patch, back, err)
		}
		again, err := Codec.Decode(data)
		if err != nil || !reflect.DeepEqual(Codec.Whole(again), patch) {
			t.Errorf("%s is read as %+v (%v)", data, again, err)
		}
	})
}
