package main

import (
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/bench/figures"
)

// rounds returns samples of a work with a server, by requests per second.
func rounds(w work, server string, requests ...int) []sample {
	var all []sample
	for i, n := range requests {
		all = append(all, sample{Round: i + 1, Server: server, Work: w, Requests: n, Elapsed: time.Second,
			P50: time.Millisecond, P99: time.Duration(i+1) * time.Millisecond, ServerCPU: time.Duration(n) * 50 * time.Microsecond, Bytes: int64(n) * 2000})
	}
	return all
}

func TestSummaryIsOfMedians(t *testing.T) {
	got := summarize(rounds(work{createOne, 16, 1}, onSQLite, 100, 900, 300))
	want := result{perSecond: 300, bytes: 2000, p50: time.Millisecond, p99: 2 * time.Millisecond, serverCPU: 50 * time.Microsecond}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestRatiosAreByRound: a slow round changes no ratio.
func TestRatiosAreByRound(t *testing.T) {
	w := work{createOne, 16, 1}
	got, ok := compare(rounds(w, onSQLite, 4000, 400, 3000), rounds(w, aPocketBase, 1000, 100, 1000))
	if want := (figures.Ratio{Low: 3, Median: 4, High: 4}); !ok || got != want {
		t.Errorf("got %v, %v, want %v", got, ok, want)
	}
	if got, ok := compare(rounds(w, onSQLite, 1, 2), rounds(w, aPocketBase, 1)); ok {
		t.Errorf("rounds without a counterpart are compared: %v", got)
	}
	if got, ok := compare(nil, nil); ok {
		t.Errorf("nothing is compared: %v", got)
	}
}

func TestGoals(t *testing.T) {
	create, list := work{createOne, 16, 1}, work{readList, 16, 100}
	samples := append(rounds(create, onSQLite, 3000, 3000, 3000), rounds(create, aPocketBase, 1000, 1000, 1001)...)
	samples = append(append(samples, rounds(list, onSQLite, 490, 490, 510)...), rounds(list, aPocketBase, 100, 100, 100)...)
	got := goalsOf(samples)
	for _, want := range []string{
		"| create one, 16 connections; PocketBase | 3 × | 3.0 (3.0 to 3.0) | yes |",
		"| list, a page of 100, 16 connections; PocketBase | 5 × | 4.9 (4.9 to 5.1) | no |",
		"| create 100 in a batch, 16 connections; PocketBase | 8 × | nothing | no |",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	figures := figuresOf(samples)
	if want := "| create one, 16 connections | PocketBase | 1000 | 1.00 | 2.00 | 50 | 0 | 2.0 | 3.0 × |  |\n"; !strings.Contains(figures, want) {
		t.Errorf("there is no %q in\n%s", want, figures)
	}
}

// TestGoalsAreMeasured: a goal for a work that is not measured could never be met.
func TestGoalsAreMeasured(t *testing.T) {
	all := map[work]bool{}
	for _, w := range append(works(false), works(true)...) {
		all[w] = true
	}
	for _, g := range goals() {
		if !all[g.work] {
			t.Errorf("%v is not measured", g.work)
		}
	}
}
