package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rollcall/rollcall/server/exchange"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/sqlite"
)

// backup writes a copy of the database while a server may be using it.
func backup(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("backup", flag.ContinueOnError)
	db := databaseFlag(flags)
	names, err := parseNames(flags, args, stderr, "FILE")
	if err != nil {
		return flagResult(err)
	}
	if err := onlyFile(*db, "backup"); err != nil {
		return err
	}
	if err := sqlite.Backup(ctx, *db, names[0]); err != nil {
		return err
	}
	info, err := os.Stat(names[0])
	if err != nil {
		return err
	}
	return say(stdout, fmt.Sprintf("backed up %s to %s, %d kB\n", *db, names[0], (info.Size()+1023)>>10))
}

// restore puts a backup in the database's place.
func restore(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("restore", flag.ContinueOnError)
	db := databaseFlag(flags)
	names, err := parseNames(flags, args, stderr, "FILE")
	if err != nil {
		return flagResult(err)
	}
	if err := onlyFile(*db, "restore"); err != nil {
		return err
	}
	aside, err := sqlite.Restore(ctx, *db, names[0], time.Now())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("restored %s from %s\n", *db, names[0])
	if aside != "" {
		text += "what was there is kept as " + aside + "\n"
	}
	return say(stdout, text+"every client reads the directory again and keeps what it has not sent yet\n")
}

// onlyFile refuses a command that is for SQLite files, and says what to do instead.
func onlyFile(db, command string) error {
	if !postgres.IsAddress(db) {
		return checkPath(db)
	}
	if command == "backup" {
		return errors.New("a PostgreSQL database is backed up by PostgreSQL: pg_dump --format=custom --file=FILE ADDRESS, or continuous archiving")
	}
	return errors.New("a PostgreSQL database is restored by PostgreSQL: stop all servers, pg_restore into an empty database, " +
		"run `rollcall restored -db ADDRESS`, and only then start the servers")
}

// restored makes a database that PostgreSQL restored fit to be served.
func restored(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("restored", flag.ContinueOnError)
	db := databaseFlag(flags)
	if _, err := parseNames(flags, args, stderr); err != nil {
		return flagResult(err)
	}
	if !postgres.IsAddress(*db) {
		return errors.New("`restored` is for PostgreSQL databases; `rollcall restore FILE` does all of it for a SQLite file")
	}
	n, err := postgres.Restored(ctx, *db, rand.Uint64(), time.Now())
	if err != nil {
		return err
	}
	return say(stdout, fmt.Sprintf("%s can be served: the versions of %d users and tombstones were moved ahead\n"+
		"every client reads the directory again and keeps what it has not sent yet\n", nameOf(*db), n))
}

func checkDatabase(ctx context.Context, db string) (store.Report, error) {
	if postgres.IsAddress(db) {
		return postgres.Check(ctx, db)
	}
	if err := checkPath(db); err != nil {
		return store.Report{}, err
	}
	return sqlite.Check(ctx, db)
}

// check says whether a database is as it must be.
func check(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	db := databaseFlag(flags)
	if _, err := parseNames(flags, args, stderr); err != nil {
		return flagResult(err)
	}
	report, err := checkDatabase(ctx, *db)
	if err != nil {
		return err
	}
	if err := report.Print(stdout, nameOf(*db)); err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return errFound
	}
	return nil
}

// export writes all users as CSV or JSON Lines.
func export(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	db := databaseFlag(flags)
	name := flags.String("format", "", "csv or jsonl; without it, the file's name says")
	names, err := parseNames(flags, args, stderr, "[FILE]")
	if err != nil {
		return flagResult(err)
	}
	file := ""
	if len(names) > 0 {
		file = names[0]
	}
	format, err := formatOf(*name, file)
	if err != nil {
		return usageError(stderr, err.Error())
	}
	s, err := openPresent(ctx, *db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if file == "" {
		_, err := exchange.Export(ctx, s, stdout, format)
		return err
	}
	n, err := exportTo(ctx, s, file, format)
	if err != nil {
		return err
	}
	return say(stdout, fmt.Sprintf("exported %d users to %s\n", n, file))
}

// exportTo makes the file, which only its owner can read: it is full of people.
func exportTo(ctx context.Context, from exchange.Reading, file string, format exchange.Format) (n int, err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return 0, fmt.Errorf("%s exists already; an export never replaces a file", file)
	}
	if err != nil {
		return 0, fmt.Errorf("make the export: %w", err)
	}
	n, err = exchange.Export(ctx, from, f, format)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return n, errors.Join(err, os.Remove(file)) // a part must not pass for the whole
	}
	return n, nil
}

// formatOf is the format by the flag or else by the file's name.
func formatOf(flagged, file string) (exchange.Format, error) {
	if flagged == "" {
		flagged = strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")
	}
	switch flagged {
	case "csv", "tsv", "txt":
		return exchange.CSV, nil
	case "jsonl", "ndjson":
		return exchange.Lines, nil
	}
	return "", errors.New("say with -format whether it is csv or jsonl")
}

// imported is `rollcall import`: by itself it only says what it would do.
func imported(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	db := databaseFlag(flags)
	name := flags.String("format", "", "csv or jsonl; without it, the file's name says")
	apply := flags.Bool("apply", false, "do it; without this, nothing is changed")
	quiet := flags.Bool("quiet", false, "list only the lines that are refused")
	names, err := parseNames(flags, args, stderr, "FILE")
	if err != nil {
		return flagResult(err)
	}
	format, err := formatOf(*name, names[0])
	if err != nil {
		return usageError(stderr, err.Error())
	}
	in, err := os.Open(names[0])
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	defer func() { _ = in.Close() }()
	lines, err := exchange.Open(in, format)
	if err != nil {
		return fmt.Errorf("%s: %w", names[0], err)
	}
	s, err := openPresent(ctx, *db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	t := tally{out: bufio.NewWriter(stdout), quiet: *quiet, applied: *apply, count: map[exchange.Action]int{}}
	run := exchange.Import{To: s, Apply: *apply, Report: t.report}
	failed := run.Run(ctx, lines)
	if err := errors.Join(failed, t.end(failed)); err != nil {
		return err
	}
	if t.count[exchange.Refused] > 0 {
		return errFound
	}
	return nil
}

// tally prints what becomes of each line and counts it.
type tally struct {
	out     *bufio.Writer
	quiet   bool
	applied bool
	count   map[exchange.Action]int
}

func (t *tally) report(s exchange.Step) error {
	t.count[s.Action]++
	if s.Action == exchange.Unchanged || (t.quiet && s.Action != exchange.Refused) {
		return nil
	}
	detail := ""
	if s.Detail != "" {
		detail = ": " + s.Detail
	}
	_, err := fmt.Fprintf(t.out, "line %d: %s %s%s\n", s.Line, s.Action, plainText(s.Who), detail)
	return err
}

// plainText keeps what a file says from driving the terminal.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return '?'
		}
		return r
	}, s)
}

func (t *tally) end(failed error) error {
	sums := fmt.Sprintf("%d created, %d changed, %d unchanged, %d refused", t.count[exchange.Create], t.count[exchange.Change],
		t.count[exchange.Unchanged], t.count[exchange.Refused])
	switch {
	case failed != nil:
		sums = "stopped after this: " + sums + "; importing the file again goes on from here"
	case !t.applied:
		sums = "would be: " + sums + "; nothing was done, -apply does it"
	}
	_, err := fmt.Fprintln(t.out, sums)
	return errors.Join(err, t.out.Flush())
}
