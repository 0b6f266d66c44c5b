package harness

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium. Its data is in a profile directory, on which another one
// can start once this one has ended.
type Browser struct {
	t       testing.TB
	ctx     context.Context
	cancel  context.CancelFunc
	profile string
	process *exec.Cmd
	pages   []*Page
	workers *workers
}

// flags are set in addition to chromedp's. The field trial makes Background Sync retry
// within seconds instead of minutes, and allows periodic sync without an installation.
var flags = map[string]any{
	"disable-gpu":                   true,
	"disable-quic":                  true,
	"disable-component-update":      true,
	"disable-background-networking": true,
	"disable-sync":                  true,
	// What pops up below the address of a window is a page with a process of its own, and
	// takes as long to start as the rest. The other two are chromedp's.
	"disable-features":  "WebUIOmniboxPopup,WebUIOmniboxAimPopup,PaintHolding,Translate",
	motionless:          true,
	"force-fieldtrials": "BackgroundSync/Test",
	"force-fieldtrial-params": "BackgroundSync.Test:initial_retry_delay_sec/2/retry_delay_factor/1/" +
		"min_periodic_sync_events_interval_sec/3/skip_permissions_check_for_testing/true",
}

// motionless has the browser say that its person prefers reduced motion: drawing what moves takes
// a fifth of a browser's processor time.
const motionless = "force-prefers-reduced-motion"

// OpenBrowser starts a browser with a profile of its own.
func OpenBrowser(t testing.TB) *Browser {
	t.Helper()
	return OpenProfile(t, t.TempDir())
}

// OpenMovingBrowser is OpenBrowser for what depends on where things are while they move.
func OpenMovingBrowser(t testing.TB) *Browser {
	t.Helper()
	return openProfile(t, t.TempDir(), chromedp.Flag(motionless, false))
}

// OpenBrowserAt starts a browser that finds these names on this machine, and takes any
// certificate.
func OpenBrowserAt(t testing.TB, names ...string) *Browser {
	t.Helper()
	var rules []string
	for _, name := range names {
		rules = append(rules, "MAP "+name+" 127.0.0.1")
	}
	return openProfile(t, t.TempDir(), chromedp.Flag("host-resolver-rules", strings.Join(rules, ",")),
		chromedp.Flag("ignore-certificate-errors", true))
}

// OpenProfile starts a browser on a profile directory.
func OpenProfile(t testing.TB, profile string) *Browser {
	t.Helper()
	return openProfile(t, profile)
}

func openProfile(t testing.TB, profile string, further ...chromedp.ExecAllocatorOption) *Browser {
	t.Helper()
	theTurns.take(t)
	b := &Browser{t: t, profile: profile}
	opts := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.UserDataDir(profile),
		chromedp.WindowSize(1280, 800),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			// A process group, so that Kill reaches every process of the browser.
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
			b.process = cmd
		}))
	for name, value := range flags {
		opts = append(opts, chromedp.Flag(name, value))
	}
	opts = append(opts, further...)
	actx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(actx,
		chromedp.WithErrorf(func(string, ...any) {})) // events of a newer or older protocol
	b.ctx, b.cancel = ctx, func() { cancel(); stop() }
	if err := chromedp.Do(ctx); err != nil {
		b.cancel()
		t.Fatalf("starting the browser: %v", err)
	}
	b.workers = watchWorkers(b)
	t.Cleanup(b.end)
	return b
}

// end is the cleanup. It reports the errors of the pages.
func (b *Browser) end() {
	if b.cancel == nil {
		return
	}
	for _, p := range b.pages {
		p.console.report(b.t)
	}
	b.workers.console.report(b.t)
	b.kill()
}

// Close ends the browser as a person does, and returns the profile's directory.
func (b *Browser) Close() string {
	b.t.Helper()
	for _, p := range b.pages {
		p.console.report(b.t)
	}
	b.workers.console.report(b.t)
	if err := chromedp.Cancel(b.ctx); err != nil && !errors.Is(err, context.Canceled) {
		b.t.Errorf("closing the browser: %v", err)
	}
	b.cancel()
	b.cancel = nil
	return b.profile
}

// Kill ends all processes of the browser with SIGKILL, reports the errors of its pages, and
// returns the profile's directory.
func (b *Browser) Kill() string {
	b.t.Helper()
	b.kill()
	for _, p := range b.pages {
		p.console.report(b.t)
	}
	b.workers.console.report(b.t)
	return b.profile
}

func (b *Browser) kill() {
	// The group may have ended already.
	_ = syscall.Kill(-b.process.Process.Pid, syscall.SIGKILL)
	b.cancel()
	b.cancel = nil
}

// Restart closes the browser and starts it again on the same profile.
func (b *Browser) Restart() *Browser {
	b.t.Helper()
	return OpenProfile(b.t, b.Close())
}

// isOf reports whether a URL belongs to an origin.
func isOf(origin, url string) bool {
	return url == origin || strings.HasPrefix(url, origin+"/")
}
