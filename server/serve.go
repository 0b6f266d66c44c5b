package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/static"
	"github.com/rollcall/rollcall/server/store/sqlite"
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

// How long the server remembers what clients may ask again.
const (
	keepRecords    = 90 * 24 * time.Hour
	keepTombstones = 90 * 24 * time.Hour
	housekeeping   = 24 * time.Hour
)

func serve(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	addr := flags.String("addr", env("ROLLCALL_ADDR", "127.0.0.1:8080"), "`address` to listen on; port 0 takes a free one")
	db := flags.String("db", env("ROLLCALL_DB", "rollcall.db"), "SQLite `file`; it is made if there is none")
	if err := parse(flags, args, stderr); err != nil {
		return flagResult(err)
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", *addr, err)
	}
	hub := feed.NewHub()
	store, err := sqlite.Open(ctx, *db, sqlite.Options{Committed: hub.Tell, Log: log})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	files, err := webFiles(log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	keeping, stopKeeping := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		keep(keeping, store, log)
	}()
	defer func() { stopKeeping(); <-kept }() // before the store is closed

	handler := rest.New(rest.Config{Store: store, Hub: hub, Static: files, Log: log})
	if err := say(stdout, "listening on http://"+listener.Addr().String()+"\n"); err != nil {
		return errors.Join(err, listener.Close())
	}
	return listen(ctx, listener, handler, hub, log)
}

// listen serves until ctx ends, then ends the streams, answers every request it
// has accepted, and returns.
func listen(ctx context.Context, l net.Listener, h http.Handler, hub *feed.Hub, log *slog.Logger) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(hub.Close)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
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

// keep forgets what is too old to be asked again, at the start and each day.
func keep(ctx context.Context, store *sqlite.Store, log *slog.Logger) {
	daily := time.NewTicker(housekeeping)
	defer daily.Stop()
	for {
		now := time.Now()
		records, err1 := store.Prune(ctx, now.Add(-keepRecords))
		tombstones, err2 := store.Collect(ctx, now.Add(-keepTombstones))
		if err := errors.Join(err1, err2); err != nil && ctx.Err() == nil {
			log.Error("housekeeping failed", "error", err)
		} else if records+tombstones > 0 {
			log.Info("housekeeping", "records", records, "tombstones", tombstones)
		}
		select {
		case <-ctx.Done():
			return
		case <-daily.C:
		}
	}
}
