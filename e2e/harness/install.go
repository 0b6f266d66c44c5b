package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/pwa"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// InstallabilityErrors returns the browser's reasons not to install the page.
func (p *Page) InstallabilityErrors() []string {
	p.t.Helper()
	res, err := chromedp.Call(p.ctx, page.GetInstallabilityErrors, cdp.Empty{})
	if err != nil {
		p.t.Fatalf("asking for installability errors: %v", err)
	}
	var found []string
	for _, e := range res.InstallabilityErrors {
		text := e.ErrorID
		for _, arg := range e.ErrorArguments {
			text += fmt.Sprintf(" %s=%s", arg.Name, arg.Value)
		}
		found = append(found, text)
	}
	return found
}

// Manifest decodes the manifest that the browser got, and fails the test if the browser
// reports errors in it.
func (p *Page) Manifest(into any) {
	p.t.Helper()
	res, err := chromedp.Call(p.ctx, page.GetAppManifest, page.GetAppManifestParams{})
	if err != nil {
		p.t.Fatalf("asking for the manifest: %v", err)
	}
	for _, e := range res.Errors {
		p.t.Errorf("the manifest: %s (line %d)", e.Message, e.Line)
	}
	if err := json.Unmarshal([]byte(res.Data), into); err != nil {
		p.t.Fatalf("the manifest %q: %v", res.Data, err)
	}
}

// InstallApp installs the page's site as an app, until the test ends.
func (p *Page) InstallApp() {
	p.t.Helper()
	id := p.origin + "/" // as the manifest says
	if _, err := chromedp.Call(p.b.ctx, pwa.Install, pwa.InstallParams{ManifestID: id, InstallURLOrBundleURL: p.origin + "/"}); err != nil {
		p.t.Fatalf("installing the app: %v", err)
	}
	if _, err := chromedp.Call(p.b.ctx, pwa.ChangeAppUserSettings, pwa.ChangeAppUserSettingsParams{ManifestID: id, DisplayMode: pwa.DisplayModeStandalone}); err != nil {
		p.t.Fatalf("having the app open in a window of its own: %v", err)
	}
	p.t.Cleanup(func() {
		if _, err := chromedp.Call(p.b.ctx, pwa.Uninstall, pwa.UninstallParams{ManifestID: id}); err != nil {
			p.t.Errorf("uninstalling the app: %v", err)
		}
	})
}

// LaunchApp opens the window of the app that was installed from an origin.
func (b *Browser) LaunchApp(origin string) *Page {
	b.t.Helper()
	before := b.pageTargets(origin)
	if _, err := chromedp.Call(b.ctx, pwa.Launch, pwa.LaunchParams{ManifestID: origin + "/"}); err != nil {
		b.t.Fatalf("launching the app: %v", err)
	}
	var window target.ID // the answer names the tab around it
	Eventually(b.t, "the app's window opens", func() error {
		for _, id := range b.pageTargets(origin) {
			if !slices.Contains(before, id) {
				window = id
				return nil
			}
		}
		return errors.New("there is none")
	})
	p := &Page{t: b.t, driver: &chromiumTab{}, b: b, origin: origin, console: &console{during: b.t.Context()}}
	p.ctx, p.cancel = chromedp.NewContext(b.ctx, chromedp.WithTargetID(window), chromedp.WithListener(p.console.onEvent), chromedp.WithListener(b.workers.onEvent))
	if err := chromedp.Do(p.ctx); err != nil {
		b.t.Fatalf("attaching to the app's window: %v", err)
	}
	b.pages = append(b.pages, p)
	return p
}

// pageTargets are the targets of an origin's pages.
func (b *Browser) pageTargets(origin string) (ids []target.ID) {
	b.t.Helper()
	all, err := chromedp.Targets(b.ctx)
	if err != nil {
		b.t.Fatalf("listing the browser's targets: %v", err)
	}
	for _, info := range all {
		if info.Type == "page" && isOf(origin, info.URL) {
			ids = append(ids, info.TargetID)
		}
	}
	return ids
}
