package regexp_test

import (
	"testing"

	"github.com/rollcall/rollcall/web/build/standin/regexp"
)

func TestOnlyThePatternForEveryPath(t *testing.T) {
	if !regexp.MustCompile(".*").MatchString("/users/1") {
		t.Error("a path is not matched")
	}
	defer func() {
		if recover() == nil {
			t.Error("another pattern is taken, and would match everything")
		}
	}()
	regexp.MustCompile("^/users$")
}
