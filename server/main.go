// Command rollcall is the server of the Rollcall directory: the API, the feed
// and the web application in one binary, over one database file.
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
	"syscall"
)

const usage = `rollcall keeps a directory of people that works without a network.

Usage:
  rollcall serve [-addr 127.0.0.1:8080] [-db rollcall.db]
                 serve the directory; ROLLCALL_ADDR and ROLLCALL_DB set the defaults
  rollcall seed  [-n 1000] [-seed 1] [-db rollcall.db]
                 fill a database with made-up people
  rollcall version
                 say which build this is
`

// errUsage says that the arguments make no sense; why has been printed.
var errUsage = errors.New("bad arguments")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "rollcall:", err)
		os.Exit(1)
	}
}

// run is the program. It ends when its work is done or, for serve, when ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "serve":
		return serve(ctx, args, stdout, stderr)
	case "seed":
		return seed(ctx, args, stdout, stderr)
	case "version":
		if err := parse(flag.NewFlagSet("version", flag.ContinueOnError), args, stderr); err != nil {
			return flagResult(err)
		}
		return say(stdout, "rollcall "+version()+"\n")
	case "help", "-h", "-help", "--help":
		return say(stdout, usage)
	}
	if command != "" {
		return usageError(stderr, fmt.Sprintf("there is no command %q\n\n%s", command, usage))
	}
	return errors.Join(errUsage, say(stderr, usage))
}

// parse reads a command's flags; it takes no other arguments.
func parse(fs *flag.FlagSet, args []string, stderr io.Writer) error {
	fs.SetOutput(stderr)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage // Parse has said why
	}
	if fs.NArg() > 0 {
		return usageError(stderr, fmt.Sprintf("%s takes no argument %q", fs.Name(), fs.Arg(0)))
	}
	return nil
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
