package app

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// joinWords lists words as a sentence does.
func joinWords(words []string) string {
	switch n := len(words); n {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

// plural is a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return formatCount(n) + " " + noun + "s"
}

// formatCount writes a number with commas between thousands.
func formatCount(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// timeAgo says how long ago t was. After a clock was set back t may be ahead of now;
// that is "a few seconds ago".
func timeAgo(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return "a few seconds ago"
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute") + " ago"
	case d < 24*time.Hour:
		return plural(int(d/time.Hour), "hour") + " ago"
	case d < 30*24*time.Hour:
		return plural(int(d/(24*time.Hour)), "day") + " ago"
	}
	return "on " + t.Local().Format("2 January 2006")
}

// timeUntil says how long it is until t.
func timeUntil(t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d <= time.Second:
		return "now"
	case d < time.Minute:
		return "in " + plural(int(d.Round(time.Second)/time.Second), "second")
	}
	return "in " + plural(int(d.Round(time.Minute)/time.Minute), "minute")
}

func formatBytes(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d bytes", n)
	}
	v, names := float64(n)/unit, []string{"kB", "MB", "GB", "TB"}
	for len(names) > 1 && v >= unit {
		v, names = v/unit, names[1:]
	}
	if v < 10 {
		return fmt.Sprintf("%.1f %s", v, names[0])
	}
	return fmt.Sprintf("%.0f %s", v, names[0])
}

// sentence adds the capital letter and the full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return "Something went wrong."
	}
	r, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[n:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}
