// Command rivals compares this project's server, with both of its stores, with PocketBase
// and express-pouchdb: the same work over HTTP on loopback, in rounds that interleave the
// servers. It prints a table, and whether the goals are met.
//
//	make bench-rivals
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/rollcall/rollcall/bench/figures"
)

// preloaded is the number of people to read.
const preloaded = 10_000

// options are the flags.
type options struct {
	programs
	rounds  int
	lasting time.Duration
	raw     string // file for the samples, one per line; "" for none
	doc     string // document whose table is replaced; "" for none
	only    string // what "SERVER: WORK" must match
	pprof   string // address for profiles of the server on SQLite; "" for none
}

func main() {
	var o options
	flag.StringVar(&o.rollcall, "rollcall", "bin/rollcall", "this project's built `binary`")
	flag.StringVar(&o.pocketbase, "pocketbase", ".cache/bin/rivals-pocketbase", "the built `binary` of bench/rivals/pocketbase")
	flag.StringVar(&o.pouchdb, "pouchdb", "bench/rivals/pouchdb", "`directory` of server.js and its node_modules")
	flag.StringVar(&o.mode, "pouchdb-mode", "fullCouchDB", "express-pouchdb's mode; minimumForPouchDB does less for each request")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each work is measured with each server")
	flag.DurationVar(&o.lasting, "lasting", 1200*time.Millisecond, "how long each measurement lasts")
	flag.StringVar(&o.raw, "raw", ".cache/rivals.jsonl", "`file` for what was measured, a line each; empty for none")
	flag.StringVar(&o.doc, "doc", "", "Markdown `file` to put the table in, between its markers")
	flag.StringVar(&o.only, "only", "", "measure only what matches this `regexp`, as \"Rollcall, SQLite: batch 100 at 16\"")
	flag.StringVar(&o.pprof, "pprof", "", "loopback `address` for profiles of the server on SQLite")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, &o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "rivals:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	if o.rounds < 1 || o.lasting < 10*time.Millisecond {
		return errors.New("-rounds must be at least 1 and -lasting at least 10ms")
	}
	dir, err := os.MkdirTemp("/tmp", "rivals-") // beside the PostgreSQL
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // best effort
	about, err := describe(ctx, o, dir)
	if err != nil {
		return err
	}
	var samples []sample
	for _, reads := range []bool{false, true} {
		found, err := compete(ctx, o, dir, reads)
		if err != nil {
			return err
		}
		samples = append(samples, found...)
	}
	if err := keep(o.raw, samples); err != nil {
		return err
	}
	text := about + "\n" + report(samples)
	fmt.Print(text)
	return figures.ReplaceIn(o.doc, "rivals", text)
}

// compete measures the works that write, starting with empty servers, or those that read,
// with the preloaded people.
func compete(ctx context.Context, o *options, dir string, reads bool) (samples []sample, err error) {
	dir, err = os.MkdirTemp(dir, "field")
	if err != nil {
		return nil, err
	}
	f, err := start(ctx, o.programs, dir, o.pprof)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.end()) }()
	held := map[string]int{} // acknowledged people by server
	for _, c := range f.contenders {
		if reads && !c.shares {
			if err := load(c, preloaded); err != nil {
				return nil, err
			}
			held[c.name] = preloaded
		}
	}
	for round := range o.rounds + 1 {
		found, err := play(ctx, o, f, schedule{round, reads})
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			if !reads {
				held[s.Server] += s.Requests * s.Work.Rows
			}
		}
		if round > 0 { // the first warms up
			samples = append(samples, found...)
		}
	}
	for _, c := range f.contenders {
		if c.shares {
			continue
		}
		if err := audit(c, held[c.name]); err != nil {
			return nil, err
		}
	}
	return samples, nil
}

// schedule is what is measured next.
type schedule struct {
	round int // 0 to warm up
	reads bool
}

// play measures each work with each server once, in random order of servers.
func play(ctx context.Context, o *options, f *field, s schedule) ([]sample, error) {
	lasting := o.lasting
	if s.round == 0 {
		lasting /= 4
	}
	wanted, err := regexp.Compile(o.only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	var samples []sample
	for i, w := range works(s.reads) {
		for j := range f.contenders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			c := f.contenders[(s.round+i+j)%len(f.contenders)]
			if !w.doneBy(c.dialect) || c.shares && w.Name != readList || !wanted.MatchString(c.name+": "+w.String()) {
				continue
			}
			found, err := measure(c, w, lasting)
			if err != nil {
				return nil, err
			}
			found.Round = s.round
			samples = append(samples, found)
		}
	}
	return samples, nil
}

// keep writes the samples to a file, one per line.
func keep(path string, samples []sample) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("keep what was measured: %w", err)
	}
	lines := json.NewEncoder(f)
	for _, s := range samples {
		if err := lines.Encode(s); err != nil {
			return errors.Join(fmt.Errorf("keep what was measured: %w", err), f.Close())
		}
	}
	return f.Close()
}
