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
	// pictureTolerance is the share of pixels that may differ by more.
	pictureTolerance = 0.002
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
	share := 1.0
	if a.Bounds() == b.Bounds() {
		share = differing(a, b)
	}
	if share <= pictureTolerance {
		return nil
	}
	left := filepath.Join("..", ".cache", "pictures", filepath.Base(path))
	if err := errors.Join(os.MkdirAll(filepath.Dir(left), 0o755), os.WriteFile(left, got, 0o644)); err != nil {
		return err
	}
	return fmt.Errorf("%.2f %% of its pixels differ from %s, see %s", share*100, path, left)
}

// differing is the share of pixels that differ visibly.
func differing(a, b image.Image) float64 {
	r, n := a.Bounds(), 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			r1, g1, b1, _ := a.At(x, y).RGBA()
			r2, g2, b2, _ := b.At(x, y).RGBA()
			if far(r1, r2) || far(g1, g2) || far(b1, b2) {
				n++
			}
		}
	}
	return float64(n) / float64(r.Dx()*r.Dy())
}

func far(a, b uint32) bool { return max(a, b)-min(a, b) > pixelTolerance*0x101 }
