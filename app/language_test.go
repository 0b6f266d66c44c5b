package app

import "testing"

func TestTextsWithArguments(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{tr("Deleted {0}", "Ann"), "Deleted Ann"},
		{tr("{1} of {0}", "ten", "one"), "one of ten"},
		{trn(1, "{n} user", "{n} users"), "1 user"},
		{trn(1200, "{n} user of {0}", "{n} users of {0}", "Rollcall"), "1,200 users of Rollcall"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
