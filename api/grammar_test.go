package api_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
)

// The grammars as somebody else would write them.
var (
	stampForm = regexp.MustCompile(`\A([0-9a-f]{12}-[0-9a-f]{4}-[0-9a-z]{0,8})?\z`)
	idForm    = regexp.MustCompile(`\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\z`)
	keyForm   = regexp.MustCompile(`\A[\x21-\x7e]{1,255}\z`)
	labelForm = regexp.MustCompile(`\A[\x21-\x7e]{1,64}\z`)
)

const noID = "00000000-0000-0000-0000-000000000000"

// hostile are strings that passed for something else, or nearly do.
var hostile = []string{
	"", "019de368f6c3-0000-", "019de368f6c3-0000-client01", "019de368f6c3-0000-a\x00", "019de368f6c3-0000-\u202e", "019de368f6c3-0000-\x1b[2J",
	"+19de368f6c3-0000-a", "-19de368f6c3-0000-a", "019de368f6c3-+001-a", "019DE368F6C3-0000-a", "019de368f6c3-0000-A", "019de368f6c3-0000-123456789",
	"019de368f6c3-0000-a\n", "019de368f6c3-0000-\xff", "0_9de368f6c3-0000-a", "5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11", noID, "{5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11}",
	"urn:uuid:5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11", "5b0a3c1e6f524d539a530d2a4c8f7f11", "5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11\x00", "two words", "a\u200bb",
	strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("x", 255), strings.Repeat("x", 256),
}

// TestGrammar: each form takes exactly what it says.
func TestGrammar(t *testing.T) {
	for _, s := range hostile {
		checkGrammar(t, s)
	}
}

func checkGrammar(t *testing.T, s string) {
	t.Helper()
	for form, got := range map[string][2]bool{
		"a stamp": {api.Stamp(s).Valid(), stampForm.MatchString(s)},
		"an id":   {api.ValidID(s), idForm.MatchString(s) && s != noID},
		"a key":   {api.ValidKey(s), keyForm.MatchString(s)},
		"a label": {api.ValidLabel(s), labelForm.MatchString(s)},
	} {
		if got[0] != got[1] {
			t.Errorf("%q is taken as %s: %v, want %v", s, form, got[0], got[1])
		}
	}
}

func TestValidTime(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-01-31T12:00:00Z": true, "0001-01-01T00:00:00Z": true, "9999-12-31T23:59:59Z": true,
		"0000-12-31T23:59:59Z": false, "0001-01-01T00:00:00+00:01": false, "9999-12-31T23:59:59-00:01": false,
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || api.ValidTime(at) != want {
			t.Errorf("%s: %v (%v), want %v", text, api.ValidTime(at), err, want)
		}
	}
}

// FuzzGrammar: no string passes for what it is not.
func FuzzGrammar(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(checkGrammar)
}
