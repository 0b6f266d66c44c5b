package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/signin"
)

// firstLink is how long the link of the first admin lasts.
const firstLink = 24 * time.Hour

// entrance is where a server says who may come in: its log, its output, and its address.
type entrance struct {
	log *slog.Logger
	out io.Writer
	at  net.Addr
}

// mayOpen fails if the server may not start with the accounts of its database. It leaves that as it
// is, so that the program before this one can go on with it.
func (o *serveOptions) mayOpen(ctx context.Context) error {
	accounts := isLoopback(o.addr) || o.firstAdmin != ""
	if !accounts {
		var err error
		if accounts, err = hasAccounts(ctx, o.db); err != nil {
			return err
		}
	}
	return o.mayStart(accounts)
}

// admitPeople makes the first admin, if that is asked for, and prints their link.
func (o *serveOptions) admitPeople(ctx context.Context, gate *signin.Gate, e entrance) error {
	open := gate.State().Open()
	var link string
	if open && o.firstAdmin != "" {
		var err error
		if link, err = addFirstAdmin(ctx, gate, o.firstAdmin); err != nil {
			return fmt.Errorf("-first-admin: %w", err)
		}
	} else if open {
		e.log.Warn("there are no accounts: whoever reaches this address reads and changes everything", "to change that", "rollcall account add -admin "+o.dbFlag()+"NAME")
	}
	if link == "" {
		return nil
	}
	return printf(e.out, "the first admin, %s, sets a password within a day at %s\n", o.firstAdmin, o.publicAddress(e.at)+api.PathJoin+"#"+link)
}

func addFirstAdmin(ctx context.Context, gate *signin.Gate, name string) (link string, err error) {
	act := account.Act{Now: gate.Now()}
	err = gate.Decide(ctx, func(s *account.State) (account.Change, error) {
		if link = ""; !s.Open() { // another process was first
			return account.Change{}, nil
		}
		add, a, err := s.Add(act, account.New{Name: name, Role: account.Admin})
		if err != nil {
			return add, err
		}
		invite, secret, err := s.With(add).NewLink(act, a.ID, firstLink)
		link = secret
		return add.Then(invite), err
	})
	return link, err
}

// mayStart returns why the server may not start, and what to type; nil if it may. On this
// machine's own addresses it may without anything: who is there owns the database.
func (o *serveOptions) mayStart(accounts bool) error {
	if isLoopback(o.addr) {
		return nil
	}
	var missing []string
	if !accounts {
		missing = append(missing, "accounts, since whoever reached it would own the directory: type `rollcall account add -admin "+o.dbFlag()+
			"NAME`, or start it with -first-admin NAME (ROLLCALL_FIRST_ADMIN=NAME), which prints a link")
	}
	if o.cert == "" && !o.behindProxy {
		missing = append(missing, "TLS, since passwords would be read on the way: start it with -tls-cert FILE -tls-key FILE, or, if a proxy ends TLS, "+
			"with -behind-proxy -trusted-proxies NETWORK (ROLLCALL_BEHIND_PROXY=true, ROLLCALL_TRUSTED_PROXIES=NETWORK)")
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("to listen on %s, which others may reach, the server needs %s. On this machine alone, -addr 127.0.0.1:8080 needs neither",
		o.addr, strings.Join(missing, "; and "))
}

// dbFlag is the flag that names the database to another command, "" where that finds it by itself.
func (o *serveOptions) dbFlag() string {
	if o.db == "rollcall.db" {
		return ""
	}
	return "-db " + displayName(o.db) + " "
}

// isLoopback reports whether only this machine reaches an address.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// publicAddress is where people find the server, as far as it knows.
func (o *serveOptions) publicAddress(at net.Addr) string {
	scheme, host := "http", at.String()
	if o.cert != "" || o.behindProxy {
		scheme = "https"
	}
	if name, _, _ := strings.Cut(o.hosts, ","); name != "" && !strings.HasPrefix(name, "*") {
		host = strings.TrimSpace(name)
		if _, port, err := net.SplitHostPort(at.String()); err == nil && !o.behindProxy && port != "443" {
			host = net.JoinHostPort(host, port)
		}
	}
	return scheme + "://" + host
}
