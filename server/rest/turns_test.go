package rest

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/coding"
	"github.com/rollcall/rollcall/server/limit"
)

// TestProcessorsAreUsedInTurns: one network has all turns of the processors that it can get. It
// waits for the next one, another network does not.
func TestProcessorsAreUsedInTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{admission: newAdmission(Limits{})}
		s.admission.processing = limit.NewTurns(2, 1, 10)
		of := func(network string) context.Context {
			return context.WithValue(t.Context(), contextKey{}, &scope{network: network, needs: account.Anyone})
		}
		release, err := s.admission.processorTurn(of("a"))
		if err != nil {
			t.Fatal(err)
		}
		text := content{5, mediaJSON, func(w io.Writer) error { _, err := io.WriteString(w, "hello"); return err }}
		prepared := func(network string) <-chan error {
			ended := make(chan error, 1)
			go func() {
				_, err := s.prepare(of(network), text, coding.Identity)
				ended <- err
			}()
			synctest.Wait()
			return ended
		}
		decoded := func(network string) <-chan error {
			ended := make(chan error, 1)
			go func() {
				body := strings.NewReader(`{"operations":[]` + strings.Repeat(" ", 1<<20) + "}")
				r := httptest.NewRequestWithContext(of(network), "POST", "/", body)
				r.Header.Set("Content-Type", "application/json")
				ended <- s.decodeBody(httptest.NewRecorder(), r, 2<<20, new(batch))
			}()
			synctest.Wait()
			return ended
		}
		own, ownBatch, other, otherBatch := prepared("a"), decoded("a"), prepared("b"), decoded("b")
		if len(own)+len(ownBatch) != 0 || len(other) != 1 || len(otherBatch) != 1 {
			t.Errorf("beside work of one network, its own next: %d, %d; another's: %d, %d", len(own), len(ownBatch), len(other), len(otherBatch))
		}
		release()
		if err := errors.Join(<-own, <-ownBatch, <-other, <-otherBatch); err != nil {
			t.Error(err)
		}
	})
}

// stuck is a client that takes nothing until it is let.
type stuck struct {
	strings.Builder
	let chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.let
	return s.Builder.Write(b)
}

// TestStalledClientsHoldNoTurn: while a client does not take its answer, others are served.
func TestStalledClientsHoldNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := limit.NewTurns(1, 1, 10)
		take := func() (func(), error) { return turns.Acquire(t.Context(), "a", 1) }
		out := &stuck{let: make(chan struct{})}
		w := &turnWriter{out: out, take: take}
		var err error
		if w.release, err = take(); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(w, "hello") }()
		synctest.Wait()
		release, err := take()
		if err != nil {
			t.Fatal(err)
		}
		close(out.let)
		synctest.Wait()
		if out.String() != "hello" || turns.Waiting() != 1 {
			t.Errorf("it wrote %q, and %d wait for their turn again", out, turns.Waiting())
		}
		release()
		synctest.Wait()
		w.release()
		if release, err = take(); err != nil || turns.Waiting() != 0 {
			t.Errorf("the turn was not given back: %v, %d wait", err, turns.Waiting())
		}
		release()
	})
}
