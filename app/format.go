package app

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// joinWords lists words as a sentence does.
func joinWords(words []string) string {
	if len(words) == 0 {
		return tr("nothing")
	}
	return language.List(words)
}

// formatCount writes a number with its thousands set apart.
func formatCount(n int) string { return language.Number(n) }

// timeAgo says how long ago t was. After a clock was set back t may be ahead of now;
// that is "a few seconds ago".
func timeAgo(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return tr("a few seconds ago")
	case d < time.Hour:
		return language.Relative(-int(d/time.Minute), "minute")
	case d < 24*time.Hour:
		return language.Relative(-int(d/time.Hour), "hour")
	case d < 30*24*time.Hour:
		return language.Relative(-int(d/(24*time.Hour)), "day")
	}
	return tr("on {0}", language.Day(t))
}

// timeUntil says how long it is until t.
func timeUntil(t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d <= time.Second:
		return tr("now")
	case d < time.Minute:
		return language.Relative(int(d.Round(time.Second)/time.Second), "second")
	}
	return language.Relative(int(d.Round(time.Minute)/time.Minute), "minute")
}

// sentence adds the capital letter and the full stop to a text of others, which is English.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return tr("Something went wrong.")
	}
	r, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[n:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}
