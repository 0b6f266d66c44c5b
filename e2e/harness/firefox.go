package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Firefox is a headless Firefox, driven by WebDriver BiDi. Its data is in a profile
// directory, as Browser's is.
type Firefox struct {
	t       testing.TB
	profile string
	process *exec.Cmd
	ended   chan struct{} // closed once the process has
	bidi    *bidi
	console *console

	mu      sync.Mutex
	drivers map[string]func(WriteEvent) // by channel
	over    bool
}

// preferences disable background activity, and the restoring of windows after a crash.
const preferences = `user_pref("app.update.disabledForTesting", true);
user_pref("app.normandy.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("browser.sessionstore.resume_from_crash", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("browser.tabs.disableBackgroundZombification", true);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("dom.ipc.processPrelaunch.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,");
user_pref("toolkit.startup.max_resumed_crashes", -1);
user_pref("toolkit.telemetry.enabled", false);
`

// OpenFirefox starts Firefox with a profile of its own.
func OpenFirefox(t testing.TB) *Firefox {
	t.Helper()
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
		t.Fatal(err)
	}
	return OpenFirefoxProfile(t, profile)
}

// firefoxes are its names on different systems.
var firefoxes = []string{"firefox-esr", "firefox"}

// OpenFirefoxProfile starts Firefox on a profile directory that OpenFirefox made.
func OpenFirefoxProfile(t testing.TB, profile string) *Firefox {
	t.Helper()
	var path string
	for _, name := range firefoxes {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Fatal("there is no Firefox (make e2e installs one from Debian)")
	}
	f := &Firefox{
		t: t, profile: profile, ended: make(chan struct{}), drivers: map[string]func(WriteEvent){},
		console: &console{},
	}
	f.process = exec.Command(path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0")
	// What it writes outside of its profile is removed with the test.
	f.process.Env = append(os.Environ(), "HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1")
	f.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stderr, err := f.process.StderrPipe()
	if err == nil {
		err = f.process.Start()
	}
	if err != nil {
		t.Fatalf("starting Firefox: %v", err)
	}
	t.Cleanup(f.end)
	address := make(chan string, 1)
	go f.follow(stderr, address)
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	select {
	case a := <-address:
		if f.bidi, err = dialBiDi(ctx, a, f.onEvent); err != nil {
			t.Fatalf("starting Firefox: %v", err)
		}
	case <-ctx.Done():
		t.Fatalf("Firefox did not print its address within %v", Timeout)
	}
	return f
}

const listening = "WebDriver BiDi listening on "

// follow reads Firefox's output to its end.
func (f *Firefox) follow(stderr io.Reader, address chan<- string) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		f.console.note(lines.Text(), false)
		if a, ok := strings.CutPrefix(lines.Text(), listening); ok {
			address <- strings.TrimSpace(a)
		}
	}
	_ = f.process.Wait() // how it ended does not matter
	close(f.ended)
}

// onEvent handles an event of the session.
func (f *Firefox) onEvent(method string, params json.RawMessage) {
	switch method {
	case "script.message":
		var m struct {
			Channel string
			Data    struct{ Value json.RawMessage }
		}
		var text string
		if json.Unmarshal(params, &m) != nil || json.Unmarshal(m.Data.Value, &text) != nil {
			return
		}
		f.mu.Lock()
		notify := f.drivers[m.Channel]
		f.mu.Unlock()
		if notify != nil {
			decodeEvent(text, notify)
		}
	case "log.entryAdded":
		var e struct{ Level, Text, Type string }
		if json.Unmarshal(params, &e) == nil {
			bad := e.Level == "error" || strings.HasPrefix(e.Text, "panic:") || strings.HasPrefix(e.Text, "fatal error:")
			f.console.note(fmt.Sprintf("%s %s: %s", e.Type, e.Level, e.Text), bad)
		}
	}
}

// Allow makes page errors that contain this text expected.
func (f *Firefox) Allow(text string) { f.console.allow(text) }

func (f *Firefox) end() {
	if !f.over {
		f.Kill()
	}
}

// Kill ends all processes of Firefox with SIGKILL, reports the errors of its pages, and
// returns the profile's directory.
func (f *Firefox) Kill() string {
	f.t.Helper()
	f.over = true
	_ = syscall.Kill(-f.process.Process.Pid, syscall.SIGKILL) // the group may be gone already
	<-f.ended
	if f.bidi != nil {
		f.bidi.close()
	}
	f.console.report(f.t)
	return f.profile
}

// Close ends Firefox as a person does, and returns the profile's directory.
func (f *Firefox) Close() string {
	f.t.Helper()
	f.must("closing Firefox", "browser.close", map[string]any{}, nil)
	<-f.ended
	return f.Kill()
}

// must sends a command and fails the test if it fails.
func (f *Firefox) must(what, method string, params, out any) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	if err := f.bidi.call(ctx, method, params, out); err != nil {
		f.t.Fatalf("%s: %v", what, err)
	}
}

// Offline disconnects this Firefox from a site, or reconnects it: pages and workers see
// that they are offline, and the proxy, which serves this browser only, refuses connections.
func (f *Firefox) Offline(p *Proxy, offline bool) {
	f.t.Helper()
	var conditions any
	if offline {
		p.Refuse()
		conditions = map[string]any{"type": "offline"}
	} else {
		p.Accept()
	}
	f.must("emulating the network", "emulation.setNetworkConditions", map[string]any{"networkConditions": conditions}, nil)
}
