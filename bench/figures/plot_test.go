package figures

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestRatio(t *testing.T) {
	got, ok := RatioOf([]float64{2, 9, 4}, []float64{1, 3, 4})
	if want := (Ratio{Low: 1, Median: 2, High: 3}); !ok || got != want {
		t.Errorf("got %v, %v, want %v", got, ok, want)
	}
	if got, ok := RatioOf([]float64{1, 2}, []float64{1}); ok {
		t.Errorf("rounds without a counterpart are compared: %v", got)
	}
	for v, want := range map[float64]string{123.4: "123", 12.34: "12", 1.26: "1.3", 0.126: "0.13", 0.0126: "0.013"} {
		if got := Significant(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

// circles returns where the dots of an SVG are, by their titles, and fails unless it is XML.
func circles(t *testing.T, svg string) map[string]string {
	t.Helper()
	found, at := map[string]string{}, ""
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "circle" {
				at = token.Attr[0].Value
			}
		case xml.CharData:
			if strings.Contains(string(token), "×") && at != "" {
				found[string(token)] = at
			}
		case xml.EndElement:
			if token.Name.Local == "circle" {
				at = ""
			}
		}
	}
}

// TestPlot: equal is in the middle of a symmetric scale, ten times as much at its end, and
// what can't be drawn is left out.
func TestPlot(t *testing.T) {
	p := Plot{Title: "a < b", Series: []string{"A & B", "C", "D", "E", "F"}, Rows: []PlotRow{{
		Name: "x", Low: 0.9, High: 1.1, Wanted: 0.5,
		Ratios: map[string]float64{"A & B": 1, "C": 10, "D": 0.1, "E": math.Inf(1), "F": 0},
	}}}
	got := circles(t, p.SVG())
	want := map[string]string{"A & B: 1.0×": "530.0", "C: 10×": "810.0", "D: 0.10×": "250.0"}
	if len(got) != len(want) {
		t.Errorf("drawn are %v, want %v", got, want)
	}
	for name, x := range want {
		if got[name] != x {
			t.Errorf("%s is at %s, want %s", name, got[name], x)
		}
	}
}

// TestPlotsHoldAllRatios: the scale grows with what is to be shown.
func TestPlotsHoldAllRatios(t *testing.T) {
	p := Plot{Series: []string{"A"}, Rows: []PlotRow{{Ratios: map[string]float64{"A": 250}}, {Ratios: map[string]float64{"A": 0.02}}}}
	if low, high := p.decades(); low != -2 || high != 3 {
		t.Errorf("from 10^%v to 10^%v, want -2 to 3", low, high)
	}
}
