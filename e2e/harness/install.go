package harness

import (
	"encoding/json"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
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
