// Package chromium drives a Chromium for measurements: fresh profiles, tabs, a slow
// processor, and how much memory the pages take. Unlike the end-to-end harness it returns
// its errors, since one measurement that fails must not end the others.
package chromium

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium with a profile of its own.
type Browser struct {
	ctx     context.Context
	cancel  context.CancelFunc
	profile string
	process *exec.Cmd
}

// flags are set in addition to chromedp's: nothing runs beside the measurement.
var flags = map[string]any{
	"disable-gpu":                   true,
	"disable-quic":                  true,
	"disable-component-update":      true,
	"disable-background-networking": true,
	"disable-sync":                  true,
}

// Open starts a browser with a fresh profile below dir. It ends with ctx.
func Open(ctx context.Context, dir string) (*Browser, error) {
	profile, err := os.MkdirTemp(dir, "profile")
	if err != nil {
		return nil, fmt.Errorf("make a profile: %w", err)
	}
	b := &Browser{profile: profile}
	opts := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.UserDataDir(profile),
		chromedp.WindowSize(1280, 800),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			// A process group, by which its renderers are found and ended.
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
			b.process = cmd
		}))
	for name, value := range flags {
		opts = append(opts, chromedp.Flag(name, value))
	}
	actx, stop := chromedp.NewExecAllocator(ctx, opts...)
	bctx, cancel := chromedp.NewContext(actx, chromedp.WithErrorf(func(string, ...any) {})) // events of a newer or older protocol
	b.ctx, b.cancel = bctx, func() { cancel(); stop() }
	if err := chromedp.Do(bctx); err != nil {
		b.cancel()
		return nil, errors.Join(fmt.Errorf("start Chromium (make bench-client installs it): %w", err), os.RemoveAll(profile))
	}
	return b, nil
}

// Close ends the browser and deletes its profile.
func (b *Browser) Close() {
	// The group may have ended already.
	_ = syscall.Kill(-b.process.Process.Pid, syscall.SIGKILL)
	b.cancel()
	// What a dying process still writes goes with the directory above.
	_ = os.RemoveAll(b.profile)
}

// Version returns the browser's name and version.
func (b *Browser) Version() (string, error) {
	var v struct {
		Product string `json:"product"`
	}
	err := chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, "Browser.getVersion", cdp.Empty{}, &v)
	}))
	return v.Product, err
}
