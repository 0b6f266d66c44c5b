package app

import (
	"strings"
	"time"
)

// Language writes texts, numbers and times as the person reads them.
type Language interface {
	// Code is the language's, as BCP 47 has it, and RightToLeft says which way it is written.
	Code() string
	RightToLeft() bool
	// Text is an English text in the language, or the English one where there is none. Plural is that
	// of a text about n things.
	Text(english string) string
	Plural(n int, one, other string) string

	Number(n int) string
	Bytes(n int64) string
	List(words []string) string // "a, b and c"
	Day(t time.Time) string
	Moment(t time.Time) string // with the time of day
	// Since is when the day of now, or its week, has begun where the person is: changedToday or changedWeek.
	Since(changed string, now time.Time) time.Time
	Relative(n int, unit string) string // "in 3 minutes"; of -3, "3 minutes ago"

	// Offered are the code and the own name of each language. Choose loads the page anew in one, or
	// returns false if the browser does not keep that.
	Offered() [][2]string
	Choose(code string) bool
}

// language is set once, before anything is shown.
var language Language

// tr is a text of the app with its arguments in the places {0}, {1} and so on.
func tr(english string, args ...string) string { return fill(language.Text(english), "", args) }

// trn is a text about n things; {n} is the number. Its arguments are those of tr.
func trn(n int, one, other string, args ...string) string {
	return fill(language.Plural(n, one, other), language.Number(n), args)
}

// trLater marks a text that tr is given elsewhere: a table is made before the language is known.
func trLater(english string) string { return english }

// inARow joins sentences. Not every language has a space between them.
func inARow(sentences ...string) string { return strings.Join(sentences, tr(" ")) }

// fill puts the arguments into a text. What they contain themselves is no place.
func fill(pattern, number string, args []string) string {
	if !strings.Contains(pattern, "{") {
		return pattern
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(pattern, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		switch i := strings.IndexByte(rest, '}'); {
		case i == 1 && rest[0] == 'n' && number != "":
			b.WriteString(number)
			pattern = rest[2:]
		case i == 1 && rest[0] >= '0' && int(rest[0]-'0') < len(args):
			b.WriteString(args[rest[0]-'0'])
			pattern = rest[2:]
		default:
			b.WriteByte('{')
			pattern = rest
		}
	}
}
