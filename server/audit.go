package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/store"
)

// auditLine is an entry as `rollcall audit` prints it. User and Device are those of a change.
type auditLine struct {
	At      time.Time `json:"at"`
	Action  string    `json:"action"`
	Account string    `json:"account,omitempty"`
	Name    string    `json:"name,omitempty"`
	User    string    `json:"user,omitempty"`
	By      string    `json:"by"`
	Device  string    `json:"device,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// runAudit prints who did what, in the order of time.
func runAudit(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("audit", flag.ContinueOnError)
	db := databaseFlag(flags)
	from := flags.String("from", "", "`time` of the first entry, such as 2026-01-31 or 2026-01-31T12:00:00Z")
	if err := parse(flags, args, stderr); err != nil {
		return flagResult(err)
	}
	since, err := parseTime(*from)
	if err != nil {
		return usageError(stderr, "-from must be a day or a time such as 2026-01-31T12:00:00Z")
	}
	s, err := openExisting(ctx, *db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	state, err := s.Access(ctx)
	if err != nil {
		return err
	}
	nameOf := func(id string) string { return cmp.Or(state.Accounts[id].Name, id) }
	events := lines(func(yield func(auditLine) error) error {
		return s.Audit(ctx, since, func(e account.Event) error {
			return yield(auditLine{At: e.At, Action: e.Action, Account: e.Account, Name: nameOf(e.Account), By: nameOf(e.By), Detail: e.Detail})
		})
	})
	changes := lines(func(yield func(auditLine) error) error {
		return s.Effects(ctx, since, nil, func(e store.Effect) error {
			return yield(auditLine{At: e.At, Action: "user_" + string(e.Type) + "d", User: e.EntityID, By: nameOf(e.Account), Device: e.Device})
		})
	})
	for line, err := range merged(events, changes) {
		if err != nil {
			return err
		}
		text, err := json.Marshal(line)
		if err == nil {
			err = printf(stdout, "%s\n", string(text))
		}
		if err != nil {
			return fmt.Errorf("print an entry: %w", err)
		}
	}
	return nil
}

func parseTime(text string) (t time.Time, err error) {
	if text == "" {
		return t, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err = time.Parse(layout, text); err == nil {
			break
		}
	}
	return t, err
}

// errStop ends a reading that nobody wants more of.
var errStop = errors.New("stopped")

// lines makes a sequence of what a function reads. An error is its last element.
func lines(read func(yield func(auditLine) error) error) iter.Seq2[auditLine, error] {
	return func(yield func(auditLine, error) bool) {
		err := read(func(l auditLine) error {
			if !yield(l, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(auditLine{}, err)
		}
	}
}

// merged is two sequences, each in the order of time, in that order.
func merged(a, b iter.Seq2[auditLine, error]) iter.Seq2[auditLine, error] {
	return func(yield func(auditLine, error) bool) {
		nextB, stop := iter.Pull2(b)
		defer stop()
		waiting, failed, more := nextB()
		until := func(at time.Time) bool {
			for ; more && (failed != nil || waiting.At.Before(at)); waiting, failed, more = nextB() {
				if !yield(waiting, failed) || failed != nil {
					return false
				}
			}
			return true
		}
		for line, err := range a {
			if !until(line.At) || !yield(line, err) || err != nil {
				return
			}
		}
		until(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	}
}

// byCommand makes the writes of a command the operator's own, whose history is kept where there are
// accounts. The server forgets it in time.
type byCommand struct{ importTarget }

// Apply implements exchange.Directory.
func (o byCommand) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	if s, ok := o.importTarget.(database); ok {
		state, err := s.Access(ctx)
		if err != nil {
			return nil, err
		}
		for i := range writes {
			if !state.Open() {
				writes[i].Author = &store.Author{Keep: true}
			}
		}
	}
	return o.importTarget.Apply(ctx, writes)
}

// runErase deletes a user, and what their history keeps of them.
func runErase(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("erase", flag.ContinueOnError)
	db := databaseFlag(flags)
	names, err := parseNames(flags, args, stderr, "ID")
	if err != nil {
		return flagResult(err)
	}
	id := names[0]
	if !api.ValidID(id) {
		return usageError(stderr, "the ID must be a user's, in lower case, as in an export")
	}
	s, err := openExisting(ctx, *db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	rows, err := s.Find(ctx, []string{id}, nil)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("there is no user %s, nor any trace of one", id)
	}
	state, err := s.Access(ctx)
	if err != nil {
		return err
	}
	write := store.Write{ID: uuid.NewString(), EntityID: id, Type: api.Delete, AnyVersion: true}
	if !state.Open() {
		write.Author = &store.Author{}
	}
	outcomes, err := s.Apply(ctx, []store.Write{write})
	if err == nil && outcomes[0].Result.Status != api.Applied && outcomes[0].Result.Status != api.Duplicate {
		err = fmt.Errorf("the user could not be deleted: %w", outcomes[0].Result.Problem)
	}
	if err == nil {
		err = s.Erase(ctx, id)
	}
	if err == nil && !state.Open() {
		err = s.ChangeAccess(ctx, func(*account.State) (account.Change, error) {
			return account.Change{Events: []account.Event{{At: time.Now(), Action: "user_erased", Detail: id}}}, nil
		})
	}
	if err != nil {
		return err
	}
	return printf(stdout, "erased %s; devices follow when they sync next, and copies keep what they have\n", id)
}
