// Command load simulates thousands of devices against its own servers, and finds the knee:
// how many a server can carry with the 99th percentile of its answers below 100 ms and no
// errors.
//
//	make build && go run ./bench/load -store sqlite
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
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/rollcall/rollcall/bench/figures"
	"github.com/rollcall/rollcall/bench/subject"
)

type options struct {
	binary, store  string
	people         int
	first, most    int
	every, measure time.Duration
	limit, budget  time.Duration
	flags          string
	accounts       bool
	doc            string
}

func main() {
	var o options
	flag.StringVar(&o.binary, "server", "bin/rollcall", "the server's binary")
	flag.StringVar(&o.store, "store", "sqlite", "sqlite, postgres, or postgres2 for two servers on one PostgreSQL")
	flag.IntVar(&o.people, "people", 10_000, "users in the directory at the start")
	flag.IntVar(&o.first, "first", 100, "clients in the first step")
	flag.IntVar(&o.most, "most", 8000, "clients at most")
	flag.DurationVar(&o.every, "every", 30*time.Second, "time between two writes of a client, on average")
	flag.DurationVar(&o.measure, "measure", 10*time.Second, "how long each step is measured")
	flag.DurationVar(&o.limit, "limit", 100*time.Millisecond, "the bound of the 99th percentile")
	flag.DurationVar(&o.budget, "budget", 80*time.Second, "time after which no further step starts; a small one makes the knee less exact")
	flag.StringVar(&o.flags, "flags", "", "more flags for the servers, separated by spaces")
	flag.BoolVar(&o.accounts, "accounts", false, "give the server accounts, and each request a token")
	flag.StringVar(&o.doc, "doc", "", "document with the markers <!-- load-STORE --> to put the table between")
	flag.Parse()
	debug.SetGCPercent(400) // this program shares the processors with the server
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	if err := checkFiles(o.most); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rollcall-load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, stop, err := open(ctx, o, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	table := figures.Table{Head: head}
	search := search{first: o.first, most: o.most}
	end := time.Now().Add(o.budget)
	for {
		n, done := search.next()
		if done || (len(table.Rows) > 0 && time.Now().After(end)) {
			break
		}
		f, err := s.try(ctx, n, o)
		if err != nil {
			return err
		}
		search.note(n, f.holds(o.limit))
		table.Add(f.row(f.holds(o.limit))...)
	}
	text := fmt.Sprintf("%s, %d processors, a write of 1 to %d users every %v a client, %d users before. The knee: **%s**.\n\n%s",
		o.store, runtime.NumCPU(), batchMost, o.every, o.people, &search, &table)
	fmt.Print(text)
	return figures.ReplaceIn(o.doc, "load-"+o.store, text)
}

// try does a step, and repeats it once if it failed, which may be noise of the machine.
func (s *site) try(ctx context.Context, n int, o options) (f figure, err error) {
	for range 2 {
		if f, err = s.step(ctx, n, o.every, o.measure); err != nil || f.holds(o.limit) {
			break
		}
	}
	if err == nil {
		fmt.Fprintln(os.Stderr, strings.Join(f.row(f.holds(o.limit)), "  "), f.first)
	}
	return f, err
}

// checkFiles checks the limit of open files: each client has two connections. Go has raised
// the soft limit to the hard one.
func checkFiles(clients int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("look up the limit of open files: %w", err)
	}
	if need := uint64(2*clients + 200); limit.Cur < need {
		return fmt.Errorf("%d clients need %d open files, but only %d are allowed: raise the limit (ulimit -Hn) or lower -most", clients, need, limit.Cur)
	}
	return nil
}

// open starts the servers for the store, with users in it.
func open(ctx context.Context, o options, dir string) (s *site, end func() error, err error) {
	var ends []func() error
	end = func() error {
		var errs []error
		for i := len(ends) - 1; i >= 0; i-- {
			errs = append(errs, ends[i]())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, end())
		}
	}()
	s = &site{}
	db, processes := filepath.Join(dir, "rollcall.db"), 1
	database := func() (subject.Usage, error) { return subject.Usage{}, nil }
	switch o.store {
	case "sqlite":
	case "postgres", "postgres2":
		cluster, err := subject.StartPostgreSQL()
		if err != nil {
			return nil, nil, fmt.Errorf("start PostgreSQL: %w", err)
		}
		ends = append(ends, cluster.End)
		if db, err = cluster.Database(); err != nil {
			return nil, nil, err
		}
		database = func() (subject.Usage, error) { return subject.ClusterUsage(cluster) }
		if o.store == "postgres2" {
			processes = 2
		}
	default:
		return nil, nil, fmt.Errorf("unknown store %q: use sqlite, postgres or postgres2", o.store)
	}
	if err := subject.Command(ctx, o.binary, "seed", "-db", db, "-n", fmt.Sprint(o.people)); err != nil {
		return nil, nil, err
	}
	if o.accounts {
		token, err := subject.Token(ctx, o.binary, db)
		if err != nil {
			return nil, nil, err
		}
		authorization = "Authorization: Bearer " + token + "\r\n"
	}
	for range processes {
		server, err := subject.Serve(ctx, o.binary, db, strings.Fields(o.flags)...)
		if err != nil {
			return nil, nil, err
		}
		ends = append(ends, server.Stop)
		s.servers = append(s.servers, server)
	}
	s.usage = func() (all, of subject.Usage, err error) {
		for _, server := range s.servers {
			u, err := server.Usage()
			if err != nil {
				return all, of, err
			}
			all.CPU, all.Memory = all.CPU+u.CPU, all.Memory+u.Memory
		}
		of, err = database()
		return all, of, err
	}
	return s, end, nil
}

var head = []string{
	"clients", "pushes/s", "users/s", "events/s", "pulls/s", "push p50", "push p99", "pull p50", "pull p99",
	"to others p50", "p99", "server CPU", "database CPU", "generator CPU", "server MB", "errors", "held",
}

func (f *figure) row(held bool) []string {
	verdict := "no"
	if held {
		verdict = "yes"
	}
	rate := func(v float64) string { return fmt.Sprintf("%.0f", v) }
	share := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	return []string{
		fmt.Sprint(f.clients), fmt.Sprintf("%.1f", f.writes), rate(f.ops), rate(f.events), rate(f.pulls),
		figures.Milliseconds(f.push50), figures.Milliseconds(f.push99), figures.Milliseconds(f.pull50), figures.Milliseconds(f.pull99),
		figures.Milliseconds(f.reach50), figures.Milliseconds(f.reach99),
		share(f.cpu), share(f.database), share(f.loads), rate(float64(f.memory) / (1 << 20)), fmt.Sprint(f.errors), verdict,
	}
}
