package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
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
	for _, part := range []struct {
		workloads []string
		run       func(*chromium.Browser) error
	}{
		{[]string{writeEmpty}, t.writeEmpty},
		{[]string{loadAll, readAll, findSome, memoryUsed, observeSame, observeOther, writeLoaded, startAgain}, t.list},
		{[]string{pushQueue, pullAll}, t.sync},
		{[]string{startCold}, func(b *chromium.Browser) error { return t.start(b, startCold) }},
		{[]string{startSlow}, func(b *chromium.Browser) error { return t.start(b, startSlow) }},
		{[]string{startSynced, startAgain}, t.visitTwice},
	} {
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

func (t *turn) writeEmpty(b *chromium.Browser) error {
	tab, err := t.open(b)
	if err != nil {
		return err
	}
	if err := t.do(tab, "open", arguments{"database": "written", "strict": true}); err != nil {
		return err
	}
	return t.measure(tab, writeEmpty, "create", writes(3))
}

func writes(seed int) arguments {
	return arguments{"count": 300, "seed": seed, "warm": 20, "most": 10_000}
}

// list loads the list, and works with it in fresh tabs.
func (t *turn) list(b *chromium.Browser) error {
	const database = "people"
	for _, step := range []struct {
		workload string
		run      func(*chromium.Tab) error
	}{
		{loadAll, func(tab *chromium.Tab) error {
			if err := t.do(tab, "open", arguments{"database": database}); err != nil {
				return err
			}
			return t.measure(tab, loadAll, "load", arguments{"n": t.people})
		}},
		{readAll, func(tab *chromium.Tab) error { return t.read(b, tab, database) }},
		{findSome, func(tab *chromium.Tab) error {
			return t.measure(tab, findSome, "find", arguments{"n": t.people, "database": database})
		}},
		{observeSame, func(tab *chromium.Tab) error { return t.observe(b, tab, database) }},
	} {
		if step.workload != loadAll && !t.wants(step.workload) {
			continue
		}
		tab, err := t.open(b)
		if err != nil {
			return err
		}
		if err := step.run(tab); err != nil {
			return err
		}
		if err := errors.Join(t.do(tab, "close", nil), tab.Close()); err != nil {
			return err
		}
	}
	if t.Name == rollcall || !t.wants(startAgain) {
		return nil
	}
	return t.show(b, startAgain, t.server.origin, database)
}

func (t *turn) read(b *chromium.Browser, tab *chromium.Tab, database string) error {
	before, err := b.RendererMemory()
	if err != nil {
		return err
	}
	if err := t.measure(tab, readAll, "read", arguments{"n": t.people, "database": database}); err != nil {
		return err
	}
	after, err := b.RendererMemory()
	if err != nil {
		return err
	}
	if !t.wants(memoryUsed) {
		return nil
	}
	return t.note(memoryUsed, brought{"empty": megabytes(before), "all": megabytes(after), "grown": megabytes(after - before)}, nil)
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

func (t *turn) observe(b *chromium.Browser, tab *chromium.Tab, database string) error {
	opening := arguments{"database": database, "strict": true}
	if err := t.do(tab, "open", opening); err != nil {
		return err
	}
	if err := t.measure(tab, observeSame, "observe", arguments{"count": 30}); err != nil {
		return err
	}
	if t.wants(writeLoaded) {
		if err := t.measure(tab, writeLoaded, "create", writes(4)); err != nil {
			return err
		}
	}
	if t.oneTab || !t.wants(observeOther) {
		return nil
	}
	other, err := t.open(b)
	if err != nil {
		return err
	}
	if err := t.do(other, "open", opening); err != nil {
		return err
	}
	if err := t.do(tab, "writeOnDemand", nil); err != nil {
		return err
	}
	if err := t.measure(other, observeOther, "observeOther", arguments{"count": 15}); err != nil {
		return err
	}
	return errors.Join(t.do(other, "close", nil), other.Close())
}

// sync pushes what was queued, and pulls the list into another database.
func (t *turn) sync(b *chromium.Browser) error {
	if t.wants(pushQueue) {
		if err := t.push(b); err != nil {
			return err
		}
	}
	if !t.wants(pullAll) {
		return nil
	}
	t.doing = pullAll
	end, err := t.serving(t.people)
	if err != nil {
		return err
	}
	tab, err := t.open(b)
	if err == nil {
		err = t.do(tab, "open", arguments{"database": "pulled"})
	}
	if err == nil {
		err = t.measure(tab, pullAll, "pull", arguments{"n": t.people})
	}
	return errors.Join(err, end())
}

func nothing() error { return nil }

// serving starts the contender's server with n people.
func (t *turn) serving(n int) (end func() error, err error) {
	switch t.Name {
	case rollcall:
		server, err := t.sites.Start(t.ctx, n)
		if err != nil {
			return nil, err
		}
		t.server.rollcall.to(server.Addr)
		return server.Stop, nil
	case pouchDB:
		return nothing, t.couch.fill(n)
	}
	return nothing, t.server.reset(n)
}

func (t *turn) push(b *chromium.Browser) error {
	end, err := t.serving(0)
	if err != nil {
		return err
	}
	inbox := fmt.Sprintf("inbox%d-%d", t.round, t.people)
	if t.Name == pouchDB {
		err = t.couch.inbox(inbox)
	}
	var tab *chromium.Tab
	if err == nil {
		tab, err = t.open(b)
	}
	if err == nil {
		err = t.do(tab, "open", arguments{"database": "queued"})
	}
	if err == nil {
		err = t.do(tab, "queue", arguments{"n": queued})
	}
	if err == nil {
		err = t.measure(tab, pushQueue, "push", arguments{"inbox": inbox})
	}
	if err == nil {
		err = t.audit(inbox)
	}
	if err == nil {
		err = errors.Join(t.do(tab, "close", nil), tab.Close())
	}
	return errors.Join(err, end())
}

// audit checks that the contender's server has all that was pushed.
func (t *turn) audit(inbox string) error {
	var has int
	var err error
	switch t.Name {
	case rollcall:
		has, err = countRollcall(t.server.rollcall.addr())
	case pouchDB:
		has, err = t.couch.count(inbox)
	default:
		has = t.server.pushed()
	}
	if err == nil && has != queued {
		err = fmt.Errorf("the server has %d of %d pushed people", has, queued)
	}
	return err
}

// start measures the first visit, without people: Rollcall's is its app's, from its server.
func (t *turn) start(b *chromium.Browser, workload string) (err error) {
	origin, end := t.server.origin, nothing
	if t.Name == rollcall {
		var app *subject.Server
		if app, err = t.sites.Start(t.ctx, 0); err != nil {
			return err
		}
		origin, end = "http://"+app.Addr, app.Stop
	}
	if workload == startSlow {
		link, err := linkTo(t.ctx, origin[len("http://"):])
		if err != nil {
			return errors.Join(err, end())
		}
		stop := end
		origin, end = link.origin(), func() error { return errors.Join(link.close(), stop()) }
	}
	if t.Name == rollcall {
		_, err = t.visit(b, workload, origin, 0)
	} else {
		err = t.show(b, workload, origin, "shown")
	}
	return errors.Join(err, end())
}

// show measures a contender's page that shows the list.
func (t *turn) show(b *chromium.Browser, workload, origin, database string) error {
	t.doing = workload
	tab, err := b.Open("")
	if err != nil {
		return err
	}
	if workload != startAgain {
		if err := tab.WithoutCache(); err != nil {
			return err
		}
	}
	if err := tab.Go(origin + "/start/" + t.Page + "?database=" + url.QueryEscape(database) + "&" + t.Options); err != nil {
		return err
	}
	if err := tab.Wait(t.patient, "globalThis.usable"); err != nil {
		return err
	}
	usable, err := chromium.Eval[float64](tab, t.patient, "globalThis.usable")
	if err != nil {
		return err
	}
	return errors.Join(t.note(workload, brought{"usable": usable}, nil), tab.Close())
}

// visit measures a visit to the app.
func (t *turn) visit(b *chromium.Browser, workload, origin string, n int) (*chromium.Tab, error) {
	t.doing = workload
	tab, err := b.Open(site.Watch(n))
	if err != nil {
		return nil, err
	}
	if err := tab.Go(origin); err != nil {
		return nil, err
	}
	last := "usable"
	if n > 0 {
		last = "all"
	}
	if err := tab.Wait(t.patient, "globalThis.seen?."+last); err != nil {
		return nil, err
	}
	figures, err := chromium.Eval[brought](tab, t.patient, `(() => {
		const { button, rows = 0, usable, all = 0, long } = seen;
		return { button, rows, usable, all, long: long.reduce((sum, { duration }) => sum + duration, 0), longest: Math.max(0, ...long.map(({ duration }) => duration)) };
	})()`)
	if err != nil {
		return nil, err
	}
	return tab, t.note(workload, figures, nil)
}

// visitTwice measures the app's first visit to a site with people, and the second one.
func (t *turn) visitTwice(b *chromium.Browser) error {
	if t.Name != rollcall {
		return nil
	}
	app, err := t.sites.Start(t.ctx, t.people)
	if err != nil {
		return err
	}
	origin := "http://" + app.Addr
	tab, err := t.visit(b, startSynced, origin, t.people)
	if err == nil {
		_, err = chromium.Eval[any](tab, t.patient, "navigator.serviceWorker.ready.then(() => null)")
	}
	if err == nil {
		err = tab.Wait(t.patient, `document.querySelector(".status-detail")?.textContent.startsWith("Synced")`)
	}
	if err == nil {
		err = tab.Close()
	}
	if err == nil {
		_, err = t.visit(b, startAgain, origin, t.people)
	}
	return errors.Join(err, app.Stop())
}
