// Package subject runs the programs under measurement, the real binary and a PostgreSQL for
// it, and measures their use of the machine.
package subject

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/rollcall/rollcall/internal/cluster"
)

// Server is a running `rollcall serve`, or another server.
type Server struct {
	Addr string // host and port
	cmd  *exec.Cmd
}

// Serve starts a server on a free local port and waits until it listens.
func Serve(ctx context.Context, binary, db string, flags ...string) (*Server, error) {
	args := append([]string{"serve", "-addr", "127.0.0.1:0", "-db", db, "-log-level", "warn"}, flags...)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stderr = os.Stderr
	return Launch(cmd)
}

// Launch starts a program that serves HTTP, prints `listening on http://HOST:PORT` as its
// first line, and ends on SIGTERM. It waits for that line.
func Launch(cmd *exec.Cmd) (*Server, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server (make build): %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("%s printed %q", cmd.Path, line), err, cmd.Process.Kill(), cmd.Wait())
	}
	return &Server{Addr: addr, cmd: cmd}, nil
}

// Stop terminates the server gracefully and waits for its end.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("the server's end: %w", err)
	}
	return nil
}

// Usage returns what the server has used so far.
func (s *Server) Usage() (Usage, error) { return usageOf(s.cmd.Process.Pid) }

// StartPostgreSQL starts a PostgreSQL with durable commits and the memory of a small machine
// of its own.
func StartPostgreSQL() (*cluster.Cluster, error) {
	return cluster.Start(cluster.Options{Settings: map[string]string{
		"shared_buffers": "512MB", "max_wal_size": "2GB", "max_connections": "200",
	}})
}

// ClusterUsage returns what all processes of a PostgreSQL have used.
func ClusterUsage(c *cluster.Cluster) (Usage, error) { return treeUsage(c.Pid()) }

// Command runs another command of the binary. Its output is part of the error.
func Command(ctx context.Context, binary string, args ...string) error {
	_, err := output(ctx, binary, args...)
	return err
}

func output(ctx context.Context, binary string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("rollcall %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Token gives a database accounts, and returns the token of an editor.
func Token(ctx context.Context, binary, db string) (string, error) {
	if err := Command(ctx, binary, "account", "add", "-db", db, "-link", "-admin", "load"); err != nil {
		return "", err
	}
	out, err := output(ctx, binary, "account", "token", "-db", db, "-role", "editor", "load")
	return strings.TrimSpace(out), err
}
