package app

import (
	"slices"
	"testing"

	"github.com/rollcall/rollcall/api"
)

func TestAnEditFollowsWhatOthersChange(t *testing.T) {
	shown := api.User{Name: "Ann", Email: "ann@example.org", Bio: "one\r\ntwo"}
	for name, c := range map[string]struct {
		typed, theirs string // of the bio
		followed      []string
		value         string
		contested     bool
		touched       bool
	}{
		"nobody changes it":               {"one\ntwo", "one\r\ntwo", nil, "one\ntwo", false, false},
		"line ends are no change":         {"one\ntwo", "one\rtwo", nil, "one\ntwo", false, false},
		"others change what I did not":    {"one\ntwo", "theirs", []string{"bio"}, "theirs", false, false},
		"others change what I did":        {"mine", "theirs", nil, "mine", true, true},
		"others empty what I changed":     {"mine", "", nil, "mine", true, true},
		"both make it the same":           {"same", "same", nil, "same", false, false},
		"I change it and others another":  {"mine", "one\r\ntwo", nil, "mine", false, true},
		"I empty it and others change it": {"", "theirs", nil, "", true, true},
	} {
		e := newEdit(shown)
		e["bio"].value = c.typed
		now := shown
		now.Bio = c.theirs
		if got := e.follow(now); !slices.Equal(got, c.followed) {
			t.Errorf("%s: %v followed", name, got)
		}
		f := e["bio"]
		if f.value != c.value || (f.theirs != nil) != c.contested || f.touched() != c.touched {
			t.Errorf("%s: got %+v", name, *f)
		}
		if c.contested {
			if *f.theirs != c.theirs || e.seen(now).Bio != shown.Bio {
				t.Errorf("%s: theirs is %q, seen %q", name, *f.theirs, e.seen(now).Bio)
			}
			e.useTheirs("bio")
			if f.value != c.theirs || e.touched() || e.contested() {
				t.Errorf("%s: after Use theirs it is %+v", name, *f)
			}
		}
		// Back to what it was.
		e = newEdit(shown)
		e["bio"].value = "mine"
		e.follow(api.User{Name: "Ann", Email: "ann@example.org", Bio: "theirs"})
		if e.follow(shown); e.contested() {
			t.Errorf("%s: a change that was taken back is still shown", name)
		}
	}
}
