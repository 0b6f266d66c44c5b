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
	"net/http/pprof"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/static"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/web"
)

// Limits of time and size of a connection. A stream has its own: see rest.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 15 * time.Second
	maxHeader     = 32 << 10
)

// http2 bounds what one connection can ask for at once, and finds clients that
// went without a word.
var http2 = http.HTTP2Config{
	MaxConcurrentStreams: 100,
	SendPingTimeout:      30 * time.Second,
	PingTimeout:          15 * time.Second,
	WriteByteTimeout:     30 * time.Second,
}

func serve(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parseServe(args, stderr)
	if err != nil {
		return flagResult(err)
	}
	log, err := o.logger(stderr)
	if err != nil {
		return err
	}
	listener, err := listenOn(ctx, &o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closed(listener.Close())) }()
	hub, metrics := feed.NewHubWithRate(o.eventRate), rest.NewMetrics()
	store, err := openDatabase(ctx, o.db, hooks{hub.Tell, metrics.Committed, log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	measure(metrics, store, listener)

	background, stop := context.WithCancel(ctx)
	var works sync.WaitGroup
	defer func() { stop(); works.Wait() }() // before the store is closed
	works.Go(func() { keep(background, store, log) })
	if !postgres.IsAddress(o.db) {
		works.Go(func() { watch(background, store.Head, hub.Tell) })
	}

	files, err := webFiles(log)
	if err != nil {
		return err
	}
	limits, err := o.limits()
	if err != nil {
		return err
	}
	server := newServer(rest.New(rest.Config{
		Store: store, Hub: hub, Static: files, Log: log, Limits: limits, Metrics: metrics,
	}), log)
	server.RegisterOnShutdown(hub.Close)
	if o.cert != "" {
		pair, err := newCertificate(o.cert, o.key)
		if err != nil {
			return err
		}
		server.TLSConfig = pair.config()
		hangup := make(chan os.Signal, 1)
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
		works.Go(func() { pair.watch(background, hangup, log) })
	}
	if o.profiles != "" {
		if err := serveProfiles(background, &works, o.profiles, log); err != nil {
			return err
		}
	}
	if err := say(stdout, "listening on "+scheme(server)+"://"+listener.Addr().String()+"\n"); err != nil {
		return err
	}
	return listen(ctx, listener, server, log)
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
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

func scheme(s *http.Server) string {
	if s.TLSConfig != nil {
		return "https"
	}
	return "http"
}

// measure adds what only the parts themselves know to the metrics.
func measure(m *rest.Metrics, store database, l *bounded) {
	m.Gauge(rest.QueueGauge, rest.QueueHelp, func() float64 { return float64(store.Waiting()) }, "queue", "writes")
	m.Gauge("rollcall_connections", "Open connections.", func() float64 { return float64(l.all.Load()) })
	m.Gauge("rollcall_connections_refused", "Connections closed because their address had too many, since the start.",
		func() float64 { return float64(l.refused.Load()) })
	m.Gauge("rollcall_build_info", "Always 1; the label is the build.", func() float64 { return 1 }, "version", version())
}

// listen serves until ctx ends, then ends the streams, answers every request it
// has accepted, and returns.
func listen(ctx context.Context, l net.Listener, server *http.Server, log *slog.Logger) error {
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
	log.Info("stopping: answering what was accepted")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("stop after %v: %w", drainTimeout, err), server.Close())
	}
	return nil
}

// closed leaves out that a listener was closed before, as a server does at its end.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// serveProfiles serves Go's profiles on an address of their own until ctx ends.
func serveProfiles(ctx context.Context, works *sync.WaitGroup, addr string, log *slog.Logger) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for profiles on %s: %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	log.Info("profiles", "url", "http://"+l.Addr().String()+"/debug/pprof/")
	works.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("profiles ended", "error", err)
		}
	})
	works.Go(func() {
		<-ctx.Done()
		_ = server.Close() // a profile that is being taken is of no use any more
	})
	return nil
}

func webFiles(log *slog.Logger) (http.Handler, error) {
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
	log.Info("web files", "version", files.Version())
	return files, nil
}
