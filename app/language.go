package app

import (
	"strconv"
	"strings"
)

// tr is a text of the app with its arguments in the places {0}, {1} and so on.
func tr(english string, args ...string) string {
	for i, arg := range args {
		english = strings.ReplaceAll(english, "{"+strconv.Itoa(i)+"}", arg)
	}
	return english
}

// trn is a text about n things; {n} is the number. Its arguments are those of tr.
func trn(n int, one, other string, args ...string) string {
	if n == 1 {
		other = one
	}
	return tr(strings.ReplaceAll(other, "{n}", formatCount(n)), args...)
}
