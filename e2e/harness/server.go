package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Server is the real binary with its own database file. It keeps its address across
// restarts.
type Server struct {
	t    testing.TB
	bin  string
	addr string
	DB   string // path of the SQLite file

	flags []string // further ones of serve

	cmd    *exec.Cmd
	exited chan struct{} // closed once the process has ended
	result error         // how it ended; valid once exited is closed
	log    logBuffer
}

// StartServer starts a server with further flags. Its log is printed when the test fails.
func StartServer(t testing.TB, bin string, flags ...string) *Server {
	t.Helper()
	s := newServer(t, bin, flags...)
	s.Start()
	return s
}

func newServer(t testing.TB, bin string, flags ...string) *Server {
	t.Helper()
	s := &Server{t: t, bin: bin, addr: freeAddr(t), DB: filepath.Join(t.TempDir(), "rollcall.db"), flags: flags}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.Kill()
		}
		if t.Failed() {
			t.Logf("server log, the end of it:\n%s", s.log.tail(4000))
		}
	})
	return s
}

// nextPort counts below the ports that systems give to connections, so that an address
// stays free while its server is down, and above those that browsers refuse.
var nextPort atomic.Int32

func init() { nextPort.Store(int32(11_000 + os.Getpid()%1_500*10)) } // apart from other test programs

func freeAddr(t testing.TB) string {
	t.Helper()
	for port := nextPort.Add(1); port < 32_000; port = nextPort.Add(1) {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// URL is the server's address without a path, past any proxy.
func (s *Server) URL() string { return "http://" + s.addr }

// Use makes the next Start run another binary.
func (s *Server) Use(bin string) { s.bin = bin }

// Start starts the server on its address and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	if s.cmd != nil {
		s.t.Fatal("the server is already running")
	}
	cmd := exec.Command(s.bin, append([]string{"serve", "-addr", s.addr, "-db", s.DB}, s.flags...)...)
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("starting the server (make build): %v", err)
	}
	s.cmd, s.exited = cmd, make(chan struct{})
	go func() {
		s.result = cmd.Wait()
		close(s.exited)
	}()
	Eventually(s.t, "the server is ready", func() error {
		select {
		case <-s.exited:
			s.t.Fatalf("the server ended: %v\n%s", s.result, s.log.tail(4000))
		default:
		}
		return s.ready()
	})
}

func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %s", res.Status)
	}
	return nil
}

// Stop terminates the server and waits for its end. The test fails if that is not a clean
// one.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatalf("stopping the server: %v", err)
	}
	select {
	case <-s.exited:
		s.cmd = nil
		if s.result != nil {
			s.t.Errorf("the server stopped with %v", s.result)
		}
	case <-time.After(Timeout):
		s.Kill()
		s.t.Errorf("the server did not stop within %v of SIGTERM", Timeout)
	}
}

// Kill kills the server.
func (s *Server) Kill() {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("killing the server: %v", err)
	}
	<-s.exited
	s.cmd = nil
}

// logBuffer keeps the output of a process.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.b.Bytes()
	return string(b[max(0, len(b)-n):])
}
