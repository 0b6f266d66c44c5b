package app

import (
	"fmt"
	"testing"
)

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Ann Lee":                "AL",
		"ann":                    "A",
		"Émile de la Tour":       "ÉT",
		"  ":                     "?",
		"李 小龍":                   "李小",
		"(Bob) \"Bobby\" O'Neil": "BO",
		"7 Eleven":               "7E",
		"---":                    "?",
	} {
		if got := initials(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestHueIsStableAndSpread(t *testing.T) {
	seen := map[int]bool{}
	for i := range 200 {
		id := fmt.Sprint(i)
		h := hue(id)
		if h != hue(id) || h < 0 || h >= hues {
			t.Fatalf("hue of %q: %d", id, h)
		}
		seen[h] = true
	}
	if len(seen) != hues {
		t.Errorf("only %d of %d hues are used", len(seen), hues)
	}
}
