// Command growth measures how the cost of operations grows from ten thousand users to a
// million: time, and CPU of the server and its PostgreSQL. It fills the directories by
// `rollcall import`, and prints how long that takes.
//
//	make build && go run ./bench/growth -store sqlite
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/rollcall/rollcall/bench/figures"
	"github.com/rollcall/rollcall/bench/subject"
)

type options struct {
	binary, store string
	sizes         []int
	rounds        int
	long, warm    time.Duration
	creates       int
	dir           string
	doc           string
}

func main() {
	o := options{sizes: []int{10_000, 100_000, 1_000_000}}
	flag.StringVar(&o.binary, "server", "bin/rollcall", "the server's binary")
	flag.StringVar(&o.store, "store", "sqlite", "sqlite or postgres")
	flag.Func("sizes", "users, separated by commas, the smallest first (default 10000,100000,1000000)", func(text string) (err error) {
		o.sizes, err = subject.Sizes(text, 2000) // two pages of the feed
		return err
	})
	flag.IntVar(&o.rounds, "rounds", 5, "rounds, each of which measures every operation at every size")
	flag.DurationVar(&o.long, "long", 700*time.Millisecond, "how long an operation is repeated in a round")
	flag.DurationVar(&o.warm, "warm", 10*time.Second, "how long operations that read all over a directory warm up")
	flag.IntVar(&o.creates, "creates", 500, "users created in a round; the directories grow by them")
	flag.StringVar(&o.dir, "dir", "", "directory to keep SQLite's files in; those of an earlier run are reused")
	flag.StringVar(&o.doc, "doc", "", "document with the markers <!-- growth-STORE --> to put the table between")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "rollcall-growth-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.dir == "" {
		o.dir = dir
	}
	places, end, err := open(ctx, o, dir)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return err
	}
	if err := warmUp(ctx, o, places); err != nil {
		return err
	}
	table, err := measureAll(ctx, o, places)
	if err != nil {
		return err
	}
	if err := addCommands(ctx, o, places, dir, table); err != nil {
		return err
	}
	text := fmt.Sprintf("%s, %d processors, medians of %d rounds; the ratio is of CPU, last size to first.\n\n%s", o.store, runtime.NumCPU(), o.rounds, table)
	fmt.Print(text)
	return figures.ReplaceIn(o.doc, "growth-"+o.store, text)
}

// open fills a directory of each size and starts a server for it.
func open(ctx context.Context, o options, dir string) (places []*place, end func() error, err error) {
	var ends []func() error
	end = func() error {
		var errs []error
		for i := len(ends) - 1; i >= 0; i-- {
			errs = append(errs, ends[i]())
		}
		return errors.Join(errs...)
	}
	database := func() (subject.Usage, error) { return subject.Usage{}, nil }
	address := func(n int) (string, error) { return filepath.Join(o.dir, fmt.Sprintf("%d.db", n)), nil }
	switch o.store {
	case "sqlite":
	case "postgres":
		cluster, err := subject.StartPostgreSQL()
		if err != nil {
			return nil, end, fmt.Errorf("start PostgreSQL: %w", err)
		}
		ends = append(ends, cluster.End)
		database = func() (subject.Usage, error) { return subject.ClusterUsage(cluster) }
		address = func(int) (string, error) { return cluster.Database() }
	default:
		return nil, end, fmt.Errorf("unknown store %q: use sqlite or postgres", o.store)
	}
	for _, n := range o.sizes {
		p := &place{size: n, database: database}
		if p.db, err = address(n); err != nil {
			return nil, end, err
		}
		if err := p.fill(ctx, o.binary, dir); err != nil {
			return nil, end, err
		}
		fmt.Fprintf(os.Stderr, "%s: imported %d users in %.1f s\n", o.store, n, p.imported.Seconds())
		if p.server, err = subject.Serve(ctx, o.binary, p.db); err != nil {
			return nil, end, err
		}
		ends = append(ends, p.server.Stop)
		if err := p.survey(ctx); err != nil {
			return nil, end, err
		}
		places = append(places, p)
	}
	return places, end, nil
}

// warmUp runs the operations that read all over a directory, without measuring. Each process
// of PostgreSQL takes a page fault for each page of shared memory on first use: in a big
// directory the first thousands of reads would measure that.
func warmUp(ctx context.Context, o options, places []*place) error {
	for _, w := range works(o.creates) {
		for _, p := range places {
			if !w.scattered {
				continue
			}
			if _, err := w.measure(ctx, p, o.warm); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureAll measures each operation at each size, interleaved.
func measureAll(ctx context.Context, o options, places []*place) (*figures.Table, error) {
	all := works(o.creates)
	samples := make([][][]sample, len(all)) // by work, place and round
	for i := range samples {
		samples[i] = make([][]sample, len(places))
	}
	for range o.rounds {
		for i := range all {
			for j, p := range places {
				s, err := all[i].measure(ctx, p, o.long)
				if err != nil {
					return nil, err
				}
				samples[i][j] = append(samples[i][j], s)
			}
		}
	}
	table := &figures.Table{Head: []string{"CPU ms (time ms) each"}}
	for _, p := range places {
		table.Head = append(table.Head, fmt.Sprintf("%d users", p.size))
	}
	table.Head = append(table.Head, "ratio", fmt.Sprintf("within %.1f", flat))
	for i := range all {
		results := make([]result, len(places))
		cells := []string{all[i].name}
		for j := range places {
			results[j] = summarize(samples[i][j], all[i].callers)
			cells = append(cells, results[j].String())
		}
		table.Add(append(cells, verdictCells(verdict(results))...)...)
	}
	return table, nil
}

func (r result) String() string {
	if r.gaveUp {
		return "503 after 10 s"
	}
	return fmt.Sprintf("%s (%s)", figures.Milliseconds(r.cpu), figures.Milliseconds(r.wall))
}

func verdictCells(ratio float64, isFlat bool) []string {
	word := "no"
	if isFlat {
		word = "yes"
	}
	text := fmt.Sprintf("%.2f", ratio)
	if ratio == 0 {
		text = "?"
	}
	return []string{text, word}
}

// addCommands adds the cost of the operator's commands by user, since they read everything.
func addCommands(ctx context.Context, o options, places []*place, dir string, table *figures.Table) error {
	row := func(name string, took func(p *place) (time.Duration, error)) error {
		cells := []string{name + ", µs a user (s in all)"}
		var each []result
		for _, p := range places {
			all, err := took(p)
			if err != nil {
				return err
			}
			each = append(each, result{cpu: all / time.Duration(p.size)})
			cells = append(cells, fmt.Sprintf("%.1f (%.1f)", float64(each[len(each)-1].cpu)/1000, all.Seconds()))
		}
		table.Add(append(cells, verdictCells(verdict(each))...)...)
		return nil
	}
	timed := func(args func(p *place) []string) func(p *place) (time.Duration, error) {
		return func(p *place) (time.Duration, error) {
			began := time.Now()
			err := subject.Command(ctx, o.binary, args(p)...)
			return time.Since(began), err
		}
	}
	var err error
	if !slices.ContainsFunc(places, func(p *place) bool { return p.imported == 0 }) { // an earlier run did it
		err = row("import", func(p *place) (time.Duration, error) { return p.imported, nil })
	}
	err = errors.Join(err,
		row("check", timed(func(p *place) []string { return []string{"check", "-db", p.db} })))
	if o.store == "sqlite" && err == nil {
		err = row("backup", timed(func(p *place) []string {
			return []string{"backup", "-db", p.db, filepath.Join(dir, fmt.Sprintf("%d.backup", p.size))}
		}))
	}
	return err
}
