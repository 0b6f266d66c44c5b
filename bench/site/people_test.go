package site

import (
	"reflect"
	"testing"

	"github.com/rollcall/rollcall/api"
)

// TestPeopleAreTheSameEverywhere: the page and the server make them up apart.
func TestPeopleAreTheSameEverywhere(t *testing.T) {
	people := People(1000, 5)
	if !reflect.DeepEqual(people[:10], People(10, 5)) {
		t.Error("two makings differ")
	}
	seen := map[string]bool{}
	for _, p := range append(people, People(1000, 6)...) {
		patch := api.UserPatch{Name: &p.Name, Email: &p.Email, Bio: &p.Bio}
		clean, problems := patch.Clean(true)
		if len(problems) > 0 || !api.ValidID(p.ID) || seen[p.ID] || seen[p.Email] {
			t.Fatalf("%+v: %v", p, problems)
		}
		if *clean.Name != p.Name || *clean.Email != p.Email || *clean.Bio != p.Bio {
			t.Fatalf("%+v is stored as %+v", p, clean)
		}
		seen[p.ID], seen[p.Email] = true, true
	}
}
