package app

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func TestTimeAgo(t *testing.T) {
	for _, c := range []struct {
		ago  time.Duration
		want string
	}{
		{-time.Hour, "a few seconds ago"},
		{0, "a few seconds ago"},
		{59 * time.Second, "a few seconds ago"},
		{time.Minute, "1 minute ago"},
		{59 * time.Minute, "59 minutes ago"},
		{time.Hour, "1 hour ago"},
		{23 * time.Hour, "23 hours ago"},
		{24 * time.Hour, "1 day ago"},
		{29 * 24 * time.Hour, "29 days ago"},
		{60 * 24 * time.Hour, "on 3 January 2026"},
	} {
		if got := timeAgo(noon.Add(-c.ago), noon); got != c.want {
			t.Errorf("%v: got %q, want %q", c.ago, got, c.want)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, c := range [][2]string{
		{formatCount(999), "999"},
		{formatCount(1000), "1,000"},
		{timeUntil(noon, noon), "now"},
		{timeUntil(noon.Add(5*time.Second), noon), "in 5 seconds"},
		{timeUntil(noon.Add(4*time.Minute), noon), "in 4 minutes"},
		{sentence(""), "Something went wrong."},
		{sentence("école fermée"), "École fermée."},
		{sentence("Really?"), "Really?"},
		{joinWords([]string{"name"}), "name"},
		{joinWords([]string{"name", "email", "bio"}), "name, email and bio"},
	} {
		if c[0] != c[1] {
			t.Errorf("got %q, want %q", c[0], c[1])
		}
	}
}
