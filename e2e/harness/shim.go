package harness

import (
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

func (p *Page) shim(script string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	if err != nil {
		p.t.Fatalf("adding a script to the tab: %v", err)
	}
}

// OpenPrivate opens a tab of a private window: its storage is apart and goes with it.
func (b *Browser) OpenPrivate(address string) *Page {
	b.t.Helper()
	return b.OpenShimmed(address, "", chromedp.WithNewBrowserContext())
}

// Room bounds the storage of the page's site to so many bytes; a negative number
// takes the bound away.
func (p *Page) Room(bytes float64) {
	p.t.Helper()
	params := storage.OverrideQuotaForOriginParams{Origin: p.origin}
	if bytes >= 0 {
		params.QuotaSize = &bytes
	}
	if _, err := chromedp.Call(p.ctx, storage.OverrideQuotaForOrigin, params); err != nil {
		p.t.Fatalf("bounding the storage: %v", err)
	}
}

// Evict throws away all that scripts of the page's site have stored, as a browser
// does that is short of room. Cookies stay.
func (p *Page) Evict() {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{
		Origin: p.origin, StorageTypes: "indexeddb,cache_storage,service_workers,local_storage,file_systems",
	})
	if err != nil {
		p.t.Fatalf("clearing the storage: %v", err)
	}
}
