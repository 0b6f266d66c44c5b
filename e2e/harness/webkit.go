package harness

import (
	"bytes"
	"context"
	_ "embed" // of webkit.py
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// WebKit is a running WebKitGTK, Safari's engine, in a window of a display that
// nobody sees. It is driven by W3C WebDriver and keeps its data as long as the test runs.
type WebKit struct {
	t       testing.TB
	session string // its URL

	mu      sync.Mutex // a command for a tab comes after one that chooses the tab
	current string     // that tab
	used    bool       // whether the session's first tab is
}

// webKitBrowser is a program that shows WebKitGTK's tabs to WebDriver.
//
//go:embed webkit.py
var webKitBrowser []byte

// OpenWebKit starts WebKitGTK with data of its own.
func OpenWebKit(t testing.TB) *WebKit {
	t.Helper()
	theTurns.take(t)
	home, port := t.TempDir(), freeAddr(t)
	browser := filepath.Join(home, "browser")
	if err := os.WriteFile(browser, webKitBrowser, 0o700); err != nil {
		t.Fatal(err)
	}
	startWith(t, home, "WebKitWebDriver", "--host=127.0.0.1", "--port="+port[strings.LastIndex(port, ":")+1:], "DISPLAY="+display(t))
	w := &WebKit{t: t}
	options := map[string]any{"binary": browser, "args": []string{}}
	body := map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"webkitgtk:browserOptions": options, "timeouts": map[string]any{"script": driverTimeout.Milliseconds()},
	}}}
	Eventually(t, "WebKit begins a session", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), Timeout)
		defer cancel()
		var made struct{ SessionID string }
		err := w.call(ctx, http.MethodPost, "http://"+port+"/session", body, &made)
		w.session = "http://" + port + "/session/" + made.SessionID
		return err
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Timeout)
		defer cancel()
		if err := w.call(ctx, http.MethodDelete, w.session, nil, nil); err != nil {
			t.Logf("closing WebKit: %v", err)
		}
	})
	return w
}

// display starts a display that nobody sees, and returns its name. The longest page fits it: what is beyond its end is in
// no picture.
func display(t testing.TB) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "1280x4096x24")
	cmd.ExtraFiles = []*os.File{w}
	start(t, cmd)
	_ = w.Close() // the process has its own
	var number int
	if _, err := fmt.Fscan(r, &number); err != nil {
		t.Fatalf("Xvfb names no display: %v", err)
	}
	return fmt.Sprintf(":%d", number)
}

// startWith starts a program that keeps its data below home; the last of args is of
// its environment.
func startWith(t testing.TB, home, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args[:len(args)-1]...)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home, "WEBKIT_SKIA_ENABLE_CPU_RENDERING=1", "WEBKIT_DISABLE_COMPOSITING_MODE=1", args[len(args)-1])
	start(t, cmd)
}

// start starts a program that ends with the test.
func start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s (make e2e installs it from Debian): %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group may be gone already
		_ = cmd.Wait()
	})
}

// Offline disconnects this browser from a site, or reconnects it. It has no switch of its own: the
// proxy, which serves this browser only, refuses connections, and the browser takes itself for online.
func (w *WebKit) Offline(p *Proxy, offline bool) {
	w.t.Helper()
	if offline {
		p.Refuse()
	} else {
		p.Accept()
	}
}

// Allow does nothing: WebDriver tells of no page's errors.
func (w *WebKit) Allow(string) {}

// call does a command of WebDriver.
func (w *WebKit) call(ctx context.Context, method, url string, body, out any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(content))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(string(answer.Value))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, out)
}
