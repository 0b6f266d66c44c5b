package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/bench/subject"
	"github.com/rollcall/rollcall/internal/cluster"
)

// Names of the contenders in the report.
const (
	onSQLite     = "Rollcall, SQLite"
	withAccounts = "Rollcall, SQLite, accounts"
	onPostgreSQL = "Rollcall, PostgreSQL"
	aPocketBase  = "PocketBase"
	skipsTotal   = "PocketBase, skipTotal=1"
	aPouchDB     = "express-pouchdb"
)

// contender is a running server and its dialect.
type contender struct {
	name    string
	addr    string
	dialect dialect
	headers string                        // lines of each request
	cpu     func() (time.Duration, error) // used so far by the server and its database
	shares  bool                          // the server is another contender's, too
}

// programs are the programs to start.
type programs struct {
	rollcall   string // the built binary
	pocketbase string // the built program of bench/rivals/pocketbase
	pouchdb    string // the directory of server.js, with its node_modules
	mode       string // of express-pouchdb
}

// field is the set of running servers, each with its own data.
type field struct {
	contenders []*contender
	ends       []func() error
}

// start starts all servers, empty. The one on SQLite serves profiles at pprof, unless "".
func start(ctx context.Context, p programs, dir, pprof string) (f *field, err error) {
	f = &field{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.end())
		}
	}()
	sqlite, err := f.rollcall(ctx, p, filepath.Join(dir, "rollcall"), "", "-pprof", pprof)
	if err != nil {
		return f, err
	}
	f.add(onSQLite, sqlite.Addr, rollcall{}, cpuOf(sqlite.Usage))
	if err := f.closed(ctx, p, filepath.Join(dir, "accounts")); err != nil {
		return f, err
	}
	if err := f.postgres(ctx, p, filepath.Join(dir, "postgresql")); err != nil {
		return f, err
	}
	data := filepath.Join(dir, "pocketbase")
	pb, err := f.launch(data, exec.CommandContext(ctx, p.pocketbase, "serve", "--dir="+data))
	if err != nil {
		return f, err
	}
	f.add(aPocketBase, pb.Addr, pocketBase{}, cpuOf(pb.Usage))
	f.add(skipsTotal, pb.Addr, pocketBase{skipTotal: true}, cpuOf(pb.Usage))
	f.contenders[len(f.contenders)-1].shares = true
	err = f.pouchdb(ctx, p, filepath.Join(dir, "pouchdb"))
	return f, err
}

func (f *field) add(name, addr string, d dialect, cpu func() (time.Duration, error)) {
	f.contenders = append(f.contenders, &contender{name: name, addr: addr, dialect: d, cpu: cpu})
}

// launch creates a server's directory and starts it, with its log in a file there: all
// servers log each request, as they do by default.
func (f *field) launch(dir string, cmd *exec.Cmd) (*subject.Server, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "stderr.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the server has its own handle
	cmd.Stderr = log
	s, err := subject.Launch(cmd)
	if err != nil {
		output, _ := os.ReadFile(log.Name()) // may explain more
		return nil, fmt.Errorf("%w\n%s", err, output)
	}
	f.ends = append(f.ends, s.Stop)
	return s, nil
}

// rollcall starts this project's server on a database, or on a file in dir.
func (f *field) rollcall(ctx context.Context, p programs, dir, db string, flags ...string) (*subject.Server, error) {
	if db == "" {
		db = filepath.Join(dir, "rollcall.db")
	}
	args := append([]string{"serve", "-addr", "127.0.0.1:0", "-db", db, "-address-rate", "0", "-client-rate", "0"}, flags...)
	s, err := f.launch(dir, exec.CommandContext(ctx, p.rollcall, args...))
	if err != nil {
		return nil, err
	}
	// As in any directory that was opened twice, versions are then long.
	return s, subject.Command(ctx, p.rollcall, "account", "list", "-db", db)
}

// closed starts this project's server with accounts. Each request has a token.
func (f *field) closed(ctx context.Context, p programs, dir string) error {
	s, err := f.rollcall(ctx, p, dir, "")
	if err != nil {
		return err
	}
	token, err := subject.Token(ctx, p.rollcall, filepath.Join(dir, "rollcall.db"))
	if err != nil {
		return err
	}
	stranger, err := dial(s.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = stranger.close() }()
	for a := (answer{}); a.status != http.StatusUnauthorized; time.Sleep(50 * time.Millisecond) {
		if a, err = stranger.do(&request{method: http.MethodGet, path: []byte(api.PathUsers)}); err != nil {
			return err
		}
	}
	f.add(withAccounts, s.Addr, rollcall{}, cpuOf(s.Usage))
	f.contenders[len(f.contenders)-1].headers = "Authorization: Bearer " + token + "\r\n"
	return nil
}

// dial connects to a contender.
func (c *contender) dial() (*wire, error) {
	w, err := dial(c.addr)
	if err == nil {
		w.extra = c.headers
	}
	return w, err
}

// postgres starts a PostgreSQL with its default settings and a server on it.
func (f *field) postgres(ctx context.Context, p programs, dir string) error {
	c, err := cluster.Start(cluster.Options{})
	if err != nil {
		return fmt.Errorf("start a PostgreSQL: %w", err)
	}
	f.ends = append(f.ends, c.End)
	db, err := c.Database()
	if err != nil {
		return err
	}
	s, err := f.rollcall(ctx, p, dir, db)
	if err != nil {
		return err
	}
	ofCluster := func() (subject.Usage, error) { return subject.ClusterUsage(c) }
	f.add(onPostgreSQL, s.Addr, rollcall{}, cpuOf(s.Usage, ofCluster))
	return nil
}

func (f *field) pouchdb(ctx context.Context, p programs, dir string) error {
	cmd := exec.CommandContext(ctx, "node", filepath.Join(p.pouchdb, "server.js"), dir, p.mode)
	cmd.Env = append(os.Environ(), "NODE_ENV=production")
	s, err := f.launch(dir, cmd)
	if err != nil {
		return err
	}
	f.add(aPouchDB, s.Addr, pouchDB{}, cpuOf(s.Usage))
	conn, err := dial(s.Addr)
	if err != nil {
		return err
	}
	return errors.Join(pouchDB{}.prepare(conn), conn.close())
}

// end stops all servers in reverse order.
func (f *field) end() error {
	var errs []error
	for _, end := range slices.Backward(f.ends) {
		errs = append(errs, end())
	}
	f.ends = nil
	return errors.Join(errs...)
}

// cpuOf sums up CPU times.
func cpuOf(usages ...func() (subject.Usage, error)) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		var sum time.Duration
		for _, usage := range usages {
			u, err := usage()
			if err != nil {
				return 0, err
			}
			sum += u.CPU
		}
		return sum, nil
	}
}
