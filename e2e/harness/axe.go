package harness

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Violation is an accessibility finding of axe-core.
type Violation struct {
	ID, Help string
	Nodes    []struct {
		HTML    string
		Summary string `json:"failureSummary"`
	}
}

func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", v.ID, v.Help)
	for _, n := range v.Nodes {
		fmt.Fprintf(&b, "\n  %.200s\n    %s", n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n    "))
	}
	return b.String()
}

// Accessibility returns the findings of axe-core, whose script is at path, on the page in
// its current state, once its animations have ended.
func (p *Page) Accessibility(path string) []Violation {
	p.t.Helper()
	p.WaitAnimations()
	if !Eval[bool](p, `"axe" in window`) {
		script, err := os.ReadFile(path)
		if err != nil {
			p.t.Fatalf("reading axe-core (make e2e installs it): %v", err)
		}
		Eval[int](p, "(() => {"+string(script)+"\nreturn 0; })()")
	}
	return Eval[[]Violation](p, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations)`)
}

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
	scheme := "light"
	if screen.Dark {
		scheme = "dark"
	}
	colors := "none"
	if screen.ForcedColors {
		colors = "active"
	}
	medium := ""
	if screen.Paper {
		medium = "print"
	}
	p.do("emulating a screen", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, emulation.CommandSetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: screen.Width, Height: screen.Height, DeviceScaleFactor: 1, Mobile: screen.Phone,
		}, nil)
	}), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, emulation.CommandSetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media: medium,
			// Animations would make screenshots depend on time.
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"},
				{Name: "forced-colors", Value: colors},
			},
		}, nil)
	}))
}

// Timezone has the browser be in a time zone.
func (p *Page) Timezone(id string) {
	p.t.Helper()
	p.do("emulating a time zone", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, emulation.CommandSetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: id}, nil)
	}))
}

// Screenshot returns a screenshot of the page, as a PNG.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatalf("taking a screenshot: %v", err)
	}
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
