// Command rollcall is the server of the Rollcall directory: the API, the feed
// and the web application in one binary, over one SQLite file or a PostgreSQL database.
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
)

// command is one thing the program can do.
type command struct {
	name string
	args string // what it takes, as its usage shows it
	does string
	more string // for its help
	run  func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

// commands are all of them, in the order of the help.
func commands() []command {
	return []command{
		{"serve", "[flags]", "serve the directory", `The flags are environment variables as well: ROLLCALL_ADDR is -addr.
On SIGTERM it answers what it has accepted, then ends.
On SIGHUP it reads its TLS certificate again.
`, serve},
		{"backup", "[-db FILE] FILE", "copy the database to FILE", `The server may be running. The copy is checked and on the disk when this ends;
a file that exists is never replaced.
`, backup},
		{"restore", "[-db FILE] FILE", "put a backup in the database's place", `Refused while a server has the database open. What was there is kept beside it.
Clients read everything again and keep what they have not sent yet.
`, restore},
		{"restored", "-db postgres://...", "make a restored PostgreSQL database fit to be served", `Run it once after pg_restore and before any server starts: without it, clients
could take what was written after the backup for what is there now. Refused
while a server is connected. Clients read everything again and keep what they
have not sent yet.
`, restored},
		{"check", "[-db FILE|ADDRESS]", "look for what can't be as it is", `Reads all of the database; the server may be running. Ends with 3 when it
found something.
`, check},
		{"export", "[-db FILE|ADDRESS] [-format csv|jsonl] [FILE]", "write all users to FILE or the output", `A file that exists is never replaced. In CSV, text that a spreadsheet would take
for a formula has an apostrophe before it, which an import takes away.
`, export},
		{"import", "[-db FILE|ADDRESS] [-format csv|jsonl] [-apply] [-quiet] FILE", "create and change users by a file", `Without -apply it says what each line would do, and does nothing. A user is
found by id or else by email; a field that is missing is left as it is. A
line that is refused stops no other. It can be run again at any time: what is
done is not done twice. The server may be running. Ends with 3 when a line
was refused.
`, imported},
		{"seed", "[-db FILE|ADDRESS] [-n 1000] [-seed 1]", "fill the database with made-up people", "", seed},
		{"version", "", "say which build this is", "", showVersion},
	}
}

// usage is the help about all commands.
func usage() string {
	var b strings.Builder
	b.WriteString("rollcall keeps a directory of people that works without a network.\n\nUsage:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  rollcall %-9s %s\n", c.name, c.does)
	}
	b.WriteString("  rollcall help COMMAND\n\nIt ends with 0 when all went well, 1 when it failed, 2 for arguments that make\n" +
		"no sense, and 3 when a check or an import found something.\n")
	return b.String()
}

// Errors that main ends with another status for; why has been printed.
var (
	errUsage = errors.New("bad arguments")
	errFound = errors.New("something was found")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case errors.Is(err, errFound):
		os.Exit(3)
	case err != nil:
		fmt.Fprintln(os.Stderr, "rollcall:", err)
		os.Exit(1)
	}
}

// run is the program. It ends when its work is done or, for serve, when ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "":
		return errors.Join(errUsage, say(stderr, usage()))
	case "help", "-h", "-help", "--help":
		return help(ctx, args, stdout, stderr)
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, args, stdout, stderr)
		}
	}
	return usageError(stderr, fmt.Sprintf("there is no command %q\n\n%s", name, usage()))
}

// help says what a command does and takes.
func help(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return say(stdout, usage())
	}
	for _, c := range commands() {
		if c.name == args[0] {
			if err := say(stdout, fmt.Sprintf("rollcall %s %s\n%s\n\n%s", c.name, c.args, c.does, c.more)); err != nil {
				return err
			}
			return c.run(ctx, []string{"-h"}, stdout, stdout) // its flags
		}
	}
	return usageError(stderr, fmt.Sprintf("there is no command %q\n\n%s", args[0], usage()))
}

func showVersion(_ context.Context, args []string, stdout, stderr io.Writer) error {
	if err := parse(flag.NewFlagSet("version", flag.ContinueOnError), args, stderr); err != nil {
		return flagResult(err)
	}
	return say(stdout, "rollcall "+version()+"\n")
}

// parse reads a command's flags; it takes no other arguments.
func parse(fs *flag.FlagSet, args []string, stderr io.Writer) error {
	_, err := parseNames(fs, args, stderr)
	return err
}

// parseNames reads a command's flags and its other arguments, before, between and
// behind them. names are what those are; one in brackets may be left out.
func parseNames(fs *flag.FlagSet, args []string, stderr io.Writer, names ...string) (given []string, err error) {
	fs.SetOutput(stderr)
	fs.Usage = func() {
		// Nobody can be told that printing failed.
		_ = say(fs.Output(), "Flags of rollcall "+fs.Name()+":\n")
		fs.PrintDefaults()
	}
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage // Parse has said why
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

// flagResult turns a request for help into success.
func flagResult(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

// usageError says what makes no sense about the arguments.
func usageError(stderr io.Writer, text string) error {
	return errors.Join(errUsage, say(stderr, "rollcall: "+text+"\n"))
}

func say(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// env is an environment variable's value, or the fallback when it is not set.
func env(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

// release is set by the linker (-X main.release=...) for a tagged build.
var release string

// version is the release, or what Go recorded of the source.
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
