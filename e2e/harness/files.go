package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Allow makes complaints of the browser's workers with this text in them expected.
func (b *Browser) Allow(text string) { b.workers.console.allow(text) }

// ReloadPast loads the page again past every cache and the service worker, as Shift
// and F5 do. It has no controller then.
func (p *Page) ReloadPast() {
	p.t.Helper()
	yes := true
	if _, err := chromedp.Call(p.ctx, page.Reload, page.ReloadParams{IgnoreCache: &yes}); err != nil {
		p.t.Fatalf("reloading past the caches: %v", err)
	}
}

// ForgetFiles empties the cache of Chromium itself; what the site keeps stays.
func (p *Page) ForgetFiles() {
	p.t.Helper()
	if p.b == nil {
		return
	}
	if _, err := chromedp.Call(p.ctx, network.ClearBrowserCache, cdp.Empty{}); err != nil {
		p.t.Fatalf("emptying the browser's cache: %v", err)
	}
}

// Downloads has the browser put what it downloads into a new directory. Download
// waits for the file there.
func (p *Page) Downloads() (dir string) {
	p.t.Helper()
	dir = p.t.TempDir()
	_, err := chromedp.CallBrowser(p.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir,
	})
	if err != nil {
		p.t.Fatalf("allowing downloads: %v", err)
	}
	return dir
}

// Download waits for the one file in a directory of Downloads, and returns its path.
func (p *Page) Download(dir string) (path string) {
	p.t.Helper()
	Eventually(p.t, "the file is saved", func() error {
		entries, err := os.ReadDir(dir)
		if err == nil && (len(entries) != 1 || strings.HasSuffix(entries[0].Name(), ".crdownload")) {
			err = fmt.Errorf("the directory has %v", entries)
		}
		if err == nil {
			path = filepath.Join(dir, entries[0].Name())
		}
		return err
	})
	return path
}

// Choose chooses a file in the input with this id, once it is there.
func (p *Page) Choose(id, path string) {
	p.t.Helper()
	Eventually(p.t, "choosing a file", func() error {
		ctx, cancel := context.WithTimeout(p.ctx, Timeout)
		defer cancel()
		return p.driver.chooseFile(ctx, id, path)
	})
}
