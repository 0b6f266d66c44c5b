// Command app measures what a person does in the app itself, in Chromium, with directories of
// several sizes: visits, searches, scrolling, a jump and a save, until the result is painted;
// and the same with a slow processor.
//
//	make bench-app
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rollcall/rollcall/bench/chromium"
	"github.com/rollcall/rollcall/bench/figures"
	"github.com/rollcall/rollcall/bench/site"
	"github.com/rollcall/rollcall/bench/subject"
)

//go:embed actions.js
var actionsScript string

// patience is how long an action may take.
const patience = 5 * time.Minute

// options are the flags.
type options struct {
	rollcall string // the built binary
	sizes    []int
	rounds   int
	rest     time.Duration // between the first sync and the second visit, in which the host tidies
	doc      string        // document whose table is replaced; "" for none
}

func main() {
	o := options{sizes: []int{1000, 10_000}}
	flag.StringVar(&o.rollcall, "rollcall", "bin/rollcall", "this project's built `binary`")
	flag.Func("people", "comma-separated numbers of people (default 1000,10000)", func(text string) (err error) {
		o.sizes, err = subject.Sizes(text, site.LeastPeople)
		return err
	})
	flag.IntVar(&o.rounds, "rounds", 3, "how often each action is measured")
	flag.DurationVar(&o.rest, "rest", 0, "how long the list stays open after the first sync: the host tidies then")
	flag.StringVar(&o.doc, "doc", "", "`document` whose table is replaced")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, &o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) (err error) {
	dir, err := os.MkdirTemp("", "bench-app")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := filepath.Abs(o.rollcall)
	if err != nil {
		return err
	}
	machine, err := subject.Machine(dir)
	if err != nil {
		return err
	}
	about := fmt.Sprintf("Measured on %s: %s; load average %.1f before. Medians of %d rounds.\n",
		time.Now().UTC().Format(time.DateOnly), machine, subject.LoadAverage(), o.rounds)
	var samples []sample
	sites := site.Sites{Binary: binary, Dir: dir}
	for round := range o.rounds {
		for _, people := range o.sizes {
			for _, slower := range slowdowns {
				d := &day{ctx: ctx, dir: dir, sites: sites, people: people, slower: slower, round: round, rest: o.rest}
				if err := d.spend(); err != nil {
					return fmt.Errorf("%d people, %v times slower: %w", people, slower, err)
				}
				samples = append(samples, d.samples...)
			}
		}
	}
	text := about + "\n" + report(samples)
	fmt.Print(text)
	return figures.ReplaceIn(o.doc, "app", text)
}

// slowdowns are how many times slower the page's processor is.
var slowdowns = []float64{1, 4}

// day is what a person does with one directory in a fresh profile.
type day struct {
	ctx     context.Context
	dir     string
	sites   site.Sites
	people  int
	slower  float64
	round   int
	rest    time.Duration
	samples []sample
}

func (d *day) spend() (err error) {
	server, err := d.sites.Start(d.ctx, d.people)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	b, err := chromium.Open(d.ctx, d.dir)
	if err != nil {
		return err
	}
	defer b.Close()
	origin := "http://" + server.Addr
	tab, err := d.visit(b, firstVisit, origin)
	if err != nil {
		return err
	}
	if _, err := chromium.Eval[any](tab, patience, "navigator.serviceWorker.ready.then(() => null)"); err != nil {
		return err
	}
	if err := tab.Wait(patience, `document.querySelector(".status-detail")?.textContent.startsWith("Synced")`); err != nil {
		return err
	}
	if err := d.noteMemory(b); err != nil {
		return err
	}
	time.Sleep(d.rest)
	if err := tab.Close(); err != nil {
		return err
	}
	if tab, err = d.visit(b, secondVisit, origin); err != nil {
		return err
	}
	return d.act(b, tab)
}

// visit measures a visit until all people are there.
func (d *day) visit(b *chromium.Browser, action, origin string) (*chromium.Tab, error) {
	tab, err := b.Open(site.Watch(d.people))
	if err != nil {
		return nil, err
	}
	if err := tab.SlowDown(d.slower); err != nil {
		return nil, err
	}
	if err := tab.Go(origin); err != nil {
		return nil, err
	}
	if err := tab.Wait(patience, "globalThis.seen?.all"); err != nil {
		return nil, err
	}
	found, err := chromium.Eval[map[string]float64](tab, patience,
		"({ rows: seen.rows, all: seen.all, longest: Math.max(0, ...seen.long.map(({ duration }) => duration)) })")
	d.note(action, found)
	return tab, err
}

// act does all else in an open list.
func (d *day) act(b *chromium.Browser, tab *chromium.Tab) error {
	if _, err := chromium.Eval[any](tab, patience, actionsScript+"; null"); err != nil {
		return err
	}
	one := site.People(d.people, site.Seed)[d.people/3]
	for _, do := range []struct {
		action string
		args   map[string]string
	}{
		{letterSearch, nil}, {oneSearch, map[string]string{"name": one.Name}}, {scrolling, nil}, {jumping, nil},
		{saving, map[string]string{"name": "!Zadie Smith", "email": "zadie@example.com"}},
	} {
		found, err := chromium.Call[map[string]float64](tab, patience, "(a) => actions."+do.action+"(a)", do.args)
		if err != nil {
			return err
		}
		d.note(do.action, found)
	}
	memory, err := b.RendererMemory()
	d.note(atLast, map[string]float64{"memory": float64(memory) / 1e6})
	return errors.Join(err, d.noteMemory(b))
}

// noteMemory notes what the program has taken of memory so far, in the page and in its worker, the host.
func (d *day) noteMemory(b *chromium.Browser) error {
	for action, target := range map[string]string{pageMemory: "page", hostMemory: "worker"} {
		n, err := b.WasmMemory(target)
		if err != nil {
			return err
		}
		d.note(action, map[string]float64{"most": float64(n) / 1e6})
	}
	return nil
}

func (d *day) note(action string, found map[string]float64) {
	d.samples = append(d.samples, sample{d.round, d.people, d.slower, action, found})
	fmt.Fprintf(os.Stderr, "round %d, %d people, %v× slower, %s: %.4v\n", d.round, d.people, d.slower, action, found)
}
