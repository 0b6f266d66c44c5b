// Package pgtest gives tests a PostgreSQL of their own: a cluster from the programs of
// the machine, in a directory that goes with the test binary, reached by a socket in it
// and by nobody else. Each test takes a fresh database of it.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a running PostgreSQL.
type Cluster struct {
	dir    string
	server *exec.Cmd
	log    *bytes.Buffer
	ended  chan struct{}
	last   atomic.Int64 // number of the latest database
}

var (
	mu  sync.Mutex
	one *Cluster
	bad error
)

// Main runs a package's tests and then ends the cluster they used, if any did.
func Main(m *testing.M) int {
	code := m.Run()
	mu.Lock()
	defer mu.Unlock()
	if one != nil {
		if err := one.end(); err != nil {
			fmt.Fprintln(os.Stderr, "end the PostgreSQL of the tests:", err)
			return max(code, 1)
		}
	}
	return code
}

// Start returns the test binary's cluster, which the first call starts. Its package
// must end with Main.
func Start(t testing.TB) *Cluster {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	if one == nil && bad == nil {
		one, bad = start()
	}
	if bad != nil {
		t.Fatalf("start a PostgreSQL for the test: %v", bad)
	}
	return one
}

// Database makes a fresh database and returns its address.
func Database(t testing.TB) string {
	t.Helper()
	c := Start(t)
	name := fmt.Sprintf("test%d", c.last.Add(1))
	conn := Connect(t, c.address("postgres"))
	_, err := conn.Exec(context.Background(), `CREATE DATABASE `+name)
	if err := errors.Join(err, conn.Close(context.Background())); err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	return c.address(name)
}

// Connect connects to a database, if need be once PostgreSQL has recovered from what
// a test did to it.
func Connect(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	conn, err := Start(t).connect(address)
	if err != nil {
		t.Fatalf("connect to the test's PostgreSQL: %v", err)
	}
	return conn
}

// connect waits until the cluster takes connections.
func (c *Cluster) connect(address string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, address)
		if err == nil {
			return conn, nil
		}
		select {
		case <-c.ended:
			return nil, fmt.Errorf("it ended:\n%s", c.log)
		case <-ctx.Done():
			return nil, fmt.Errorf("it did not get ready: %w", err)
		case <-tick.C:
		}
	}
}

func (c *Cluster) address(name string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + name, RawQuery: url.Values{"host": {c.dir}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

const role = "rollcall"

// programs are where Debian and others put initdb and postgres, the newest last.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("there is no initdb; install PostgreSQL, in Debian the package postgresql")
	}
	return filepath.Dir(path), nil
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 for a name that is no number
	return n
}

func start() (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	owner, err := owner()
	if err != nil {
		return nil, err
	}
	// Sockets have names of at most some hundred bytes.
	dir, err := os.MkdirTemp("/tmp", "pg")
	if err != nil {
		return nil, err
	}
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return nil, err
		}
	}
	c := &Cluster{dir: dir, log: &bytes.Buffer{}, ended: make(chan struct{})}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", role, "--auth=trust", "--no-sync", "-E", "UTF8",
		"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en")
	initdb.SysProcAttr, initdb.Dir = &syscall.SysProcAttr{Credential: owner}, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w\n%s", initdb, err, out), os.RemoveAll(dir))
	}
	c.server = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "max_connections=200", "-c", "shared_buffers=32MB", "-c", "autovacuum_naptime=5s", "-c", "log_min_messages=warning")
	c.server.SysProcAttr, c.server.Dir = &syscall.SysProcAttr{Credential: owner, Pdeathsig: syscall.SIGQUIT}, dir
	c.server.Stderr = c.log
	if err := c.server.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() {
		_ = c.server.Wait() // end says whether it ended
		close(c.ended)
	}()
	conn, err := c.connect(c.address("postgres"))
	if err == nil {
		err = conn.Close(context.Background())
	}
	if err != nil {
		return nil, errors.Join(err, c.end())
	}
	return c, nil
}

// owner is whom the cluster runs as: PostgreSQL refuses to be root.
func owner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("there is neither a user postgres nor nobody to run it as")
}

// Backends returns the process ids of a database's connections.
func Backends(t testing.TB, address string) []int {
	t.Helper()
	conn := Connect(t, address)
	rows, err := conn.Query(context.Background(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()`)
	if err != nil {
		t.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err := errors.Join(err, conn.Close(context.Background())); err != nil {
		t.Fatal(err)
	}
	return pids
}

func (c *Cluster) end() error {
	if err := c.server.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("it does not end"), c.server.Process.Kill())
	}
	return os.RemoveAll(c.dir)
}

// Program is the path of one of PostgreSQL's programs, such as pg_dump.
func Program(t testing.TB, name string) string {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(bin, name)
}
