package app

import "testing"

func TestTextsWithArguments(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{tr("Deleted {0}", "Ann"), "Deleted Ann"},
		{tr("{1} of {0}", "ten", "one"), "one of ten"},
		{trn(1, "{n} user", "{n} users"), "1 user"},
		{tr("{0} and {1}", "{1}", "{0}"), "{1} and {0}"},
		{tr("{0} {2} {n} {x", "a"), "a {2} {n} {x"},
		{trn(2, "{n} of {0}", "{n} of {0}", "{n}"), "2 of {n}"},
		{trn(1200, "{n} user of {0}", "{n} users of {0}", "Rollcall"), "1,200 users of Rollcall"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
