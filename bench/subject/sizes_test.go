package subject

import (
	"slices"
	"testing"
)

func TestSizes(t *testing.T) {
	if got, err := Sizes("1000,100000", 200); err != nil || !slices.Equal(got, []int{1000, 100_000}) {
		t.Errorf("got %v (%v)", got, err)
	}
	for _, text := range []string{"", "1000,", "ten", "-5", "100"} {
		if got, err := Sizes(text, 200); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
