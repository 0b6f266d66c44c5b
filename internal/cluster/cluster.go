// Package cluster runs a PostgreSQL of one's own, for tests and measurements: from the
// programs of the machine, in a directory that goes with it, reached by a socket in
// that directory and by nobody else.
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

// Options are how a cluster is run; zero values are PostgreSQL's own defaults, but for
// listening on a socket alone.
type Options struct {
	// Hasty leaves out every wait for the disk: for tests. What it measures is no
	// database's speed.
	Hasty bool
	// Settings are of postgresql.conf.
	Settings map[string]string
}

// Cluster is a running PostgreSQL.
type Cluster struct {
	dir    string
	server *exec.Cmd
	log    *bytes.Buffer
	ended  chan struct{}
	last   atomic.Int64 // number of the latest database
}

// Start makes a cluster and waits until it takes connections. End ends it; it also
// goes with this program.
func Start(o Options) (*Cluster, error) {
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
	c.server = exec.Command(filepath.Join(bin, "postgres"), o.arguments(data, dir)...)
	c.server.SysProcAttr, c.server.Dir = &syscall.SysProcAttr{Credential: owner, Pdeathsig: syscall.SIGQUIT}, dir
	c.server.Stderr = c.log
	if err := c.server.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() {
		_ = c.server.Wait() // End says whether it ended
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
	if o.Hasty {
		args = append(args, "-c", "fsync=off")
	}
	for name, value := range o.Settings {
		args = append(args, "-c", name+"="+value)
	}
	return args
}

// Database makes a fresh database and returns its address.
func (c *Cluster) Database() (address string, err error) {
	name := fmt.Sprintf("rollcall%d", c.last.Add(1))
	conn, err := c.Connect(c.Address("postgres"))
	if err != nil {
		return "", err
	}
	_, err = conn.Exec(context.Background(), `CREATE DATABASE `+name)
	return c.Address(name), errors.Join(err, conn.Close(context.Background()))
}

// Connect connects to a database of the cluster. It waits until the cluster takes
// connections, as it does not while it recovers.
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
			return nil, fmt.Errorf("it ended:\n%s", c.log)
		case <-ctx.Done():
			return nil, fmt.Errorf("it did not get ready: %w", err)
		case <-tick.C:
		}
	}
}

// Address is that of one of the cluster's databases.
func (c *Cluster) Address(name string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + name, RawQuery: url.Values{"host": {c.dir}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

// Pid is the process of which all others of the cluster are children.
func (c *Cluster) Pid() int { return c.server.Process.Pid }

// End ends it and removes its directory.
func (c *Cluster) End() error {
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

const role = "rollcall"

// Program is the path of one of PostgreSQL's programs, such as pg_dump.
func Program(name string) (string, error) {
	bin, err := programs()
	return filepath.Join(bin, name), err
}

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
