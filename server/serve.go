package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/listen"
	"github.com/rollcall/rollcall/server/origin"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/signin"
	"github.com/rollcall/rollcall/server/static"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/web"
)

// Timeouts and limits of a connection. Event streams have their own: see rest.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 15 * time.Second
	maxHeader     = 32 << 10
)

// http2 bounds the concurrent requests of one connection, and finds dead clients.
var http2 = http.HTTP2Config{
	MaxConcurrentStreams: 100,
	SendPingTimeout:      30 * time.Second,
	PingTimeout:          15 * time.Second,
	WriteByteTimeout:     30 * time.Second,
}

func runServe(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parseServe(args, stderr)
	if err != nil {
		return flagResult(err)
	}
	log, err := o.logger(stderr)
	if err != nil {
		return err
	}
	limits, err := o.limits()
	if err != nil {
		return err
	}
	listener, err := o.listen(ctx, limits, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreClosed(listener.Close())) }()
	if err := o.mayOpen(ctx); err != nil {
		return err
	}
	hub, metrics := feed.NewHubWithRate(o.eventRate), rest.NewMetrics()
	db, err := openDatabase(ctx, o.db, hooks{hub.Notify, metrics.Committed, log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// What waits has to wait for its turn, where networks have shares, and not for a connection.
	limits.Reads = min(limits.Reads, db.Readers())
	addGauges(metrics, db, listener)

	gate, err := signin.Open(ctx, db, signin.Options{Log: log})
	if err == nil {
		err = o.admitPeople(ctx, gate, entrance{log, stdout, listener.Addr()})
	}
	if err != nil {
		return err
	}

	background, stop := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	defer func() { stop(); tasks.Wait() }() // before the database is closed
	tasks.Go(func() { store.KeepTidy(background, db, time.Duration(o.keepHistory)*24*time.Hour, log) })
	tasks.Go(func() { gate.Watch(background) })
	if !postgres.IsAddress(o.db) { // PostgreSQL reports the changes of other processes itself
		tasks.Go(func() { feed.Poll(background, db.Head, hub.Notify) })
	}
	server, policy, err := o.assemble(background, &tasks, rest.Config{
		Store: db, Hub: hub, Log: log, Limits: limits, Metrics: metrics, Steady: true, Oldest: o.oldest, Gate: gate, BehindProxy: o.behindProxy, AuthHeader: o.authHeader, Provider: o.provider(),
		KeepHistory: o.keepHistory > 0, BulkLimit: o.bulkLimit,
	})
	if err != nil {
		return err
	}
	for addr, mux := range operatorMuxes(o, metrics) {
		if err := serveOperator(background, &tasks, addr, guarded(policy, mux), log); err != nil {
			return err
		}
	}
	if err := printf(stdout, "listening on %s://%s\n", scheme(server), listener.Addr()); err != nil {
		return err
	}
	return serve(ctx, listener, server, log)
}

// assemble makes the HTTP server with its certificate, which is watched until ctx ends, its names
// and the web files.
func (o *serveOptions) assemble(ctx context.Context, tasks *sync.WaitGroup, c rest.Config) (*http.Server, *origin.Policy, error) {
	pair, err := loadCertificate(ctx, tasks, *o, c.Log)
	if err != nil {
		return nil, nil, err
	}
	if c.Policy, err = o.policy(pair.Leaf); err != nil {
		return nil, nil, err
	}
	if c.Static, err = o.webFiles(tasks, c.Log); err != nil {
		return nil, nil, err
	}
	server := newServer(rest.New(c), c.Log)
	server.RegisterOnShutdown(c.Hub.Close)
	if pair != nil {
		server.TLSConfig = pair.Config()
	}
	return server, c.Policy, nil
}

// listen accepts connections, as many as the process may have.
func (o *serveOptions) listen(ctx context.Context, limits rest.Limits, log *slog.Logger) (*listen.Listener, error) {
	if o.fitFiles(listen.MaxFiles()) {
		log.Warn("this process may not open enough files for -max-connections; it takes fewer", "connections", o.connections, "per-address", o.perAddress)
	}
	return listen.TCP(ctx, o.addr, listen.Limits{Total: o.connections, PerNetwork: o.perAddress, Exempt: limits.ManyClients,
		Rate: limit.Rate{PerSecond: 2 * limits.Address.PerSecond, Burst: 2 * limits.Address.Burst}}) // one for each request
}

// loadCertificate loads the certificate, nil for none, and reloads it on SIGHUP and when its
// files change, until ctx ends.
func loadCertificate(ctx context.Context, tasks *sync.WaitGroup, o serveOptions, log *slog.Logger) (*listen.Certificate, error) {
	if o.cert == "" {
		return nil, nil
	}
	pair, err := listen.LoadCertificate(o.cert, o.key)
	if err != nil {
		return nil, err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	tasks.Go(func() {
		defer signal.Stop(hangup)
		pair.Watch(ctx, hangup, log)
	})
	return pair, nil
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http2,
		// "OPTIONS *" is a request like any other: it has a rate and a line in the log.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

func scheme(s *http.Server) string {
	if s.TLSConfig != nil {
		return "https"
	}
	return "http"
}

// addGauges adds the metrics of the database and the listener.
func addGauges(m *rest.Metrics, db database, l *listen.Listener) {
	m.Gauge(rest.QueueGauge, rest.QueueHelp, func() float64 { return float64(db.Waiting()) }, "queue", "writes")
	m.Gauge("rollcall_connections", "Open connections.", func() float64 { return float64(l.Open()) })
	m.Gauge("rollcall_connections_refused", "Connections closed because their network had too many, since the start.",
		func() float64 { return float64(l.Refused()) })
	m.Gauge("rollcall_build_info", "Always 1; the label is the build.", func() float64 { return 1 }, "version", version())
}

// serve serves until ctx ends. Then it closes the event streams, finishes the open requests
// and returns.
func serve(ctx context.Context, l net.Listener, server *http.Server, log *slog.Logger) error {
	failed := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			failed <- server.ServeTLS(l, "", "")
			return
		}
		failed <- server.Serve(l)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("shutting down; finishing open requests")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("stop after %v: %w", drainTimeout, err), server.Close())
	}
	return nil
}

// ignoreClosed drops the error of closing a listener that the server has closed already.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// webFiles are the app. What makes its updates small is prepared meanwhile.
func (o *serveOptions) webFiles(tasks *sync.WaitGroup, log *slog.Logger) (http.Handler, error) {
	dist, err := fs.Sub(web.Dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the web files: %w", err)
	}
	files, err := static.New(dist)
	if errors.Is(err, static.ErrNotBuilt) {
		log.Warn(err.Error())
		return static.NotBuilt(), nil
	}
	if err != nil {
		return nil, err
	}
	log.Info("serving web files", "version", files.Version())
	tasks.Go(func() { keepVersion(o.versionsDir(), files, log) })
	return files, nil
}
