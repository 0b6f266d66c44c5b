package chromium

import "testing"

func TestGroupOf(t *testing.T) {
	for line, want := range map[string]string{
		"1234 (chrome) S 77 1200 1 0": "1200",
		"1234 (a) b (c)) S 77 9 1 0":  "9",
		"1234 (chrome) S":             "",
		"":                            "",
	} {
		if got := groupOf(line); got != want {
			t.Errorf("the group of %q is %q, want %q", line, got, want)
		}
	}
}

func TestProportional(t *testing.T) {
	got, err := proportional("5581 ---p 00000000 00:00 0 [rollup]\nRss:    900 kB\nPss:     123 kB\nPss_Anon:   4 kB\n")
	if err != nil || got != 123<<10 {
		t.Errorf("got %d (%v)", got, err)
	}
	if got, err := proportional("Rss: 900 kB\n"); err == nil {
		t.Errorf("a rollup without Pss has %d", got)
	}
}
