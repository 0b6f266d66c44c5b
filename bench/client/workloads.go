package main

import (
	"context"
	"time"

	"github.com/rollcall/rollcall/bench/chromium"
	"github.com/rollcall/rollcall/bench/site"
	"github.com/rollcall/rollcall/bench/subject"
)

// Names of the workloads in samples.
const (
	writeEmpty   = "write"        // W1: into an empty database
	writeLoaded  = "write loaded" // into the list
	loadAll      = "load"         // W2
	readAll      = "read"         // W3
	findSome     = "find"
	observeSame  = "observe" // W4
	observeOther = "observe other"
	pullAll      = "pull" // W5
	pushQueue    = "push"
	startCold    = "start" // W6
	startSlow    = "start slow"
	startAgain   = "start again"
	startSynced  = "start synced" // the app's first visit to people, whom others don't fetch
	startNames   = "start names"  // the same over a slow link, until the first names are read
	memoryUsed   = "memory"       // W7
)

// queued is how many creates are pushed.
const queued = 1000

// sample is what one workload brought, once.
type sample struct {
	Round     int
	Contender string
	People    int
	Workload  string
	Figures   map[string]float64 `json:",omitempty"` // milliseconds, or megabytes
	Places    map[string]float64 `json:",omitempty"` // with -profile, milliseconds
	Load      float64            // of the machine, the average of the last minute
	Error     string             `json:",omitempty"`
}

// bench is what the workloads share.
type bench struct {
	dir     string
	server  *server
	sites   site.Sites
	couch   *couch
	patient time.Duration // how long one workload may take
	wanted  func(contender, string) bool
	record  func(sample) error
	profile bool
}

// turn is one contender with a number of people in a round.
type turn struct {
	*bench
	ctx   context.Context
	round int
	contender
	people int
	doing  string // the workload that a failure is of
}

// play does all of a turn's workloads. A failure is recorded, and ends only those that need the
// same profile.
func (t *turn) play() error {
	type part struct {
		workloads []string
		run       func(*chromium.Browser) error
	}
	parts := []part{
		{[]string{writeEmpty}, t.writeEmpty},
		{[]string{loadAll, readAll, findSome, memoryUsed, observeSame, observeOther, writeLoaded, startAgain}, t.list},
		{[]string{pushQueue, pullAll}, t.sync},
		{[]string{startCold}, func(b *chromium.Browser) error { return t.start(b, startCold) }},
		{[]string{startSlow}, func(b *chromium.Browser) error { return t.start(b, startSlow) }},
	}
	if t.Name == rollcall { // the others' second visit is to what list has loaded
		parts = append(parts, part{[]string{startSynced, startAgain}, t.visitTwice}, part{[]string{startNames}, t.readNames})
	}
	for _, part := range parts {
		if !t.wantsAny(part.workloads) {
			continue
		}
		t.doing = part.workloads[0]
		err := t.withBrowser(part.run)
		if t.ctx.Err() != nil {
			return t.ctx.Err()
		}
		if err == nil {
			continue
		}
		if err := t.note(t.doing, nil, err); err != nil {
			return err
		}
	}
	return nil
}

func (t *turn) wants(workload string) bool { return t.wanted(t.contender, workload) }

func (t *turn) wantsAny(workloads []string) bool {
	for _, w := range workloads {
		if t.wants(w) {
			return true
		}
	}
	return false
}

// note records what a workload brought, or its failure.
func (t *turn) note(workload string, figures brought, failure error) error {
	s := t.sample(workload)
	s.Figures = figures
	if failure != nil {
		s.Error = failure.Error()
	}
	return t.record(s)
}

func (t *turn) sample(workload string) sample {
	return sample{Round: t.round, Contender: t.Name, People: t.people, Workload: workload, Load: subject.LoadAverage()}
}

func (t *turn) withBrowser(run func(*chromium.Browser) error) error {
	b, err := chromium.Open(t.ctx, t.dir)
	if err != nil {
		return err
	}
	defer b.Close()
	return run(b)
}

// open opens a tab with the contender's page, ready for workloads.
func (t *turn) open(b *chromium.Browser) (*chromium.Tab, error) {
	tab, err := b.Open("")
	if err != nil {
		return nil, err
	}
	if err := tab.Go(t.server.origin + "/page/" + t.Page + "?" + t.Options); err != nil {
		return nil, err
	}
	if err := tab.Wait(t.patient, "globalThis.bench && globalThis.contender"); err != nil {
		return nil, err
	}
	_, err = chromium.Eval[any](tab, t.patient, "Promise.resolve(contender).then(() => null)") // its program runs
	return tab, err
}

type (
	arguments map[string]any
	brought   = map[string]float64
)

// do calls a function of driver.js.
func (t *turn) do(tab *chromium.Tab, function string, args arguments) error {
	_, err := chromium.Call[any](tab, t.patient, "async (a) => { await bench."+function+"(a) }", args)
	return err
}

// measure calls a function of driver.js, and records what it brings as a workload.
func (t *turn) measure(tab *chromium.Tab, workload, function string, args arguments) error {
	t.doing = workload
	var figures brought
	run := func() (err error) {
		figures, err = chromium.Call[brought](tab, t.patient, "(a) => bench."+function+"(a)", args)
		return err
	}
	if !t.profile {
		if err := run(); err != nil {
			return err
		}
		return t.note(workload, figures, nil)
	}
	profile, err := tab.Profiled(run)
	if err != nil {
		return err
	}
	s := t.sample(workload)
	s.Figures, s.Places = figures, profile.Places()
	return t.record(s)
}
