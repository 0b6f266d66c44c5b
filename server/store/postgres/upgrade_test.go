package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
	"github.com/rollcall/rollcall/server/storetest"
)

// TestUpgradeBesideAWriter: an older server that begins to write while the schema is upgraded
// waits for the upgrade's end, and the upgrade does not wait for it.
func TestUpgradeBesideAWriter(t *testing.T) {
	address := pgtest.Database(t)
	watch, reader, writer := side(t, address), side(t, address), side(t, address)
	older(t, address)

	execute(t, reader, `BEGIN; SELECT 1 FROM users FOR UPDATE`) // keeps the upgrade in its middle
	opened := make(chan error, 1)
	go func() {
		s, err := postgres.Open(t.Context(), address, postgres.Options{})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	awaitWaiting(t, watch, 1)
	wrote := make(chan error, 1)
	go func() {
		// The upgrade is to be the one that finds a deadlock.
		_, err := writer.Exec(t.Context(), `SET deadlock_timeout = '10min'; BEGIN; SELECT 1 FROM feed FOR UPDATE; COMMIT`)
		wrote <- err
	}()
	awaitWaiting(t, watch, 2)
	execute(t, reader, `ROLLBACK`)
	if err := <-opened; err != nil {
		t.Errorf("the upgrade failed: %v", err)
	}
	if err := <-wrote; err != nil {
		t.Errorf("the older server's write failed: %v", err)
	}
}

// older makes a database of before the epochs, with a user whose row the upgrade changes.
func older(t *testing.T, address string) {
	t.Helper()
	s, err := postgres.Open(t.Context(), address, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Apply(t.Context(), []store.Write{create("Ann")})
	if e := s.Close(); err != nil || e != nil {
		t.Fatal(err, e)
	}
	execute(t, side(t, address), storetest.WithoutEpochs("bytea", "''")+`; ALTER TABLE feed DROP COLUMN run;
DELETE FROM goose_db_version WHERE version_id >= 3; UPDATE users SET sort = 'of an older rule'`)
}

// awaitWaiting waits until this many backends wait for a lock on a row or a table.
func awaitWaiting(t *testing.T, conn *pgx.Conn, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for got := 0; got != want; {
		err := conn.QueryRow(ctx, `SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND datname = current_database()`).Scan(&got)
		if err != nil {
			t.Fatalf("%d backends wait, want %d: %v", got, want, err)
		}
	}
}
