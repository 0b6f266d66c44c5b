package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
)

// accountCommand is a subcommand of `rollcall account`.
type accountCommand struct {
	name, args, summary string
	run                 func(*accountRun) error
}

func accountCommands() []accountCommand {
	return []accountCommand{
		{"add", "[-admin | -role ROLE] [-display NAME] [-link] NAME", "add an account, with a password from the terminal or the first line of standard input", addAccount},
		{"invite", "[-role ROLE] [-display NAME] [-days N] NAME", "add an account whose owner sets the password with a link", inviteAccount},
		{"list", "", "list the accounts", listAccounts},
		{"role", "NAME ROLE", "make an account viewer, editor or admin", setRole},
		{"disable", "NAME", "let an account in no more, at once", func(r *accountRun) error { return r.disable(true) }},
		{"enable", "NAME", "let it in again, after signing in anew", func(r *accountRun) error { return r.disable(false) }},
		{"reset", "[-days N] NAME", "make a link that sets a new password", resetPassword},
		{"sessions", "NAME", "list an account's devices and tokens", listSessions},
		{"sign-out", "NAME [ID]", "end all sessions of an account, or one session or token", signOutAccount},
		{"token", "[-role ROLE] [-days N] [-for TEXT] NAME", "make a token for a program", makeToken},
	}
}

// accountDetails is the help on the subcommands.
func accountDetails() string {
	var b strings.Builder
	for _, c := range accountCommands() {
		fmt.Fprintf(&b, "  rollcall account %-8s %s\n      %s\n", c.name, c.args, c.summary)
	}
	b.WriteString("\nAll take -db FILE|ADDRESS. A viewer reads, an editor writes, an admin manages accounts.\n" +
		"The server may be running: it knows within two seconds.\n\n")
	return b.String()
}

// accountRun is one run of a subcommand.
type accountRun struct {
	ctx     context.Context
	args    []string
	out     io.Writer
	stderr  io.Writer
	flags   *flag.FlagSet
	db      *string
	role    *string
	display *string
	days    *int
	url     *string

	store database
	names []string
}

func runAccount(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		for _, c := range accountCommands() {
			if c.name != args[0] {
				continue
			}
			flags := flag.NewFlagSet("account "+c.name, flag.ContinueOnError)
			r := &accountRun{ctx: ctx, args: args[1:], out: stdout, stderr: stderr, flags: flags, db: databaseFlag(flags)}
			return flagResult(c.run(r))
		}
		if !strings.HasPrefix(args[0], "-") {
			return errors.Join(usageError(stderr, fmt.Sprintf("unknown command \"account %s\"", args[0])), printText(stderr, "\n"+accountDetails()))
		}
	}
	flags := flag.NewFlagSet("account", flag.ContinueOnError)
	databaseFlag(flags)
	if err := parse(flags, args, stderr); err != nil {
		return flagResult(err)
	}
	return errors.Join(errUsage, printText(stderr, accountDetails()))
}

// with parses the flags and opens the database for work. create makes one if there is none.
func (r *accountRun) with(create bool, work func() error, names ...string) (err error) {
	if r.names, err = parseNames(r.flags, r.args, r.stderr, names...); err != nil {
		return err
	}
	open := openExisting
	if create {
		open = func(ctx context.Context, db string) (database, error) { return openDatabase(ctx, db, hooks{}) }
	}
	if r.store, err = open(r.ctx, *r.db); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.store.Close()) }()
	return work()
}

// decide changes the account that the first argument names.
func (r *accountRun) decide(f func(s *account.State, act account.Act, id string) (account.Change, error)) error {
	return r.store.ChangeAccess(r.ctx, func(s *account.State) (account.Change, error) {
		a, err := named(s, r.names[0])
		if err != nil {
			return account.Change{}, err
		}
		return f(s, account.Act{Now: time.Now()}, a.ID)
	})
}

func named(s *account.State, name string) (account.Account, error) {
	a, ok := s.ByName(name)
	if !ok {
		return a, fmt.Errorf("there is no account %s; `rollcall account list` shows all", name)
	}
	return a, nil
}

func (r *accountRun) newFlags(role account.Role) {
	r.role = r.flags.String("role", string(role), "viewer, editor or admin")
	r.display = r.flags.String("display", "", "`name` for people to read; by default, the login name")
	r.linkFlags()
}

func (r *accountRun) linkFlags() {
	r.days = r.flags.Int("days", int(account.DefaultLink/(24*time.Hour)), "`number` of days that the link lasts, at most 30")
	r.url = r.flags.String("url", "", "`address` of the server, such as https://directory.example.org, to print the whole link")
}

func addAccount(r *accountRun) error {
	r.newFlags(account.Viewer)
	admin := r.flags.Bool("admin", false, "the same as -role admin")
	link := r.flags.Bool("link", false, "print a link that sets the password, instead of asking for one")
	return r.with(true, func() error {
		if *admin {
			*r.role = string(account.Admin)
		}
		if *link {
			return r.invite()
		}
		return r.add()
	}, "NAME")
}

func inviteAccount(r *accountRun) error {
	r.newFlags(account.Viewer)
	return r.with(true, r.invite, "NAME")
}

func (r *accountRun) fresh() account.New {
	return account.New{Name: r.names[0], Display: *r.display, Role: account.Role(*r.role)}
}

// add adds an account with a password, which is asked for once everything else is known to be
// right.
func (r *accountRun) add() error {
	state, err := r.store.Access(r.ctx)
	if err != nil {
		return err
	}
	_, will, err := state.Add(account.Act{Now: time.Now()}, r.fresh())
	if err != nil {
		return err
	}
	password, err := readPassword(r.out, "Password for "+will.Name)
	if err != nil {
		return err
	}
	if p := account.CheckPassword(password, will); p != nil {
		return p
	}
	hash := account.HashPassword(password)
	err = r.store.ChangeAccess(r.ctx, func(s *account.State) (account.Change, error) {
		act := account.Act{Now: time.Now()}
		add, a, err := s.Add(act, r.fresh())
		if err != nil {
			return add, err
		}
		set, err := s.With(add).SetPassword(act, a.ID, hash, account.Hash{})
		return add.Then(set), err
	})
	if err != nil {
		return err
	}
	return printf(r.out, "added %s, who is %s\n", will.Name, will.Role)
}

// invite adds an account with a link.
func (r *accountRun) invite() error {
	var link string
	err := r.store.ChangeAccess(r.ctx, func(s *account.State) (account.Change, error) {
		act := account.Act{Now: time.Now()}
		add, a, err := s.Add(act, r.fresh())
		if err != nil {
			return add, err
		}
		invite, secret, err := s.With(add).NewLink(act, a.ID, r.lasts())
		link = secret
		return add.Then(invite), err
	})
	if err != nil {
		return err
	}
	return r.printLink(link)
}

func (r *accountRun) lasts() time.Duration { return time.Duration(*r.days) * 24 * time.Hour }

func (r *accountRun) printLink(link string) error {
	where := "behind the server's address"
	if *r.url != "" {
		where = "once"
	}
	return printf(r.out, "%s sets a password within %d days, %s, at:\n%s\n", r.names[0], *r.days, where, strings.TrimRight(*r.url, "/")+api.PathJoin+"#"+link)
}

func resetPassword(r *accountRun) error {
	r.linkFlags()
	return r.with(false, func() error {
		var link string
		err := r.decide(func(s *account.State, act account.Act, id string) (c account.Change, err error) {
			c, link, err = s.NewLink(act, id, r.lasts())
			return c, err
		})
		if err != nil {
			return err
		}
		return r.printLink(link)
	}, "NAME")
}

func listAccounts(r *accountRun) error {
	return r.with(false, func() error {
		s, err := r.store.Access(r.ctx)
		if err != nil {
			return err
		}
		for _, a := range s.Names() {
			if err := printf(r.out, "%-24s %-7s %-9s seen %s\n", a.Name, a.Role, condition(s, a), day(a.Seen)); err != nil {
				return err
			}
		}
		return printf(r.out, "%d accounts\n", len(s.Accounts))
	})
}

// condition says whether an account can sign in.
func condition(s *account.State, a account.Account) string {
	switch {
	case a.Disabled:
		return "disabled"
	case len(s.Credentials[a.ID]) == 0:
		return "invited"
	}
	return "enabled"
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

func setRole(r *accountRun) error {
	return r.with(false, func() error {
		role := account.Role(r.names[1])
		err := r.decide(func(s *account.State, act account.Act, id string) (account.Change, error) {
			return s.Edit(act, id, account.Edit{Role: &role})
		})
		if err != nil {
			return err
		}
		return printf(r.out, "%s is %s\n", r.names[0], role)
	}, "NAME", "ROLE")
}

func (r *accountRun) disable(off bool) error {
	return r.with(false, func() error {
		err := r.decide(func(s *account.State, act account.Act, id string) (account.Change, error) {
			return s.Edit(act, id, account.Edit{Disabled: &off})
		})
		if err != nil {
			return err
		}
		return printf(r.out, "%s is %s\n", r.names[0], map[bool]string{true: "disabled", false: "enabled"}[off])
	}, "NAME")
}

func listSessions(r *accountRun) error {
	return r.with(false, func() error {
		s, err := r.store.Access(r.ctx)
		if err != nil {
			return err
		}
		a, err := named(s, r.names[0])
		if err != nil {
			return err
		}
		for _, g := range s.GrantsOf(a.ID, time.Now(), account.Session, account.Token) {
			if err := printf(r.out, "%s %-7s %-6s used %s ends %s %s\n", g.ID, g.Kind, g.Role, day(g.Seen), day(g.End()), g.Name); err != nil {
				return err
			}
		}
		return nil
	}, "NAME")
}

func signOutAccount(r *accountRun) error {
	return r.with(false, func() error {
		err := r.decide(func(s *account.State, act account.Act, id string) (account.Change, error) {
			if len(r.names) > 1 {
				return s.EndGrant(act, id, r.names[1])
			}
			return s.SignOut(act, id)
		})
		if err != nil {
			return err
		}
		return printf(r.out, "%s is signed out\n", strings.Join(r.names, " "))
	}, "NAME", "[ID]")
}

func makeToken(r *accountRun) error {
	role := r.flags.String("role", string(account.Viewer), "what it may do: viewer, editor or admin, and never more than its account")
	days := r.flags.Int("days", int(account.DefaultToken/(24*time.Hour)), "`number` of days that it lasts")
	purpose := r.flags.String("for", "command line", "`text` that says what it is for")
	return r.with(false, func() error {
		var secret string
		err := r.decide(func(s *account.State, act account.Act, id string) (c account.Change, err error) {
			c, _, secret, err = s.NewToken(act, account.NewTokenOf{Account: id, Name: *purpose, Role: account.Role(*role), Lasts: time.Duration(*days) * 24 * time.Hour})
			return c, err
		})
		if err != nil {
			return err
		}
		return printf(r.out, "%s\n", secret)
	}, "NAME")
}

// readPassword asks for a password on a terminal, twice, without showing it; or reads the first
// line of standard input.
func readPassword(out io.Writer, prompt string) (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errNoPassword
		}
		return line, nil
	}
	var typed [2]string
	for i, text := range []string{prompt + ": ", "The same again: "} {
		if err := printf(out, "%s", text); err != nil {
			return "", err
		}
		b, err := term.ReadPassword(fd)
		if err := errors.Join(err, printf(out, "\n")); err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		typed[i] = string(b)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return typed[0], nil
}

var errNoPassword = errors.New("no password was given: type it, pass it in the first line of standard input, or use -link")
