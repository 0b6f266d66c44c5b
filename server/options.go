package main

import (
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/origin"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/signin"
)

// serveOptions are the flags of `rollcall serve`.
type serveOptions struct {
	addr, db      string
	cert, key     string
	format, level string
	profiles      string
	metrics       string
	proxies       string
	behindProxy   bool
	firstAdmin    string
	authHeader    string
	openID        struct{ issuer, client, secret, name string }
	keepHistory   int
	bulkLimit     int
	hosts         string
	origins       string
	exempt        string
	versions      string

	addressRate, clientRate     float64
	connections, perAddress     int
	share                       int
	streams, reads, readWaiting int
	eventRate                   int
	oldest                      int
	megabytes                   int64
}

// serveFlags declares the flags. Each can also be set by an environment variable.
func serveFlags(o *serveOptions) *flag.FlagSet {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	flags.StringVar(&o.db, "db", "rollcall.db", "SQLite `file`, created if missing, or postgres://... for PostgreSQL")
	flags.StringVar(&o.cert, "tls-cert", "", "PEM `file` with the certificate and its chain; enables HTTPS and HTTP/2")
	flags.StringVar(&o.key, "tls-key", "", "PEM `file` with the certificate's key")
	flags.StringVar(&o.format, "log-format", "text", "text or json")
	flags.StringVar(&o.level, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&o.profiles, "pprof", "", "loopback `address` to serve Go's profiles on, such as 127.0.0.1:6060; off by default")
	flags.StringVar(&o.metrics, "metrics", "", "`address` to serve /metrics on, for Prometheus, such as 127.0.0.1:9464; off by default")
	flags.StringVar(&o.hosts, "hosts", "", "comma-separated `names` that the server answers to, beside localhost, this machine's addresses and the certificate's names; *.example.org is all below it")
	flags.StringVar(&o.origins, "origins", "", "comma-separated `origins`, such as http://directory.example.org, whose pages are the server's own: those of a proxy on plain HTTP that keeps neither Host nor X-Forwarded-Host")
	flags.StringVar(&o.proxies, "trusted-proxies", "", "comma-separated `networks` of proxies whose X-Forwarded-For and X-Forwarded-Host are trusted; this machine always is")
	flags.BoolVar(&o.behindProxy, "behind-proxy", false, "take requests from -trusted-proxies and this machine only: a proxy ends TLS")
	flags.StringVar(&o.firstAdmin, "first-admin", "", "while there are no accounts, make an admin of this `name`, and print a link that sets the password")
	flags.IntVar(&o.keepHistory, "keep-history", 90, "`days` for which texts that accounts have replaced or deleted can be restored; 0 keeps none")
	flags.IntVar(&o.bulkLimit, "bulk-limit", 200, "how many people an account may delete within an hour, beside those that it has created in it; 0 for no limit")
	flags.StringVar(&o.authHeader, "auth-header", "", "`header` in which -trusted-proxies say the login name of whom they have signed in, such as X-Forwarded-User")
	flags.StringVar(&o.openID.issuer, "oidc-issuer", "", "`address` of an OpenID Connect provider where people sign in, such as https://id.example.org")
	flags.StringVar(&o.openID.client, "oidc-client-id", "", "`id` of this server at the provider")
	flags.StringVar(&o.openID.secret, "oidc-client-secret", "", "its `secret` there; better in ROLLCALL_OIDC_CLIENT_SECRET, since ps shows flags")
	flags.StringVar(&o.openID.name, "oidc-name", "Single sign-on", "`text` of the button that leads to the provider")
	flags.StringVar(&o.exempt, "exempt", thisMachine(), "comma-separated `networks` without rates and shares, or none: by default this machine, unless it forwards for others")
	flags.StringVar(&o.versions, "app-versions", "", "`directory` that keeps the last versions of the app, so that a browser's update brings only what has changed, or none: by default the SQLite file's name with .app behind it, and none with PostgreSQL")
	flags.Float64Var(&o.addressRate, "address-rate", 100, "API requests per second from one address, and as many others, with bursts of five seconds' worth; 0 for no limit")
	flags.Float64Var(&o.clientRate, "client-rate", 10, "batches per second from one client id, with bursts of five seconds' worth; 0 for no limit")
	flags.IntVar(&o.connections, "max-connections", 16000, "concurrent connections; more wait to be accepted")
	flags.IntVar(&o.perAddress, "max-connections-per-address", 1000, "concurrent connections from one address (IPv6: one /64); more are closed. Trusted proxies are exempt, too")
	flags.IntVar(&o.share, "network-share", rest.DefaultShare, "`percent` of -max-streams, -max-memory and -max-waiting that one address (IPv6: one /64) may hold")
	flags.IntVar(&o.streams, "max-streams", rest.DefaultStreams, "concurrent event streams; more are answered 503")
	flags.IntVar(&o.eventRate, "event-rate", feed.NotificationsPerProcessor*runtime.GOMAXPROCS(0), "events per second to all streams together; more are sent later. By default, 1000 per processor")
	flags.IntVar(&o.reads, "max-reads", rest.DefaultReads, "concurrent reads of the database, at most as many as it has connections; more wait")
	flags.IntVar(&o.readWaiting, "max-waiting", rest.DefaultWaiting, "waiting reads; more are answered 503")
	flags.IntVar(&o.oldest, "oldest-protocol", api.OldestProtocol, "oldest `version` of the protocol that clients may speak; older ones are told to load the app anew")
	flags.Int64Var(&o.megabytes, "max-memory", rest.DefaultBytes>>20, "`megabytes` of request bodies and pages in memory; more are answered 503")
	return flags
}

// parseServe parses the environment and the flags, and validates them.
func parseServe(args []string, stderr io.Writer) (serveOptions, error) {
	var o serveOptions
	flags := serveFlags(&o)
	flags.SetOutput(stderr)
	if err := fromEnvironment(flags); err != nil {
		return o, usageError(stderr, err.Error())
	}
	if err := parse(flags, args, stderr); err != nil {
		return o, err
	}
	if err := o.check(); err != nil {
		return o, usageError(stderr, err.Error())
	}
	return o, nil
}

// fromEnvironment sets each flag whose variable is set: ROLLCALL_TLS_CERT is -tls-cert.
func fromEnvironment(flags *flag.FlagSet) error {
	var errs []error
	flags.VisitAll(func(f *flag.Flag) {
		name := "ROLLCALL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v := os.Getenv(name); v != "" {
			if err := flags.Set(f.Name, v); err != nil {
				errs = append(errs, fmt.Errorf("%s: invalid value %q: %w", name, v, err))
			}
		}
	})
	return errors.Join(errs...)
}

func (o *serveOptions) check() error {
	if (o.cert == "") != (o.key == "") {
		return errors.New("-tls-cert and -tls-key must be given together")
	}
	if _, err := o.logger(io.Discard); err != nil {
		return err
	}
	if o.profiles != "" {
		if err := checkLoopback(o.profiles); err != nil {
			return err
		}
	}
	proxies, err := rest.ParseProxies(o.proxies)
	if err != nil {
		return fmt.Errorf("-trusted-proxies: %w", err)
	}
	if o.behindProxy && len(proxies) == 0 {
		return errors.New("-behind-proxy needs -trusted-proxies, the networks that the proxy's requests come from, such as 10.0.0.2")
	}
	if _, err := o.policy(nil); err != nil {
		return err
	}
	if _, err := parseExempt(o.exempt); err != nil {
		return fmt.Errorf("-exempt: %w", err)
	}
	if o.share < 1 || o.share > 100 {
		return errors.New("-network-share must be from 1 to 100")
	}
	for name, n := range map[string]int{
		"max-connections": o.connections, "max-connections-per-address": o.perAddress, "max-streams": o.streams, "event-rate": o.eventRate,
		"max-reads": o.reads, "max-waiting": o.readWaiting, "max-memory": int(o.megabytes),
	} {
		if n < 1 {
			return fmt.Errorf("-%s must be at least 1", name)
		}
	}
	if (o.openID.issuer == "") != (o.openID.client == "") {
		return errors.New("-oidc-issuer and -oidc-client-id must be given together")
	}
	if u, err := url.Parse(o.openID.issuer); o.openID.issuer != "" && (err != nil || u.Scheme != "https" && !isLoopback(net.JoinHostPort(u.Hostname(), "0"))) {
		return errors.New("-oidc-issuer must begin with https://: on the way, anybody could answer in its place")
	}
	if o.authHeader != "" && len(proxies) == 0 {
		return errors.New("-auth-header needs -trusted-proxies: from anybody else, the header would let in whoever sends it")
	}
	if !httpguts.ValidHeaderFieldName(o.authHeader) && o.authHeader != "" {
		return errors.New("-auth-header must be the name of a header, such as X-Forwarded-User")
	}
	if o.keepHistory < 0 || o.keepHistory > 3650 || o.bulkLimit < 0 || o.bulkLimit > 1e6 {
		return errors.New("-keep-history must be from 0 to 3650, and -bulk-limit from 0 to 1000000")
	}
	if o.oldest < api.OldestProtocol || o.oldest > api.Protocol {
		return fmt.Errorf("-oldest-protocol must be from %d to %d", api.OldestProtocol, api.Protocol)
	}
	for name, rate := range map[string]float64{"address-rate": o.addressRate, "client-rate": o.clientRate} {
		if !(rate >= 0 && rate <= 1e6) {
			return fmt.Errorf("-%s must be from 0 to 1000000", name)
		}
	}
	return nil
}

// checkLoopback refuses to serve profiles, which reveal the program's internals, to other
// machines.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("-pprof: %w", err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("-pprof must be a loopback address, such as 127.0.0.1:6060, not %s", addr)
	}
	return nil
}

// policy returns which requests the server takes, with the names of a certificate; nil for
// none.
func (o *serveOptions) policy(certificate func() *x509.Certificate) (*origin.Policy, error) {
	hosts, err := origin.ParseHosts(o.hosts)
	if err != nil {
		return nil, fmt.Errorf("-hosts: %w", err)
	}
	hosts.Own, hosts.Certificate = origin.OwnAddress, certificate
	policy, err := origin.NewPolicy(hosts, o.origins)
	if err != nil {
		return nil, fmt.Errorf("-origins: %w", err)
	}
	return policy, nil
}

func (o *serveOptions) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.level)); err != nil {
		return nil, fmt.Errorf("-log-level must be debug, info, warn or error, not %q", o.level)
	}
	options := &slog.HandlerOptions{Level: level}
	switch o.format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("-log-format must be text or json, not %q", o.format)
}

// limits returns the limits of the HTTP interface.
func (o *serveOptions) limits() (rest.Limits, error) {
	proxies, err := rest.ParseProxies(o.proxies)
	if err != nil {
		return rest.Limits{}, err
	}
	exempt, err := parseExempt(o.exempt)
	if err != nil {
		return rest.Limits{}, err
	}
	return rest.Limits{
		Exempt: exempt, Share: o.share,
		Address: rateOf(o.addressRate), Client: rateOf(o.clientRate), Proxies: proxies,
		Reads: o.reads, Waiting: o.readWaiting, Bytes: o.megabytes << 20, Streams: o.streams,
	}, nil
}

// fitFiles takes fewer connections than were asked for, and reports that, if the process may
// not open so many files: without one left, nobody is accepted and nothing is written.
func (o *serveOptions) fitFiles(most uint64) bool {
	if uint64(o.connections) <= most/4*3 {
		return false
	}
	o.connections = max(1, int(most/4*3))
	o.perAddress = min(o.perAddress, max(1, o.connections/4))
	return true
}

// thisMachine are the networks that are exempt by default, as the flag writes them.
func thisMachine() string {
	var all []string
	for _, n := range rest.ThisMachine() {
		all = append(all, n.String())
	}
	return strings.Join(all, ",")
}

func parseExempt(text string) ([]netip.Prefix, error) {
	if text == "none" {
		text = ""
	}
	networks, err := rest.ParseProxies(text)
	return append([]netip.Prefix{}, networks...), err // not nil: that would be the default
}

// burst is how many seconds' worth of requests may come at once: a client that was offline
// sends everything as fast as it can.
const burst = 5

func rateOf(perSecond float64) limit.Rate {
	return limit.Rate{PerSecond: perSecond, Burst: int(math.Ceil(perSecond * burst))}
}

// provider is where people sign in, nil for none.
func (o *serveOptions) provider() *signin.Provider {
	if o.openID.issuer == "" {
		return nil
	}
	return &signin.Provider{Issuer: o.openID.issuer, Client: o.openID.client, Secret: o.openID.secret, Name: o.openID.name}
}
