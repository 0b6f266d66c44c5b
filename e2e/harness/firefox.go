package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Firefox is a headless Firefox, driven by WebDriver BiDi. Since it takes long to start, most
// are user contexts of one process, with storage, cookies, workers and windows of their own.
// Another process can start on the profile directory of one that has ended, as with Browser.
type Firefox struct {
	*firefoxProcess
	t       testing.TB
	user    string // the user context; "" for a process of its own
	console *console
	pages   []string // the ids of its tabs
	origins []string // of its tabs
}

// firefoxProcess is a running Firefox.
type firefoxProcess struct {
	profile string
	process *exec.Cmd
	ended   chan struct{} // closed once the process has
	bidi    *bidi

	mu       sync.Mutex
	open     []*Firefox
	channels map[string]func(text string) // of install, by name
	over     bool
}

// preferences disable background activity, the restoring of windows after a crash, and motion: without
// a GPU, Firefox spends a third of a test's time on drawing it. Scrollbars take no room, as on phones and with GTK.
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
user_pref("ui.prefersReducedMotion", 1);
user_pref("ui.useOverlayScrollbars", 1);
user_pref("toolkit.startup.max_resumed_crashes", -1);
user_pref("toolkit.telemetry.enabled", false);
`

// OpenFirefox opens a Firefox for what needs no process of its own.
func OpenFirefox(t testing.TB) *Firefox {
	t.Helper()
	theTurns.take(t)
	f := &Firefox{firefoxProcess: sharedFirefoxProcess(t), t: t, console: &console{during: t.Context()}}
	var made struct{ UserContext string }
	f.must("opening a user context", "browser.createUserContext", map[string]any{}, &made)
	f.user = made.UserContext
	f.watch()
	return f
}

// OpenOwnFirefox starts Firefox with a profile of its own.
func OpenOwnFirefox(t testing.TB) *Firefox {
	t.Helper()
	return OpenFirefoxProfile(t, t.TempDir())
}

// OpenFirefoxProfile starts Firefox on a profile directory.
func OpenFirefoxProfile(t testing.TB, profile string) *Firefox {
	t.Helper()
	theTurns.take(t)
	process, err := startFirefox(profile)
	if err != nil {
		t.Fatal(err)
	}
	f := &Firefox{firefoxProcess: process, t: t, console: &console{during: t.Context()}}
	f.watch()
	return f
}

// sharedFirefox is the process of the user contexts.
var sharedFirefox struct {
	sync.Mutex
	process *firefoxProcess
}

func sharedFirefoxProcess(t testing.TB) *firefoxProcess {
	t.Helper()
	s := &sharedFirefox
	s.Lock()
	defer s.Unlock()
	if s.process == nil || s.process.hasEnded() {
		profile, err := os.MkdirTemp("", "rollcall-firefox-")
		if err == nil {
			s.process, err = startFirefox(profile)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s.process
}

// End ends the process that tests have shared. It is called after the last one.
func End() {
	sharedFirefox.Lock()
	defer sharedFirefox.Unlock()
	if p := sharedFirefox.process; p != nil {
		p.kill()
		_ = os.RemoveAll(p.profile) // it is in the directory of temporary files
	}
}

// firefoxes are its names on different systems.
var firefoxes = []string{"firefox-esr", "firefox"}

// startFirefox starts Firefox on a profile directory.
func startFirefox(profile string) (*firefoxProcess, error) {
	var path string
	for _, name := range firefoxes {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		return nil, errors.New("there is no Firefox (make e2e installs one from Debian)")
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
		return nil, err
	}
	f := &firefoxProcess{profile: profile, ended: make(chan struct{}), channels: map[string]func(string){}}
	f.process = exec.Command(path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "--remote-allow-system-access")
	// What it writes outside of its profile is removed with the test.
	f.process.Env = append(os.Environ(), "HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1")
	f.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stderr, err := f.process.StderrPipe()
	if err == nil {
		err = f.process.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting Firefox: %w", err)
	}
	address := make(chan string, 1)
	go f.follow(stderr, address)
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	select {
	case a := <-address:
		f.bidi, err = dialBiDi(ctx, a, f.onEvent)
	case <-ctx.Done():
		err = errors.New("it did not print its address in time")
	}
	if err != nil {
		f.kill()
		return nil, fmt.Errorf("starting Firefox: %w", err)
	}
	return f, nil
}

// hasEnded reports whether the process is over.
func (f *firefoxProcess) hasEnded() bool {
	select {
	case <-f.ended:
		return true
	default:
		return false
	}
}

// kill ends all processes with SIGKILL.
func (f *firefoxProcess) kill() {
	f.over = true
	_ = syscall.Kill(-f.process.Process.Pid, syscall.SIGKILL) // the group may be gone already
	<-f.ended
	if f.bidi != nil {
		f.bidi.close()
	}
}

// watch begins to collect the errors of the browser's pages, until the test ends.
func (f *Firefox) watch() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = append(f.open, f)
	f.t.Cleanup(f.end)
}

const listening = "WebDriver BiDi listening on "

// follow reads Firefox's output to its end.
func (f *firefoxProcess) follow(stderr io.Reader, address chan<- string) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		f.note(func(*Firefox) bool { return true }, lines.Text(), false)
		if a, ok := strings.CutPrefix(lines.Text(), listening); ok {
			address <- strings.TrimSpace(a)
		}
	}
	_ = f.process.Wait() // how it ended does not matter
	close(f.ended)
}

// requestFailed is in what Firefox reports as an error where a request failed or was cut off, as
// when a page is left while it loads. A failed request is no error of the page: see console.
var requestFailed = []string{
	"Firefox can’t establish a connection to the server at ", // an EventSource, as before a sign-in
	"NS_BINDING_ABORTED",
	"A ServiceWorker intercepted the request and encountered an unexpected error",
	"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", // the SHA-256 of what never came
}

// onEvent handles an event of the session.
func (f *firefoxProcess) onEvent(method string, params json.RawMessage) {
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
		notify := f.channels[m.Channel]
		f.mu.Unlock()
		if notify != nil {
			notify(text)
		}
	case "log.entryAdded":
		var e struct{ Level, Text, Type string }
		if json.Unmarshal(params, &e) == nil {
			told := func(what string) bool { return strings.Contains(e.Text, what) }
			bad := e.Level == "error" && !slices.ContainsFunc(requestFailed, told) || strings.HasPrefix(e.Text, "panic:") || strings.HasPrefix(e.Text, "fatal error:")
			concerns := func(of *Firefox) bool {
				told := func(which string) bool { return bytes.Contains(params, []byte(which)) }
				return of.user == "" || slices.ContainsFunc(of.pages, told) || slices.ContainsFunc(of.origins, told)
			}
			f.note(concerns, fmt.Sprintf("%s %s: %s", e.Type, e.Level, e.Text), bad)
		}
	}
}

// note tells those whom it concerns what a page, a worker or the process says.
func (f *firefoxProcess) note(concerns func(*Firefox) bool, text string, bad bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, of := range f.open {
		if concerns(of) {
			of.console.note(text, bad)
		}
	}
}

// Allow makes page errors that contain this text expected.
func (f *Firefox) Allow(text string) { f.console.allow(text) }

func (f *Firefox) end() {
	switch {
	case f.user != "":
		f.must("closing a user context", "browser.removeUserContext", map[string]any{"userContext": f.user}, nil)
		f.console.report(f.t)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.open = slices.DeleteFunc(f.open, func(of *Firefox) bool { return of == f })
	case !f.over:
		f.Kill()
	}
}

// own fails the test unless the browser is a process of its own.
func (f *Firefox) own() {
	f.t.Helper()
	if f.user != "" {
		f.t.Fatal("only a browser of OpenOwnFirefox can do this")
	}
}

// Kill ends all processes of Firefox with SIGKILL, reports the errors of its pages, and
// returns the profile's directory.
func (f *Firefox) Kill() string {
	f.t.Helper()
	f.own()
	f.kill()
	f.console.report(f.t)
	return f.profile
}

// Restart closes Firefox and starts it again on the same profile.
func (f *Firefox) Restart() *Firefox {
	f.t.Helper()
	return OpenFirefoxProfile(f.t, f.Close())
}

// Close ends Firefox as a person does, and returns the profile's directory.
func (f *Firefox) Close() string {
	f.t.Helper()
	f.own()
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
	params := map[string]any{"networkConditions": conditions}
	if f.user != "" {
		params["userContexts"] = []string{f.user}
	}
	f.must("emulating the network", "emulation.setNetworkConditions", params, nil)
}
