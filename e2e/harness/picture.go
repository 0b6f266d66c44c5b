package harness

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// pixelTolerance is how far a colour channel, of 255, may be from the kept picture:
	// the edges of letters differ a little between processors.
	pixelTolerance = 40
	// A picture is compared in tiles of so many pixels a side, each of which may differ by more in
	// this share of its pixels: a word or a button that has moved is much of a tile, and little of
	// the picture.
	tile          = 32
	tileTolerance = 0.06
	// shiftTolerance is how far the mean of a tile may be from the kept one: another colour of what fills a part of it
	// moves that, and edges that are drawn otherwise don't.
	shiftTolerance = 3
)

const (
	// A kept picture has so many colours. The most frequent of them, those of surfaces and texts, are exact.
	paletteSize, exactColors = 256, 32
	// colorStep is how far a channel of any other colour may be from the nearest of them.
	colorStep = 6
)

// Compact is a PNG for keeping, of a palette, and a third as large. The edges of letters take the nearest colour.
func Compact(picture []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	r := from.Bounds()
	counts := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(from.At(x, y)).(color.RGBA) }
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	for _, c := range all {
		if len(palette) < exactColors || len(palette) < paletteSize && !near(c, palette[palette.Index(c)].(color.RGBA)) {
			palette = append(palette, c)
		}
	}
	nearest := map[color.RGBA]uint8{}
	for _, c := range all {
		nearest[c] = uint8(palette.Index(c))
	}
	kept := image.NewPaletted(r, palette)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			kept.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, kept)
	return b.Bytes(), err
}

// SamePicture compares a PNG with the kept one at a path. A picture that differs is left in
// .cache/pictures, to be looked at.
func SamePicture(got []byte, path string) error {
	kept, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("there is no kept picture (-update makes it): %w", err)
	}
	return SameImage(got, kept, path)
}

// SameImage is SamePicture for a kept PNG that was read from the path.
func SameImage(got, kept []byte, path string) error {
	a, errA := png.Decode(bytes.NewReader(got))
	b, errB := png.Decode(bytes.NewReader(kept))
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	wrong := fmt.Sprintf("it is %v, not %v pixels", a.Bounds().Size(), b.Bounds().Size())
	if a.Bounds() == b.Bounds() {
		wrong = worstTile(a, b)
	}
	if wrong == "" {
		return nil
	}
	left := filepath.Join("..", ".cache", "pictures", strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))+".png")
	if err := errors.Join(os.MkdirAll(filepath.Dir(left), 0o755), os.WriteFile(left, got, 0o644)); err != nil {
		return err
	}
	return fmt.Errorf("%s: %s, see %s", path, wrong, left)
}

// worstTile tells where two pictures of one size differ most, if they do: in some pixels much, as what has moved, or in
// all of a tile a little, as another colour.
func worstTile(a, b image.Image) (wrong string) {
	worst := 1.0
	r := a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y += tile {
		for x := r.Min.X; x < r.Max.X; x += tile {
			part := image.Rect(x, y, x+tile, y+tile)
			share, shift := differing(a, b, part.Intersect(r))
			if by := max(share/tileTolerance, shift/shiftTolerance); by > worst {
				worst = by
				wrong = fmt.Sprintf("at %v %.0f %% of the pixels differ, and the mean by %.1f of 255", part, share*100, shift)
			}
		}
	}
	return wrong
}

// differing is the share of a tile's pixels that differ visibly, and how far the mean of a colour channel of the rest is
// from the other's.
func differing(a, b image.Image, r image.Rectangle) (share, shift float64) {
	n, sums := 0, [3]float64{}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			r1, g1, b1, _ := a.At(x, y).RGBA()
			r2, g2, b2, _ := b.At(x, y).RGBA()
			if far(r1, r2) || far(g1, g2) || far(b1, b2) {
				n++
				continue
			}
			for i, d := range [3]float64{float64(r1) - float64(r2), float64(g1) - float64(g2), float64(b1) - float64(b2)} {
				sums[i] += d / 0x101
			}
		}
	}
	for _, sum := range sums {
		shift = max(shift, math.Abs(sum)/(tile*tile))
	}
	return float64(n) / (tile * tile), shift
}

// near reports whether no channel of two colours is far from the other's.
func near(a, b color.RGBA) bool {
	for _, d := range []int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B)} {
		if max(d, -d) > colorStep {
			return false
		}
	}
	return true
}

func far(a, b uint32) bool { return max(a, b)-min(a, b) > pixelTolerance*0x101 }
