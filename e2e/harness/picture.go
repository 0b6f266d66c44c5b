package harness

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
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
)

// SamePicture compares a PNG with the kept one at a path. A picture that differs is left in
// .cache/pictures, to be looked at.
func SamePicture(got []byte, path string) error {
	kept, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("there is no kept picture (-update makes it): %w", err)
	}
	a, errA := png.Decode(bytes.NewReader(got))
	b, errB := png.Decode(bytes.NewReader(kept))
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	worst, at := 1.0, a.Bounds()
	if a.Bounds() == b.Bounds() {
		worst, at = worstTile(a, b)
	}
	if worst <= tileTolerance {
		return nil
	}
	left := filepath.Join("..", ".cache", "pictures", filepath.Base(path))
	if err := errors.Join(os.MkdirAll(filepath.Dir(left), 0o755), os.WriteFile(left, got, 0o644)); err != nil {
		return err
	}
	return fmt.Errorf("%.0f %% of the pixels at %v differ from %s, see %s", worst*100, at, path, left)
}

// worstTile is the part of two pictures of one size that differs most.
func worstTile(a, b image.Image) (share float64, at image.Rectangle) {
	r := a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y += tile {
		for x := r.Min.X; x < r.Max.X; x += tile {
			part := image.Rect(x, y, x+tile, y+tile)
			if d := differing(a, b, part.Intersect(r)); d > share {
				share, at = d, part
			}
		}
	}
	return share, at
}

// differing is the share of a tile's pixels that differ visibly.
func differing(a, b image.Image, r image.Rectangle) float64 {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			r1, g1, b1, _ := a.At(x, y).RGBA()
			r2, g2, b2, _ := b.At(x, y).RGBA()
			if far(r1, r2) || far(g1, g2) || far(b1, b2) {
				n++
			}
		}
	}
	return float64(n) / (tile * tile)
}

func far(a, b uint32) bool { return max(a, b)-min(a, b) > pixelTolerance*0x101 }
