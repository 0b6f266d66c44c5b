// Command rollcall is the Rollcall server: the API, the feed and the web application in one
// binary, on a SQLite file or a PostgreSQL database.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/rollcall/rollcall/server/store"
)

// command is a subcommand of the program.
type command struct {
	name    string
	args    string // as its usage shows them
	summary string
	details string // for its help
	run     func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

// commands lists the subcommands in the order of the help.
func commands() []command {
	return []command{
		{"serve", "[flags]", "serve the directory", `Every flag can also be set by an environment variable: ROLLCALL_ADDR sets -addr.
On SIGTERM, the server finishes open requests and exits.
On SIGHUP, it reloads its TLS certificate.
`, runServe},
		{"backup", "[-db FILE] FILE", "copy the database to FILE", `The server may be running. When this command ends, the copy is checked and
durable. It never replaces an existing file.
`, runBackup},
		{"restore", "[-db FILE] [-force] FILE", "replace the database with a backup", `Stop the server first. The backup is checked first; -force restores one with problems.
The previous database is kept beside the new one.
Clients read the whole directory again, and keep what they have not sent yet.
`, runRestore},
		{"restored", "-db postgres://...", "finish the restore of a PostgreSQL database", `Run it once after pg_restore, before any server starts. Without it, clients could
mistake what was written after the backup for what the database holds now. It fails
while a server is connected. Clients read the whole directory again, and keep what
they have not sent yet.
`, runRestored},
		{"check", "[-db FILE|ADDRESS]", "check the database for corruption", `Reads the whole database. The server may be running. Exits with 3 if it finds a
problem.
`, runCheck},
		{"export", "[-db FILE|ADDRESS] [-format csv|jsonl|json|vcard] [FILE]", "write all users to FILE or to standard output", `It never replaces an existing file. In CSV, text that a spreadsheet would run as a
formula, wherever it splits the line, gets an apostrophe before it; an import removes it.
`, runExport},
		{"import", "[-db FILE|ADDRESS] [-columns name=…,email=…] [-headings LINE] [-apply] [-quiet] FILE", "create and change users from a file", `FILE is CSV, JSON or vCard, in UTF-8, UTF-16 or, if you say so, Windows-1252.
Without -apply, it prints what each line would do and changes nothing. A user is
found by id, or else by email. A missing field keeps its value. A refused line does
not stop the others. You can run an import again at any time: nothing is applied
twice. The server may be running. Exits with 3 if a line is refused.
`, runImport},
		{"account", "COMMAND [flags] [NAME]", "manage who may sign in", accountDetails(), runAccount},
		{"audit", "[-db FILE|ADDRESS] [-from TIME]", "print who did what, as JSON Lines", `Each line is an object with at, action, account, name, by and detail: what happened to
accounts, and who created, updated and deleted whom, with user and device. An empty "by"
is the operator's command.
`, runAudit},
		{"erase", "[-db FILE|ADDRESS] ID", "delete a user for good, with all that their history keeps", `The server may be running. Devices learn of it when they sync next. What copies keep
is in docs/OPERATIONS.md.
`, runErase},
		{"seed", "[-db FILE|ADDRESS] [-n 1000] [-seed 1]", "add made-up people to the database", "", runSeed},
		{"version", "", "print the version of this build", "", showVersion},
	}
}

// usage is the help on all commands.
func usage() string {
	var b strings.Builder
	b.WriteString("rollcall serves a directory of people that works offline.\n\nUsage:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  rollcall %-9s %s\n", c.name, c.summary)
	}
	b.WriteString("  rollcall help COMMAND\n\nThe exit status is 0 for success, 1 for an error, 2 for invalid arguments, and 3 if a\n" +
		"check found a problem or an import refused a line.\n")
	return b.String()
}

// Errors with an exit status of their own. The reason has been printed.
var (
	errUsage = errors.New("invalid arguments")
	errFound = errors.New("problems found")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(finish(err, os.Stderr))
}

// finish prints an error that was not printed yet, and returns the program's exit status.
func finish(err error, stderr io.Writer) int {
	switch {
	case errors.Is(err, errUsage):
		return 2
	case errors.Is(err, errFound):
		return 3
	case err != nil:
		_ = printf(stderr, "rollcall: %v\n", err) // a failed print can't be reported
		return 1
	}
	return 0
}

// run is the program. It returns when its work is done or, for serve, when ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "":
		return errors.Join(errUsage, printText(stderr, usage()))
	case "help", "-h", "-help", "--help":
		return help(ctx, args, stdout, stderr)
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, args, stdout, stderr)
		}
	}
	return unknownCommand(stderr, name)
}

// help describes a command and its flags.
func help(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return printText(stdout, usage())
	}
	for _, c := range commands() {
		if c.name == args[0] {
			if err := printText(stdout, "rollcall "+c.name+" "+c.args+"\n"+c.summary+"\n\n"+c.details); err != nil {
				return err
			}
			return c.run(ctx, []string{"-h"}, stdout, stdout) // its flags
		}
	}
	return unknownCommand(stderr, args[0])
}

func unknownCommand(stderr io.Writer, name string) error {
	return errors.Join(usageError(stderr, fmt.Sprintf("unknown command %q", name)), printText(stderr, "\n"+usage()))
}

func showVersion(_ context.Context, args []string, stdout, stderr io.Writer) error {
	if err := parse(flag.NewFlagSet("version", flag.ContinueOnError), args, stderr); err != nil {
		return flagResult(err)
	}
	return printf(stdout, "rollcall %s\n", version())
}

// parse parses a command's flags; it has no other arguments.
func parse(fs *flag.FlagSet, args []string, stderr io.Writer) error {
	_, err := parseNames(fs, args, stderr)
	return err
}

// parseNames parses a command's flags and its other arguments, in any order. names describe
// those arguments; one in brackets is optional.
func parseNames(fs *flag.FlagSet, args []string, stderr io.Writer, names ...string) (given []string, err error) {
	fs.Usage = func() {}
	fs.SetOutput(io.Discard) // Parse prints its errors as they are
	for {
		if err := fs.Parse(args); err != nil {
			if !errors.Is(err, flag.ErrHelp) {
				err = usageError(stderr, err.Error())
			}
			return nil, errors.Join(err, printFlags(fs, stderr))
		}
		if fs.NArg() == 0 {
			break
		}
		if len(given) == len(names) {
			return nil, usageError(stderr, fmt.Sprintf("%s takes no argument %q", fs.Name(), fs.Arg(0)))
		}
		given, args = append(given, fs.Arg(0)), fs.Args()[1:]
	}
	if missing := len(given); missing < len(names) && !strings.HasPrefix(names[missing], "[") {
		return nil, usageError(stderr, fmt.Sprintf("%s needs a %s", fs.Name(), names[missing]))
	}
	return given, nil
}

// printFlags prints the help on a command's flags.
func printFlags(fs *flag.FlagSet, to io.Writer) error {
	fs.SetOutput(to)
	err := printf(to, "Flags of rollcall %s:\n", fs.Name())
	fs.PrintDefaults()
	return err
}

// flagResult turns a request for help into success.
func flagResult(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

// usageError prints what is wrong with the arguments.
func usageError(stderr io.Writer, text string) error {
	return errors.Join(errUsage, printf(stderr, "rollcall: %s\n", text))
}

// printf prints what may come from outside: see store.Print.
func printf(w io.Writer, format string, args ...any) error { return store.Print(w, format, args...) }

// printText prints a text of the program's own, of several lines.
func printText(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// env returns an environment variable's value, or the fallback if it is not set.
func env(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

// release is set by the linker (-X main.release=...) for a tagged build.
var release string

// version is the release, or the commit that Go recorded.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value[:min(12, len(s.Value))]
		}
	}
	return v + " " + info.GoVersion
}
