package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLettersOfTheIndex(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"Ann", "Älva", "bob", "9 Lives", "Øre", "Ωmega"}, "9 a b o ω"},
		{[]string{"あい", "いとう", "がろ", "きむら", "さとう", "わだ", "アンナ", "ガロ", "サラ"}, "あ か さ わ ア カ サ"},
		{[]string{"강하늘", "김민준", "나은", "박서준", "홍길동"}, "가 나 바 하"},
		{[]string{"丁一", "中田", "佐藤", "鈴木", "高橋"}, "丁 鈴 高"},
	} {
		b := open(t, "/")
		for i, name := range c.names {
			b.add(name, fmt.Sprintf("a%d@example.org", i))
		}
		letters, err := firstLetters(t.Context(), b.users)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(letters, " "); got != c.want {
			t.Errorf("%v have the letters %s, want %s", c.names, got, c.want)
		}
	}
}

func TestTooManyLettersAreThinned(t *testing.T) {
	b := open(t, "/")
	for i := range 150 { // letters of scripts that are in no groups
		b.add(string(rune(0x1200+8*i))+" Person", fmt.Sprintf("a%d@example.org", i))
	}
	letters, err := firstLetters(t.Context(), b.users)
	if err != nil || len(letters) != maxLetters || !slices.IsSorted(letters) || letters[maxLetters-1] < "\u1680" {
		t.Errorf("there are %d letters, %v: %v", len(letters), letters, err)
	}
}
