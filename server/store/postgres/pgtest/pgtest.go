// Package pgtest gives a test binary a private PostgreSQL, and each test an empty database.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/internal/cluster"
)

var (
	mu  sync.Mutex
	one *cluster.Cluster
	bad error
)

// Main runs a package's tests and then stops the cluster, if one was started.
func Main(m *testing.M) int {
	code := m.Run()
	mu.Lock()
	defer mu.Unlock()
	if one != nil {
		if err := one.End(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the PostgreSQL of the tests:", err)
			return max(code, 1)
		}
	}
	return code
}

// Start returns the test binary's cluster, and starts it if needed. The package's TestMain must
// call Main.
func Start(t testing.TB) *cluster.Cluster {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	if one == nil && bad == nil {
		one, bad = cluster.Start(cluster.Options{NoSync: true, Settings: map[string]string{
			"max_connections": "200", "shared_buffers": "32MB", "autovacuum_naptime": "5s",
		}})
	}
	if bad != nil {
		t.Fatalf("start a PostgreSQL for the test: %v", bad)
	}
	return one
}

// Database creates an empty database and returns its address.
func Database(t testing.TB) string {
	t.Helper()
	address, err := Start(t).Database()
	if err != nil {
		t.Fatalf("create a database for the test: %v", err)
	}
	return address
}

// Connect connects to a database. It waits while PostgreSQL recovers from a test's kill.
func Connect(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	conn, err := Start(t).Connect(address)
	if err != nil {
		t.Fatalf("connect to the test's PostgreSQL: %v", err)
	}
	return conn
}

// recoveryTimeout bounds PostgreSQL's recovery after a kill.
const recoveryTimeout = time.Minute

// Query calls query with a connection. PostgreSQL closes all connections when one of its
// processes is killed, perhaps only now; then Query retries.
func Query(t testing.TB, address string, query func(context.Context, *pgx.Conn) error) {
	t.Helper()
	for deadline := time.Now().Add(recoveryTimeout); ; {
		conn := Connect(t, address)
		err := query(context.Background(), conn)
		lost := conn.IsClosed()
		if err == nil {
			err = conn.Close(context.Background())
		}
		if err == nil {
			return
		}
		if !lost || time.Now().After(deadline) {
			t.Fatal(errors.Join(err, conn.Close(context.Background())))
		}
	}
}

// Backends returns the process ids of a database's connections.
func Backends(t testing.TB, address string) (pids []int) {
	t.Helper()
	Query(t, address, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()`)
		if err != nil {
			return err
		}
		pids, err = pgx.CollectRows(rows, pgx.RowTo[int])
		return err
	})
	return pids
}

// Program returns the path of one of PostgreSQL's programs, such as pg_dump.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := cluster.Program(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
