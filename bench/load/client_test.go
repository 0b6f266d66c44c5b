package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
)

// deviceAt returns a client of a fake server.
func deviceAt(t *testing.T, handler http.HandlerFunc) *client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c := newClient(0, strings.TrimPrefix(server.URL, "http://"), time.Second, newShared())
	t.Cleanup(c.wire.close)
	return c
}

// TestDuplicateOnlyAfterResend: "duplicate" is a valid answer only to a batch sent before.
func TestDuplicateOnlyAfterResend(t *testing.T) {
	fail := false
	c := deviceAt(t, func(w http.ResponseWriter, r *http.Request) {
		var batch api.Batch
		if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
			t.Error(err)
		}
		if fail {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var result api.BatchResult
		for i := range batch.Operations {
			result.Results = append(result.Results, api.Result{ID: batch.Operations[i].ID, Status: api.Duplicate})
		}
		if err := json.NewEncoder(w).Encode(result); err != nil {
			t.Error(err)
		}
	})
	c.enqueue()
	if err := c.push(); err == nil {
		t.Error("a duplicate at the first sending passed")
	}
	c.queue = nil
	c.enqueue()
	fail = true
	if err := c.push(); err == nil {
		t.Error("a 503 passed")
	}
	fail = false
	if err := c.push(); err != nil {
		t.Errorf("a duplicate at the second sending failed: %v", err)
	}
}

// TestSlowAnswersCount: a request sent while measuring counts even if the answer comes later.
// Otherwise the slowest answers would improve the figures.
func TestSlowAnswersCount(t *testing.T) {
	var shared *shared
	c := deviceAt(t, func(w http.ResponseWriter, r *http.Request) {
		shared.measuring.Store(false) // measuring ends while the server works
		if r.Method == http.MethodGet {
			_, _ = fmt.Fprint(w, `{"changes":[],"cursor":"c","hasMore":false}`)
			return
		}
		var batch api.Batch
		if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
			t.Error(err)
		}
		var result api.BatchResult
		for i := range batch.Operations {
			result.Results = append(result.Results, api.Result{ID: batch.Operations[i].ID, Status: api.Applied})
		}
		if err := json.NewEncoder(w).Encode(result); err != nil {
			t.Error(err)
		}
	})
	shared = c.shared
	for _, measuring := range []bool{true, false} {
		c.enqueue()
		for _, ask := range []func() error{c.push, c.pull} {
			shared.measuring.Store(measuring)
			if err := ask(); err != nil {
				t.Fatal(err)
			}
		}
		if len(c.tally.push) != 1 || len(c.tally.pull) != 1 {
			t.Errorf("measuring %v: %d pushes and %d pulls count, want 1 and 1", measuring, len(c.tally.push), len(c.tally.pull))
		}
	}
}

// TestEmptyStepDoesNotHold: neither does one with slow answers or errors.
func TestEmptyStepDoesNotHold(t *testing.T) {
	good := figure{writes: 1, pulls: 1, push99: time.Millisecond, pull99: time.Millisecond}
	for name, test := range map[string]struct {
		change func(*figure)
		want   bool
	}{
		"good":       {func(*figure) {}, true},
		"no pushes":  {func(f *figure) { f.writes, f.push99 = 0, 0 }, false},
		"no pulls":   {func(f *figure) { f.pulls, f.pull99 = 0, 0 }, false},
		"slow push":  {func(f *figure) { f.push99 = time.Second }, false},
		"slow pull":  {func(f *figure) { f.pull99 = time.Second }, false},
		"with error": {func(f *figure) { f.errors = 1 }, false},
	} {
		f := good
		test.change(&f)
		if got := f.holds(100 * time.Millisecond); got != test.want {
			t.Errorf("%s: holds is %v", name, got)
		}
	}
}
