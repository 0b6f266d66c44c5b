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

// Firefox is a running Firefox, headless, driven by WebDriver BiDi. It keeps its
// data in a profile directory, as Browser does.
type Firefox struct {
	t       testing.TB
	profile string
	process *exec.Cmd
	ended   chan struct{} // closed once the process has
	bidi    *bidi
	console *console

	mu    sync.Mutex
	hands map[string]func(Said) // by channel
	over  bool
}

// preferences keep Firefox from doing what no test asked for, and from asking
// after a crash whether it shall restore its windows.
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

// firefoxes are the names it has on different systems.
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
		t: t, profile: profile, ended: make(chan struct{}), hands: map[string]func(Said){},
		console: &console{},
	}
	f.process = exec.Command(path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0")
	// Whatever it keeps outside of its profile goes with the test.
	f.process.Env = append(os.Environ(), "HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1")
	f.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	says, err := f.process.StderrPipe()
	if err == nil {
		err = f.process.Start()
	}
	if err != nil {
		t.Fatalf("starting Firefox: %v", err)
	}
	t.Cleanup(f.end)
	address := make(chan string, 1)
	go f.follow(says, address)
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	select {
	case a := <-address:
		if f.bidi, err = dialBiDi(ctx, a, f.hear); err != nil {
			t.Fatalf("starting Firefox: %v", err)
		}
	case <-ctx.Done():
		t.Fatalf("Firefox does not say where it listens within %v", Patience)
	}
	return f
}

const listening = "WebDriver BiDi listening on "

// follow reads what Firefox prints, to its end.
func (f *Firefox) follow(says io.Reader, address chan<- string) {
	lines := bufio.NewScanner(says)
	for lines.Scan() {
		f.console.note(lines.Text(), false)
		if a, ok := strings.CutPrefix(lines.Text(), listening); ok {
			address <- strings.TrimSpace(a)
		}
	}
	_ = f.process.Wait() // killed or not: it has ended
	close(f.ended)
}

// hear takes an event of the session.
func (f *Firefox) hear(method string, params json.RawMessage) {
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
		hand := f.hands[m.Channel]
		f.mu.Unlock()
		if hand != nil {
			heard(text, hand)
		}
	case "log.entryAdded":
		var e struct{ Level, Text, Type string }
		if json.Unmarshal(params, &e) == nil {
			bad := e.Level == "error" || strings.HasPrefix(e.Text, "panic:") || strings.HasPrefix(e.Text, "fatal error:")
			f.console.note(fmt.Sprintf("%s %s: %s", e.Type, e.Level, e.Text), bad)
		}
	}
}

// Allow makes complaints of the browser's pages with this text in them expected.
func (f *Firefox) Allow(text string) { f.console.allow(text) }

func (f *Firefox) end() {
	if !f.over {
		f.Kill()
	}
}

// Kill ends all processes of Firefox with SIGKILL, and returns the profile's
// directory. It reports what the pages complained about before.
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

// must does a command that can only fail when something is broken.
func (f *Firefox) must(what, method string, params, out any) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := f.bidi.call(ctx, method, params, out); err != nil {
		f.t.Fatalf("%s: %v", what, err)
	}
}

// Offline takes the network of this Firefox to a site away, or gives it back:
// pages and workers are told that there is none, and the proxy, which belongs to
// this browser alone, lets nothing through.
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
