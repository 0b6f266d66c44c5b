package main

import (
	"fmt"
	"time"

	"github.com/rollcall/rollcall/bench/figures"
)

// result is the result of all rounds of one work with one server. Each figure is a median.
type result struct {
	perSecond            float64 // requests
	bytes                float64 // an answer's body
	p50, p99             time.Duration
	serverCPU, clientCPU time.Duration // a request
}

// cell is a work with a server.
type cell struct {
	work   work
	server string
}

// byCell groups samples by work and server, in the order of rounds.
func byCell(samples []sample) map[cell][]sample {
	all := map[cell][]sample{}
	for _, s := range samples {
		all[cell{s.Work, s.Server}] = append(all[cell{s.Work, s.Server}], s)
	}
	return all
}

func (s *sample) perSecond() float64 { return float64(s.Requests) / s.Elapsed.Seconds() }

func summarize(rounds []sample) result {
	return result{
		perSecond: medianOf(rounds, (*sample).perSecond),
		bytes:     medianOf(rounds, func(s *sample) float64 { return float64(s.Bytes) / float64(s.Requests) }),
		p50:       medianOf(rounds, func(s *sample) time.Duration { return s.P50 }),
		p99:       medianOf(rounds, func(s *sample) time.Duration { return s.P99 }),
		serverCPU: medianOf(rounds, func(s *sample) time.Duration { return s.ServerCPU / time.Duration(s.Requests) }),
		clientCPU: medianOf(rounds, func(s *sample) time.Duration { return s.ClientCPU / time.Duration(s.Requests) }),
	}
}

func medianOf[N figures.Number](rounds []sample, of func(*sample) N) N {
	var values []N
	for i := range rounds {
		values = append(values, of(&rounds[i]))
	}
	return figures.Median(values)
}

// compare returns the ratio of a server's requests per second to another's, for the same work
// and rounds; none if there are no rounds.
func compare(ours, theirs []sample) (figures.Ratio, bool) {
	rates := func(samples []sample) (all []float64) {
		for i := range samples {
			all = append(all, samples[i].perSecond())
		}
		return all
	}
	return figures.RatioOf(rates(ours), rates(theirs))
}

// goal is the wanted ratio of the server on SQLite to a rival.
type goal struct {
	work  work
	rival string
	times float64
}

func goals() []goal {
	return []goal{
		{work{createOne, 16, 1}, aPocketBase, 3},
		{work{readList, 16, 100}, aPocketBase, 5},
		{work{createBatch, 16, 100}, aPocketBase, 8},
		{work{createOne, 16, 1}, aPouchDB, 5},
		{work{readChanges, 16, 100}, aPouchDB, 20},
		{work{readChanges, 16, 1000}, aPouchDB, 20},
	}
}

// said returns the name of a work in the tables.
func (w work) said() string {
	what := map[string]string{
		createOne:   "create one",
		createBatch: fmt.Sprintf("create %d in a batch", w.Rows),
		readList:    fmt.Sprintf("list, a page of %d", w.Rows),
		readChanges: fmt.Sprintf("changes, a page of %d", w.Rows),
	}[w.Name]
	if w.Connections == 1 {
		return what + ", 1 connection"
	}
	return fmt.Sprintf("%s, %d connections", what, w.Connections)
}

// report returns the tables in Markdown.
func report(samples []sample) string {
	return figuresOf(samples) + "\n" + goalsOf(samples)
}

func figuresOf(samples []sample) string {
	all := byCell(samples)
	table := figures.Table{Head: []string{"work", "server", "requests/s", "p50 ms", "p99 ms", "server CPU µs", "client CPU µs", "kB", "SQLite does", "PostgreSQL does"}}
	for _, w := range append(works(false), works(true)...) {
		for _, server := range []string{onSQLite, withAccounts, onPostgreSQL, aPocketBase, skipsTotal, aPouchDB} {
			rounds := all[cell{w, server}]
			if len(rounds) == 0 {
				continue
			}
			r := summarize(rounds)
			table.Add(w.said(), server, fmt.Sprintf("%.0f", r.perSecond), figures.Milliseconds(r.p50), figures.Milliseconds(r.p99),
				fmt.Sprint(r.serverCPU.Microseconds()), fmt.Sprint(r.clientCPU.Microseconds()), fmt.Sprintf("%.1f", r.bytes/1000),
				times(all[cell{w, onSQLite}], rounds), times(all[cell{w, onPostgreSQL}], rounds))
		}
	}
	return table.String()
}

func times(ours, theirs []sample) string {
	r, ok := compare(ours, theirs)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.1f ×", r.Median)
}

// goalsOf returns the table of goals. One is met if the median of the rounds meets it.
func goalsOf(samples []sample) string {
	all := byCell(samples)
	table := figures.Table{Head: []string{"goal, on SQLite with `synchronous=FULL`", "wanted", "measured (lowest to highest round)", "met"}}
	for _, g := range goals() {
		r, ok := compare(all[cell{g.work, onSQLite}], all[cell{g.work, g.rival}])
		measured, met := "nothing", "no"
		if ok {
			measured = fmt.Sprintf("%.1f (%.1f to %.1f)", r.Median, r.Low, r.High)
		}
		if ok && r.Median >= g.times {
			met = "yes"
		}
		table.Add(g.work.said()+"; "+g.rival, fmt.Sprintf("%.0f ×", g.times), measured, met)
	}
	return table.String()
}
