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
		"a shade":       {draw(190, 0, 100), true},
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
