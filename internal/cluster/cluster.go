// Package cluster runs a private PostgreSQL for tests and benchmarks. It uses the machine's
// programs and a temporary directory, whose socket is the only way to connect.
package cluster

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
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options configure a cluster. The defaults are PostgreSQL's, except that it only listens on a
// socket.
type Options struct {
	// NoSync skips every fsync. It is for tests, not for benchmarks.
	NoSync bool
	// Settings are settings of postgresql.conf.
	Settings map[string]string
}

// Cluster is a running PostgreSQL.
type Cluster struct {
	dir    string
	server *exec.Cmd
	log    *bytes.Buffer
	ended  chan struct{}
	last   atomic.Int64 // number of the newest database
}

// Start starts a cluster and waits until it accepts connections. It stops with End or with this
// program.
func Start(o Options) (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	owner, err := owner()
	if err != nil {
		return nil, err
	}
	// The path of a socket is limited to some hundred bytes.
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
	c.server = exec.Command(filepath.Join(bin, "postgres"), o.arguments(data, dir)...)
	c.server.SysProcAttr, c.server.Dir = &syscall.SysProcAttr{Credential: owner, Pdeathsig: syscall.SIGQUIT}, dir
	c.server.Stderr = c.log
	if err := c.server.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() {
		_ = c.server.Wait() // End reports whether it stopped
		close(c.ended)
	}()
	conn, err := c.Connect(c.Address("postgres"))
	if err == nil {
		err = conn.Close(context.Background())
	}
	if err != nil {
		return nil, errors.Join(err, c.End())
	}
	return c, nil
}

func (o Options) arguments(data, dir string) []string {
	args := []string{"-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "log_min_messages=warning"}
	if o.NoSync {
		args = append(args, "-c", "fsync=off")
	}
	for name, value := range o.Settings {
		args = append(args, "-c", name+"="+value)
	}
	return args
}

// Database creates an empty database and returns its address.
func (c *Cluster) Database() (address string, err error) {
	name := fmt.Sprintf("rollcall%d", c.last.Add(1))
	conn, err := c.Connect(c.Address("postgres"))
	if err != nil {
		return "", err
	}
	_, err = conn.Exec(context.Background(), `CREATE DATABASE `+name)
	return c.Address(name), errors.Join(err, conn.Close(context.Background()))
}

// Connect connects to a database of the cluster. It waits while the cluster starts or recovers.
func (c *Cluster) Connect(address string) (*pgx.Conn, error) {
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
			return nil, fmt.Errorf("PostgreSQL stopped:\n%s", c.log)
		case <-ctx.Done():
			return nil, fmt.Errorf("PostgreSQL is not ready: %w", err)
		case <-tick.C:
		}
	}
}

// Address returns the address of a database of the cluster.
func (c *Cluster) Address(name string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + name, RawQuery: url.Values{"host": {c.dir}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

// Pid is the id of the process that is the parent of all others of the cluster.
func (c *Cluster) Pid() int { return c.server.Process.Pid }

// End stops the cluster and removes its directory.
func (c *Cluster) End() error {
	if err := c.server.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("PostgreSQL does not stop"), c.server.Process.Kill())
	}
	return os.RemoveAll(c.dir)
}

const role = "rollcall"

// Program returns the path of one of PostgreSQL's programs, such as pg_dump.
func Program(name string) (string, error) {
	bin, err := programs()
	return filepath.Join(bin, name), err
}

// programs returns the directory of initdb and postgres, in the newest version.
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
		return "", errors.New("initdb not found; install PostgreSQL, on Debian the package postgresql")
	}
	return filepath.Dir(path), nil
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 for a name that is not a number
	return n
}

// owner is the user that the cluster runs as, since PostgreSQL refuses to run as root.
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
	return nil, errors.New("PostgreSQL can't run as root, and there is no user postgres or nobody")
}
