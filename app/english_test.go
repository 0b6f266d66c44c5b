package app

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The tests read what a person in Britain reads. In a browser, the browser's own formats are used.
func init() { language = english{} }

type english struct{}

func (english) Code() string              { return "en" }
func (english) RightToLeft() bool         { return false }
func (english) Text(text string) string   { return text }
func (english) Offered() [][2]string      { return [][2]string{{"en", "English"}, {"de", "Deutsch"}} }
func (english) Choose(string) bool        { return false }
func (english) Bytes(n int64) string      { return fmt.Sprint(n, " bytes") }
func (english) Day(t time.Time) string    { return t.Local().Format("2 January 2006") }
func (english) Moment(t time.Time) string { return t.Local().Format("2 January 2006, 15:04") }

func (english) Since(changed string, now time.Time) time.Time {
	year, month, day := now.Date()
	if changed == changedWeek {
		day -= (int(now.Weekday()) + 6) % 7
	}
	return time.Date(year, month, day, 0, 0, 0, 0, now.Location())
}

func (english) Plural(n int, one, other string) string {
	if n == 1 {
		return one
	}
	return other
}

func (english) Number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func (english) List(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func (e english) Relative(n int, unit string) string {
	count := e.Plural(max(n, -n), unit, unit+"s")
	if n < 0 {
		return fmt.Sprintf("%d %s ago", -n, count)
	}
	return fmt.Sprintf("in %d %s", n, count)
}

// speak has a test read another language.
func speak(t *testing.T, l Language) {
	t.Helper()
	was := language
	language = l
	t.Cleanup(func() { language = was })
}
