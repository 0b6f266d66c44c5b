package harness

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Screen is the window and the color scheme of a page.
type Screen struct {
	Width, Height int64
	Dark          bool
	Phone         bool
	ForcedColors  bool // as Windows' contrast themes do
	Paper         bool // as it is printed
}

// Emulate shows the page on another screen.
func (p *Page) Emulate(screen Screen) {
	p.t.Helper()
	p.must("emulating a screen", func(ctx context.Context) error { return p.driver.emulate(ctx, screen) })
}

// Screenshot returns a screenshot of the window's inside, as a PNG.
func (p *Page) Screenshot() (png []byte) {
	p.t.Helper()
	p.must("taking a screenshot", func(ctx context.Context) (err error) {
		png, err = p.driver.screenshot(ctx)
		return err
	})
	return png
}

// SmallScreenshot returns a screenshot of the page for documents, as a WebP.
func (p *Page) SmallScreenshot() []byte {
	p.t.Helper()
	quality := int64(70)
	got, err := chromedp.Call(p.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: "webp", Quality: &quality})
	if err != nil {
		p.t.Fatalf("taking a screenshot: %v", err)
	}
	return got.Data
}

// PNG returns a WebP as a PNG.
func (p *Page) PNG(webp []byte) []byte {
	p.t.Helper()
	got := Eval[string](p, fmt.Sprintf(`(async () => {
		const bytes = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0));
		const bitmap = await createImageBitmap(new Blob([bytes], {type: "image/webp"}));
		const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
		canvas.getContext("2d").drawImage(bitmap, 0, 0);
		const png = new Uint8Array(await (await canvas.convertToBlob({type: "image/png"})).arrayBuffer());
		return png.toBase64();
	})()`, base64.StdEncoding.EncodeToString(webp)))
	png, err := base64.StdEncoding.DecodeString(got)
	if err != nil {
		p.t.Fatalf("decoding a picture: %v", err)
	}
	return png
}

// Timezone has the browser be in a time zone.
func (p *Page) Timezone(id string) {
	p.t.Helper()
	p.do("emulating a time zone", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, emulation.CommandSetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: id}, nil)
	}))
}
