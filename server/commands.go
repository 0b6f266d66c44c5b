package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/server/exchange"
	"github.com/rollcall/rollcall/server/seed"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/sqlite"
)

// afterRestore is printed by both commands that restore.
const afterRestore = "clients read the whole directory again, and keep what they have not sent yet\n"

// runBackup copies the database; a server may be using it.
func runBackup(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("backup", flag.ContinueOnError)
	db := databaseFlag(flags)
	names, err := parseNames(flags, args, stderr, "FILE")
	if err != nil {
		return flagResult(err)
	}
	if postgres.IsAddress(*db) {
		return errors.New("back up a PostgreSQL database with PostgreSQL: pg_dump --format=custom --file=FILE ADDRESS, or continuous archiving")
	}
	if err := checkPath(*db); err != nil {
		return err
	}
	if err := sqlite.Backup(ctx, *db, names[0]); err != nil {
		return err
	}
	info, err := os.Stat(names[0])
	if err != nil {
		return err
	}
	return printf(stdout, "backed up %s to %s, %d kB\n", *db, names[0], (info.Size()+1023)>>10)
}

// runRestore replaces the database with a backup.
func runRestore(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("restore", flag.ContinueOnError)
	db := databaseFlag(flags)
	force := flags.Bool("force", false, "restore a backup although `check` would find problems in it")
	names, err := parseNames(flags, args, stderr, "FILE")
	if err != nil {
		return flagResult(err)
	}
	if postgres.IsAddress(*db) {
		return errors.New("restore a PostgreSQL database with PostgreSQL: stop all servers, pg_restore into an empty database, " +
			"run `rollcall restored -db ADDRESS`, and only then start the servers")
	}
	if err := checkPath(*db); err != nil {
		return err
	}
	replaced, err := sqlite.Restore(ctx, sqlite.Restoring{Path: *db, Backup: names[0], Now: time.Now(), Force: *force})
	if err != nil {
		return err
	}
	if err := printf(stdout, "restored %s from %s\n", *db, names[0]); err != nil {
		return err
	}
	if replaced != "" {
		if err := printf(stdout, "the previous database is kept as %s\n", replaced); err != nil {
			return err
		}
	}
	return printf(stdout, afterRestore)
}

// runRestored finishes a restore that PostgreSQL did.
func runRestored(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("restored", flag.ContinueOnError)
	db := databaseFlag(flags)
	if _, err := parseNames(flags, args, stderr); err != nil {
		return flagResult(err)
	}
	if !postgres.IsAddress(*db) {
		return errors.New("`restored` is for PostgreSQL databases; for a SQLite file, `rollcall restore FILE` does everything")
	}
	n, err := postgres.FinishRestore(ctx, *db, rand.Uint64(), time.Now())
	if err != nil {
		return err
	}
	return printf(stdout, "%s is ready to be served: the versions of %d users and tombstones were moved ahead\n"+afterRestore,
		displayName(*db), n)
}

// runCheck checks a whole database.
func runCheck(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	db := databaseFlag(flags)
	if _, err := parseNames(flags, args, stderr); err != nil {
		return flagResult(err)
	}
	report, err := checkDatabase(ctx, *db)
	if err != nil {
		return err
	}
	if err := report.Print(stdout, displayName(*db)); err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return errFound
	}
	return nil
}

// runExport writes all users to a file or to stdout.
func runExport(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	db := databaseFlag(flags)
	name := flags.String("format", "", "csv, jsonl, json or vcard; by default, the file's extension decides")
	var style exchange.Style
	flags.BoolVar(&style.ByteOrderMark, "bom", false, "begin CSV with a byte order mark, so that Excel shows letters such as ë as they are")
	names, err := parseNames(flags, args, stderr, "[FILE]")
	if err != nil {
		return flagResult(err)
	}
	file := ""
	if len(names) > 0 {
		file = names[0]
	}
	if style.Format, err = exchange.FormatOf(*name, file); err != nil {
		return usageError(stderr, err.Error())
	}
	if style.ByteOrderMark && style.Format != roster.CSV {
		return usageError(stderr, "-bom is for CSV; other formats are UTF-8 without a mark")
	}
	s, err := openExisting(ctx, *db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if file == "" {
		_, err := exchange.Export(ctx, s, stdout, style)
		return err
	}
	n, err := exchange.ExportFile(ctx, s, file, style)
	if err != nil {
		return err
	}
	return printf(stdout, "exported %d users to %s\n", n, file)
}

// runImport applies a file, or by default prints what that would do.
func runImport(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	db := databaseFlag(flags)
	format := flags.String("format", "", "csv, jsonl, json or vcard: refuse any other; by default, the content decides")
	encoding := flags.String("encoding", "", "utf-8, utf-16le, utf-16be or windows-1252, where the file does not show it")
	columns := flags.String("columns", "", "which columns of CSV or fields of JSON are what, where they have other names: `name=First+Last,email=Mail,bio=Notes`")
	headings := flags.String("headings", "", "the `LINE` of CSV that names the columns, or none; by default, the first one below a title")
	apply := flags.Bool("apply", false, "change the directory; without this, only print what would change")
	dry := flags.Bool("n", false, "only print what would change, as without -apply")
	quiet := flags.Bool("quiet", false, "print only the refused lines")
	names, err := parseNames(flags, args, stderr, "FILE")
	if err != nil {
		return flagResult(err)
	}
	if *dry && *apply {
		return usageError(stderr, "-n changes nothing, -apply does; leave one of them out")
	}
	options, err := exchange.ReadOptions(*format, *encoding)
	if err == nil {
		options.Headings, err = exchange.ReadHeadings(*headings, *columns)
	}
	if err != nil {
		return usageError(stderr, err.Error())
	}
	in, err := exchange.OpenFile(names[0])
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	file, err := exchange.Open(in, options, *columns)
	var refusal *roster.Refusal
	if errors.As(err, &refusal) && refusal.Encoding != "" {
		return fmt.Errorf("%s: %w; if that is right, add -encoding %s", names[0], err, refusal.Encoding)
	}
	if refusal != nil && refusal.Columns {
		return fmt.Errorf("%s: %w; or say which columns are what, such as -columns name=First+Last,email=Mail", names[0], err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", names[0], err)
	}
	run := exchange.Import{Apply: *apply}
	s, err := openForImport(ctx, *db, *apply, stdout)
	if err != nil {
		return err
	}
	run.To = byCommand{s}
	defer func() { err = errors.Join(err, s.Close()) }()
	refused, err := run.Print(ctx, file, stdout, *quiet)
	if err == nil && refused > 0 {
		err = errFound
	}
	return err
}

// importTarget is a database, or the place of one that doesn't exist yet.
type importTarget interface {
	exchange.Directory
	io.Closer
}

// openForImport opens the database, and creates it to apply an import. What an import would do
// can be said without one.
func openForImport(ctx context.Context, db string, apply bool, stdout io.Writer) (importTarget, error) {
	s, err := openExisting(ctx, db)
	if !errors.Is(err, store.ErrNoDirectory) {
		return s, err
	}
	if !apply {
		return exchange.Nobody{}, printf(stdout, "note: there is no directory in %s yet; -apply creates it\n", displayName(db))
	}
	if s, err = openDatabase(ctx, db, hooks{}); err != nil {
		return nil, err
	}
	return s, printf(stdout, "note: created a directory in %s\n", displayName(db))
}

// runSeed adds made-up people.
func runSeed(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("seed", flag.ContinueOnError)
	n := flags.Int("n", 1000, "how many `people` to make up")
	number := flags.Uint64("seed", 1, "`number` that decides who they are")
	db := databaseFlag(flags)
	if err := parse(flags, args, stderr); err != nil {
		return flagResult(err)
	}
	if *n < 1 || *n > seed.MaxPeople {
		return usageError(stderr, fmt.Sprintf("-n must be from 1 to %d", seed.MaxPeople))
	}
	s, err := openDatabase(ctx, *db, hooks{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	added, err := seed.Add(ctx, s, *n, *number)
	if err != nil {
		return err
	}
	existing := ""
	if added < *n {
		existing = fmt.Sprintf("; %d others, or their emails, existed already", *n-added)
	}
	return printf(stdout, "added %d people to %s%s\n", added, displayName(*db), existing)
}
