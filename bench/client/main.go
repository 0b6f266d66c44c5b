// Command client compares what this project's client does on a device, in Chromium, with
// IndexedDB by hand and with other libraries: the same work in each, in rounds that
// interleave them. It prints tables, and whether the goals are met.
//
//	make bench-client
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/rollcall/rollcall/bench/figures"
	"github.com/rollcall/rollcall/bench/site"
	"github.com/rollcall/rollcall/bench/subject"
)

// options are the flags.
type options struct {
	rollcall string // the built binary
	source   string // directory of contenders and node_modules
	pouchdb  string // directory of express-pouchdb
	sizes    []int
	rounds   int
	patient  time.Duration
	raw      string // file for the samples, one per line; "" for none
	from     string // such a file to report on instead of measuring; "" for none
	doc      string // document whose tables are replaced; "" for none
	only     string // what "CONTENDER: WORKLOAD" must match
	profile  bool   // tell instead where the time goes
}

func main() {
	var o options
	flag.StringVar(&o.rollcall, "rollcall", "bin/rollcall", "this project's built `binary`")
	flag.StringVar(&o.source, "source", "bench/client", "`directory` of contenders and node_modules")
	flag.StringVar(&o.pouchdb, "pouchdb", "bench/rivals/pouchdb", "`directory` of server.js and its node_modules")
	o.sizes = []int{1000, 10_000}
	flag.Func("people", "comma-separated numbers of people (default 1000,10000)", func(text string) (err error) {
		o.sizes, err = subject.Sizes(text, site.LeastPeople)
		return err
	})
	flag.IntVar(&o.rounds, "rounds", 1, "how often each workload is measured")
	flag.DurationVar(&o.patient, "patience", 5*time.Minute, "how long one workload may take")
	flag.StringVar(&o.raw, "raw", ".cache/client.jsonl", "`file` for the samples, one per line")
	flag.StringVar(&o.from, "from", "", "report on the samples in this `file`, and measure nothing")
	flag.StringVar(&o.doc, "doc", "", "`document` whose tables are replaced, with plots beside it")
	flag.StringVar(&o.only, "only", "", "`expression` that CONTENDER: WORKLOAD must match, as in '^(raw|Dexie).*: load'")
	flag.BoolVar(&o.profile, "profile", false, "tell where the time of Rollcall's workloads goes, instead of comparing it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, &o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	var r recording
	var err error
	if o.from != "" {
		r, err = readRecording(o.from)
	} else {
		r, err = measure(ctx, o)
	}
	if err != nil {
		return err
	}
	if o.profile {
		text := r.About + "\n" + profileOf(r.Samples)
		fmt.Print(text)
		return figures.ReplaceIn(o.doc, "client-profile", text)
	}
	text := report(r, "images")
	fmt.Print(text)
	if o.doc == "" {
		return nil
	}
	images := filepath.Join(filepath.Dir(o.doc), "images")
	for _, people := range r.sizes() {
		plot := plotOf(r.Samples, people)
		if err := os.WriteFile(filepath.Join(images, plotName(people)), []byte(plot.SVG()), 0o644); err != nil {
			return fmt.Errorf("write a plot: %w", err)
		}
	}
	return figures.ReplaceIn(o.doc, "client", text)
}

// recording is what a run has brought. Its first line in a file is About, and each further
// one a sample.
type recording struct {
	About   string
	Samples []sample
}

func measure(ctx context.Context, o *options) (r recording, err error) {
	wanted, err := regexp.Compile(o.only)
	if err != nil {
		return r, fmt.Errorf("-only: %w", err)
	}
	dir, err := os.MkdirTemp("", "bench-client")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if r.About, err = describe(ctx, o, dir); err != nil {
		return r, err
	}
	file, err := create(o.raw)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	lines := json.NewEncoder(file)
	if err := lines.Encode(r.About); err != nil {
		return r, err
	}
	b, end, err := prepare(ctx, o, dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, end()) }()
	b.wanted = func(c contender, workload string) bool {
		return wanted.MatchString(c.Name+": "+workload) && (!o.profile || c.Name == rollcall)
	}
	b.record = func(s sample) error {
		fmt.Fprintf(os.Stderr, "round %d, %d people, %s, %s: %.4v %s\n", s.Round, s.People, s.Contender, s.Workload, s.Figures, s.Error)
		r.Samples = append(r.Samples, s)
		return lines.Encode(s)
	}
	for round := range o.rounds {
		for _, people := range o.sizes {
			for _, c := range order(contenders(), round) {
				if err := (&turn{bench: b, ctx: ctx, round: round, contender: c, people: people}).play(); err != nil {
					return r, err
				}
			}
		}
	}
	return r, nil
}

// create makes the file for the samples.
func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("keep what is measured: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("keep what is measured: %w", err)
	}
	return f, nil
}

// prepare makes the pages and starts the servers.
func prepare(ctx context.Context, o *options, dir string) (b *bench, end func() error, err error) {
	binary, err := filepath.Abs(o.rollcall)
	if err != nil {
		return nil, nil, err
	}
	dist, documents := filepath.Join(dir, "dist"), filepath.Join(dir, "couch")
	for _, d := range []string{dist, documents} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return nil, nil, err
		}
	}
	if err := bundle(ctx, o, dist); err != nil {
		return nil, nil, err
	}
	couch, err := startCouch(ctx, o.pouchdb, documents)
	if err != nil {
		return nil, nil, err
	}
	server, err := serve(dist)
	if err != nil {
		return nil, nil, errors.Join(err, couch.Stop())
	}
	server.couch.to(couch.Addr)
	b = &bench{dir: dir, server: server, sites: site.Sites{Binary: binary, Dir: dir}, couch: couch, patient: o.patient, profile: o.profile}
	return b, func() error { return errors.Join(server.end(), couch.Stop()) }, nil
}

func readRecording(path string) (r recording, err error) {
	f, err := os.Open(path)
	if err != nil {
		return r, fmt.Errorf("read what was measured: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := json.NewDecoder(f)
	if err := lines.Decode(&r.About); err != nil {
		return r, fmt.Errorf("read what was measured: %w", err)
	}
	for lines.More() {
		var s sample
		if err := lines.Decode(&s); err != nil {
			return r, fmt.Errorf("read what was measured: %w", err)
		}
		r.Samples = append(r.Samples, s)
	}
	return r, nil
}
