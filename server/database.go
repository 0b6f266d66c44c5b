package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/sqlite"
)

// database is a store as the commands use it.
type database interface {
	rest.Store
	keeper
	Find(ctx context.Context, ids, emailKeys []string) ([]store.Row, error)
	// Waiting is how many writes wait for their turn.
	Waiting() int
	Close() error
}

// hooks are what a store tells of; nil ones tell nobody.
type hooks struct {
	committed func()
	observe   func(store.Commit)
	log       *slog.Logger
}

// databaseFlag is the flag that says which database a command is about. What the
// environment says is no default of it: help shows those, and this may hold a password.
func databaseFlag(flags *flag.FlagSet) *string {
	db := "rollcall.db"
	flags.StringVar(&db, "db", db, "SQLite `file`, or postgres://... for PostgreSQL; also in ROLLCALL_DB")
	db = env("ROLLCALL_DB", db)
	return &db
}

// openDatabase opens the database that -db names, and makes it if there is none.
func openDatabase(ctx context.Context, db string, h hooks) (database, error) {
	if postgres.IsAddress(db) {
		return postgres.Open(ctx, db, postgres.Options{Committed: h.committed, Observe: h.observe, Log: h.log})
	}
	if err := checkPath(db); err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, db, sqlite.Options{Committed: h.committed, Observe: h.observe, Log: h.log})
}

// openPresent opens a database that must be there.
func openPresent(ctx context.Context, db string) (database, error) {
	if postgres.IsAddress(db) {
		return postgres.Open(ctx, db, postgres.Options{Present: true})
	}
	if err := checkPath(db); err != nil {
		return nil, err
	}
	if _, err := os.Stat(db); err != nil {
		return nil, fmt.Errorf("there is no database %s", db)
	}
	return openDatabase(ctx, db, hooks{})
}

// checkPath refuses what is meant as something else than the path of a file.
func checkPath(db string) error {
	if scheme, _, ok := strings.Cut(db, "://"); ok {
		return fmt.Errorf("-db %s://...: only the path of a SQLite file or a postgres:// address is possible", scheme)
	}
	return nil
}

// nameOf is a database as it may be printed.
func nameOf(db string) string {
	if postgres.IsAddress(db) {
		return postgres.Name(db)
	}
	return db
}

// How long the server remembers what clients may ask again. Records are pruned
// before tombstones are collected, so that no record outlives what it is about.
const (
	keepRecords    = 90 * 24 * time.Hour
	keepTombstones = 90 * 24 * time.Hour
	housekeeping   = 24 * time.Hour
)

// keeper is what housekeeping needs of a store.
type keeper interface {
	// Prune forgets the idempotency records from before a time, and says how many.
	Prune(ctx context.Context, before time.Time) (int64, error)
	// Collect removes the tombstones from before a time, and says how many.
	Collect(ctx context.Context, before time.Time) (int64, error)
}

// keep forgets what is too old to be asked again, at the start and each day.
func keep(ctx context.Context, k keeper, log *slog.Logger) {
	daily := time.NewTicker(housekeeping)
	defer daily.Stop()
	for {
		tidy(ctx, k, log, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-daily.C:
		}
	}
}

func tidy(ctx context.Context, k keeper, log *slog.Logger, now time.Time) {
	records, err := k.Prune(ctx, now.Add(-keepRecords))
	var tombstones int64
	if err == nil {
		tombstones, err = k.Collect(ctx, now.Add(-keepTombstones))
	}
	if err != nil && ctx.Err() == nil {
		log.Error("housekeeping failed", "error", err)
	} else if records+tombstones > 0 {
		log.Info("housekeeping", "records", records, "tombstones", tombstones)
	}
}

// lookout is how often the server looks for changes that nobody told it of:
// those that another process has made, such as `rollcall import`.
const lookout = 2 * time.Second

// watch tells of changes that the store didn't tell of, where that can be: a store on
// PostgreSQL hears of other processes by itself.
func watch(ctx context.Context, head func(context.Context) (string, error), tell func()) {
	ticks := time.NewTicker(lookout)
	defer ticks.Stop()
	var last string
	for {
		if now, err := head(ctx); err == nil && now != last {
			if last != "" {
				tell()
			}
			last = now
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}
