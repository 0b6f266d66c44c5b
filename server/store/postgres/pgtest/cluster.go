// Package pgtest gives tests a PostgreSQL of their own, which goes with the test
// binary. Each test takes a fresh database of it.
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

// Main runs a package's tests and then ends the cluster they used, if any did.
func Main(m *testing.M) int {
	code := m.Run()
	mu.Lock()
	defer mu.Unlock()
	if one != nil {
		if err := one.End(); err != nil {
			fmt.Fprintln(os.Stderr, "end the PostgreSQL of the tests:", err)
			return max(code, 1)
		}
	}
	return code
}

// Start returns the test binary's cluster, which the first call starts. Its package
// must end with Main.
func Start(t testing.TB) *cluster.Cluster {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	if one == nil && bad == nil {
		one, bad = cluster.Start(cluster.Options{Hasty: true, Settings: map[string]string{
			"max_connections": "200", "shared_buffers": "32MB", "autovacuum_naptime": "5s",
		}})
	}
	if bad != nil {
		t.Fatalf("start a PostgreSQL for the test: %v", bad)
	}
	return one
}

// Database makes a fresh database and returns its address.
func Database(t testing.TB) string {
	t.Helper()
	address, err := Start(t).Database()
	if err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	return address
}

// Connect connects to a database, if need be once PostgreSQL has recovered from what
// a test did to it.
func Connect(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	conn, err := Start(t).Connect(address)
	if err != nil {
		t.Fatalf("connect to the test's PostgreSQL: %v", err)
	}
	return conn
}

// recovering is how long PostgreSQL may take to be there again after a kill.
const recovering = time.Minute

// Ask asks a database something. PostgreSQL ends all connections when one of its
// processes was killed, perhaps only now: then it is asked again.
func Ask(t testing.TB, address string, ask func(context.Context, *pgx.Conn) error) {
	t.Helper()
	for deadline := time.Now().Add(recovering); ; {
		conn := Connect(t, address)
		err := ask(context.Background(), conn)
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
	Ask(t, address, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()`)
		if err != nil {
			return err
		}
		pids, err = pgx.CollectRows(rows, pgx.RowTo[int])
		return err
	})
	return pids
}

// Program is the path of one of PostgreSQL's programs, such as pg_dump.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := cluster.Program(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
