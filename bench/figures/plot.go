package figures

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Plot shows ratios to a baseline: a row for each work, a dot for each series, on a
// logarithmic scale on which the baseline is 1.
type Plot struct {
	Title  string
	Series []string // in the order of the legend; the first is drawn largest, and last
	Rows   []PlotRow
}

// PlotRow is a work. Low to High is what the baseline differs from itself; Wanted is a goal,
// 0 for none.
type PlotRow struct {
	Name      string
	Low, High float64
	Wanted    float64
	Ratios    map[string]float64 // by series
}

// Measures of a plot, in pixels.
const (
	plotLeft   = 250
	plotScale  = 560
	plotTop    = 64
	plotRow    = 24
	plotBottom = 28
	plotWidth  = plotLeft + plotScale + 24
)

// plotColors are Okabe and Ito's, which colour-blind people can tell apart, and more greys.
var plotColors = []string{"#d55e00", "#0072b2", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#000000", "#8c6d1f", "#777777", "#b0b0b0"}

// SVG returns the plot as an image.
func (p *Plot) SVG() string {
	var b strings.Builder
	height := plotTop + plotRow*len(p.Rows) + plotBottom
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		plotWidth, height, plotWidth, height)
	fmt.Fprintf(&b, `<title>%s</title><rect width="100%%" height="100%%" fill="#fff"/><text x="8" y="20" font-size="14" font-weight="bold">%s</text>`+"\n",
		html.EscapeString(p.Title), html.EscapeString(p.Title))
	low, high := p.decades()
	at := func(ratio float64) float64 { return plotLeft + plotScale*(math.Log10(ratio)-low)/(high-low) }
	for decade := low; decade <= high; decade++ {
		x := at(math.Pow(10, decade))
		width := 1
		if decade == 0 {
			width = 2
		}
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ccc" stroke-width="%d"/><text x="%.1f" y="%d" text-anchor="middle">%s×</text>`+"\n",
			x, plotTop, height-plotBottom, width, x, height-10, trimmed(math.Pow(10, decade)))
	}
	for i, row := range p.Rows {
		p.drawRow(&b, row, float64(plotTop+plotRow*i)+plotRow/2, at)
	}
	p.drawLegend(&b)
	b.WriteString("</svg>\n")
	return b.String()
}

func trimmed(v float64) string { return fmt.Sprintf("%g", v) }

// decades returns the powers of ten around all ratios, at least one on each side of 1.
func (p *Plot) decades() (low, high float64) {
	low, high = -1, 1
	for _, row := range p.Rows {
		for _, ratio := range row.Ratios {
			if drawable(ratio) {
				low, high = min(low, math.Floor(math.Log10(ratio))), max(high, math.Ceil(math.Log10(ratio)))
			}
		}
		if drawable(row.Wanted) {
			low = min(low, math.Floor(math.Log10(row.Wanted)))
		}
	}
	return low, high
}

func drawable(ratio float64) bool { return ratio > 0 && !math.IsInf(ratio, 0) }

func (p *Plot) drawRow(b *strings.Builder, row PlotRow, y float64, at func(float64) float64) {
	fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", plotLeft-8, y+4, html.EscapeString(row.Name))
	if drawable(row.Low) && drawable(row.High) {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="16" fill="#ddd"/>`+"\n", at(row.Low), y-8, at(row.High)-at(row.Low))
	}
	if drawable(row.Wanted) {
		fmt.Fprintf(b, `<path d="M%.1f %.1fv20" stroke="#d55e00" stroke-width="2"/>`+"\n", at(row.Wanted), y-10)
	}
	for i := len(p.Series) - 1; i >= 0; i-- {
		ratio := row.Ratios[p.Series[i]]
		if !drawable(ratio) {
			continue
		}
		size := 4
		if i == 0 {
			size = 6
		}
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%d" fill="%s"><title>%s: %s×</title></circle>`+"\n",
			at(ratio), y, size, plotColors[i%len(plotColors)], html.EscapeString(p.Series[i]), Significant(ratio))
	}
}

func (p *Plot) drawLegend(b *strings.Builder) {
	x := 12.0
	for i, name := range p.Series {
		fmt.Fprintf(b, `<circle cx="%.1f" cy="42" r="5" fill="%s"/><text x="%.1f" y="46">%s</text>`+"\n",
			x, plotColors[i%len(plotColors)], x+9, html.EscapeString(name))
		x += 26 + 6.6*float64(len(name))
	}
}
