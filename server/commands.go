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

	"github.com/rollcall/rollcall/server/exchange"
	"github.com/rollcall/rollcall/server/seed"
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
	replaced, err := sqlite.Restore(ctx, *db, names[0], time.Now())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("restored %s from %s\n", *db, names[0])
	if replaced != "" {
		text += "the previous database is kept as " + replaced + "\n"
	}
	return printf(stdout, "%s", text+afterRestore)
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

// formatFlag is the flag that names a file's format.
func formatFlag(flags *flag.FlagSet) *string {
	return flags.String("format", "", "csv or jsonl; by default, the file's extension decides")
}

// runExport writes all users to a file or to stdout.
func runExport(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	db, name := databaseFlag(flags), formatFlag(flags)
	names, err := parseNames(flags, args, stderr, "[FILE]")
	if err != nil {
		return flagResult(err)
	}
	file := ""
	if len(names) > 0 {
		file = names[0]
	}
	format, err := exchange.FormatOf(*name, file)
	if err != nil {
		return usageError(stderr, err.Error())
	}
	s, err := openExisting(ctx, *db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if file == "" {
		_, err := exchange.Export(ctx, s, stdout, format)
		return err
	}
	n, err := exchange.ExportFile(ctx, s, file, format)
	if err != nil {
		return err
	}
	return printf(stdout, "exported %d users to %s\n", n, file)
}

// runImport applies a file, or by default prints what that would do.
func runImport(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	db, name := databaseFlag(flags), formatFlag(flags)
	apply := flags.Bool("apply", false, "change the directory; without this, only print what would change")
	quiet := flags.Bool("quiet", false, "print only the refused lines")
	names, err := parseNames(flags, args, stderr, "FILE")
	if err != nil {
		return flagResult(err)
	}
	format, err := exchange.FormatOf(*name, names[0])
	if err != nil {
		return usageError(stderr, err.Error())
	}
	in, err := os.Open(names[0])
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	defer func() { _ = in.Close() }()
	lines, err := exchange.NewReader(in, format)
	if err != nil {
		return fmt.Errorf("%s: %w", names[0], err)
	}
	s, err := openExisting(ctx, *db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	run := exchange.Import{To: s, Apply: *apply}
	refused, err := run.Print(ctx, lines, stdout, *quiet)
	if err == nil && refused > 0 {
		err = errFound
	}
	return err
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
