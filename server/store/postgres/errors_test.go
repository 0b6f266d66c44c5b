package postgres

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

// TestErrorClasses: which errors may be the fault of what is in a group, which say
// nothing of what was done, and which are a defect.
func TestErrorClasses(t *testing.T) {
	said := func(severity, code string) error {
		return fmt.Errorf("save: %w", &pgconn.PgError{Severity: severity, SeverityUnlocalized: severity, Code: code})
	}
	for name, test := range map[string]struct {
		err         error
		data        bool
		lost        bool
		unavailable bool
	}{
		"a constraint":               {said("ERROR", "23505"), true, false, false},
		"a zero byte":                {said("ERROR", "22021"), true, false, false},
		"too long for an index":      {said("ERROR", "54000"), true, false, false},
		"a trigger":                  {said("ERROR", "P0001"), true, false, false},
		"a corrupt page":             {said("ERROR", "XX001"), true, false, false},
		"a deadlock":                 {said("ERROR", "40P01"), false, false, true},
		"a full disk":                {said("ERROR", "53100"), false, false, true},
		"too slow":                   {said("ERROR", "57014"), false, false, true},
		"a standby":                  {said("ERROR", "25006"), false, false, true},
		"no such table":              {said("ERROR", "42P01"), false, false, false},
		"ended by an operator":       {said("FATAL", "57P01"), false, true, true},
		"ended by another's crash":   {said("FATAL", "57P02"), false, true, true},
		"a constraint that is fatal": {said("FATAL", "23505"), false, true, true},
		"a connection that broke":    {io.ErrUnexpectedEOF, false, true, true},
		"a cursor too old":           {fmt.Errorf("resume: %w", feed.ErrResync), false, false, false},
	} {
		if got := isDataError(test.err); got != test.data {
			t.Errorf("%s: may be of the data: %v", name, got)
		}
		if got, want := isRefusal(test.err), test.data && name != "a corrupt page"; got != want {
			t.Errorf("%s: is of the data written: %v", name, got)
		}
		if got := connectionLost(test.err); got != test.lost {
			t.Errorf("%s: the connection is lost: %v", name, got)
		}
		err := readError("read", test.err)
		if got := errors.Is(err, store.ErrUnavailable); got != test.unavailable || !errors.Is(err, test.err) {
			t.Errorf("%s: becomes %v", name, err)
		}
	}
}
