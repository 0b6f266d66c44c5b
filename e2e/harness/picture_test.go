//go:build e2e

package harness

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPicturesThatDifferAreNoticed(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("e2e", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir("e2e")
	// draw draws a square of wrong pixels.
	draw := func(grey uint8, wrong, width int) []byte {
		img := image.NewGray(image.Rect(0, 0, width, 100))
		for i := range img.Pix {
			img.Pix[i] = grey
		}
		for i := range wrong * wrong {
			img.SetGray(50+i%wrong, 50+i/wrong, color.Gray{})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if err := os.WriteFile("kept.png", draw(200, 0, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		got  []byte
		same bool
	}{
		"the same":      {draw(200, 0, 100), true},
		"half a shade":  {draw(198, 0, 100), true},
		"a shade":       {draw(190, 0, 100), false},
		"a few pixels":  {draw(200, 7, 100), true},
		"a square":      {draw(200, 20, 100), false},
		"another size":  {draw(200, 0, 101), false},
		"another theme": {draw(20, 0, 100), false},
	} {
		if err := SamePicture(c.got, "kept.png"); (err == nil) != c.same {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join("..", ".cache", "pictures", "kept.png")); err != nil {
		t.Errorf("the picture that differs is not left to be looked at: %v", err)
	}
	if err := SamePicture(draw(200, 0, 100), "none.png"); err == nil || !strings.Contains(err.Error(), "-update") {
		t.Errorf("without a kept picture: %v", err)
	}
}

// TestACompactPictureLooksTheSame, with more colours than a palette has, and a rare one that no frequent one is near to.
func TestACompactPictureLooksTheSame(t *testing.T) {
	t.Chdir(t.TempDir())
	drawn := image.NewRGBA(image.Rect(0, 0, 320, 320))
	rare := color.RGBA{200, 20, 20, 255}
	for y := range 320 {
		for x := range 320 {
			drawn.SetRGBA(x, y, color.RGBA{uint8(x / 8), uint8(y / 8), uint8(x / 8), 255})
		}
	}
	drawn.SetRGBA(10, 10, rare)
	var b bytes.Buffer
	if err := png.Encode(&b, drawn); err != nil {
		t.Fatal(err)
	}
	small, err := Compact(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := SameImage(small, b.Bytes(), "drawn.png"); err != nil {
		t.Error(err)
	}
	kept, err := png.Decode(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := kept.ColorModel().(color.Palette); !ok || len(p) > paletteSize {
		t.Errorf("it has no palette: %T", kept.ColorModel())
	}
	if got := color.RGBAModel.Convert(kept.At(10, 10)).(color.RGBA); !near(got, rare) {
		t.Errorf("%v has become %v", rare, got)
	}
}

// TestAButtonThatMovedIsNoticed changes a kept picture as a defect of a style would, and as
// another processor does.
func TestAButtonThatMovedIsNoticed(t *testing.T) {
	path, err := filepath.Abs("../testdata/pictures/chromium/list-desktop-dark.png")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	syncNow := image.Rect(798, 128, 934, 173)  // a button
	apart := filepath.Join(t.TempDir(), "e2e") // what differs is left beside it
	if err := os.Mkdir(apart, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(apart)
	moved := func(by image.Point) func(x, y int) color.Color {
		return func(x, y int) color.Color {
			if image.Pt(x, y).In(syncNow) {
				return kept.At(x-by.X, y-by.Y)
			}
			return kept.At(x, y)
		}
	}
	for name, c := range map[string]struct {
		at   func(x, y int) color.Color
		same bool
	}{
		"as it was":         {kept.At, true},
		"two pixels lower":  {moved(image.Pt(0, 2)), false},
		"two pixels beside": {moved(image.Pt(2, 0)), false},
		"another colour": {func(x, y int) color.Color {
			r, g, b, a := kept.At(x, y).RGBA()
			if image.Pt(x, y).In(syncNow) {
				return color.RGBA64{uint16(g), uint16(b), uint16(r / 2), uint16(a)}
			}
			return color.RGBA64{uint16(r), uint16(g), uint16(b), uint16(a)}
		}, false},
		"edges drawn otherwise": {func(x, y int) color.Color {
			r, g, b, a := kept.At(x, y).RGBA()
			r2, g2, b2, _ := kept.At(x+1, y).RGBA()
			mixed := func(a, b uint32) uint16 { return uint16((a*88 + b*12) / 100) }
			return color.RGBA64{mixed(r, r2), mixed(g, g2), mixed(b, b2), uint16(a)}
		}, true},
	} {
		drawn := image.NewRGBA(kept.Bounds())
		for y := range drawn.Bounds().Dy() {
			for x := range drawn.Bounds().Dx() {
				drawn.Set(x, y, c.at(x, y))
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, drawn); err != nil {
			t.Fatal(err)
		}
		if err := SamePicture(b.Bytes(), path); (err == nil) != c.same {
			t.Errorf("%s: %v", name, err)
		}
	}
}
