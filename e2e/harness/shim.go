package harness

import (
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// OpenShimmed opens a tab in which a script runs before every page's own.
func (b *Browser) OpenShimmed(address, script string) *Page {
	b.t.Helper()
	return b.open(address, script)
}
