//go:build js && wasm

package browser

import (
	"syscall/js"
	"time"
)

// Language is the page's rollcallLanguage: web/language.js says what it does. What it has for a text
// it is asked once.
type Language struct{ texts map[string]string }

// NewLanguage returns the page's language, once its texts have been loaded.
func NewLanguage() *Language { return &Language{texts: map[string]string{}} }

func (l *Language) call(method string, args ...any) js.Value {
	return global.Get("rollcallLanguage").Call(method, args...)
}

// Code is the language's, as BCP 47 has it.
func (l *Language) Code() string { return global.Get("rollcallLanguage").Get("code").String() }

// RightToLeft says which way it is written.
func (l *Language) RightToLeft() bool {
	return global.Get("rollcallLanguage").Get("rightToLeft").Bool()
}

// Text is an English text in the language.
func (l *Language) Text(english string) string {
	text, ok := l.texts[english]
	if !ok {
		text = l.call("text", english).String()
		l.texts[english] = text
	}
	return text
}

// Plural is a text about n things.
func (l *Language) Plural(n int, one, other string) string {
	return l.call("plural", n, one, other).String()
}

// Number writes a number.
func (l *Language) Number(n int) string { return l.call("number", n).String() }

// Bytes writes a size.
func (l *Language) Bytes(n int64) string { return l.call("bytes", n).String() }

// List lists words as a sentence does.
func (l *Language) List(words []string) string {
	list := make([]any, len(words))
	for i, word := range words {
		list[i] = word
	}
	return l.call("list", list).String()
}

// Since is when a day or its week has begun.
func (l *Language) Since(changed string, now time.Time) time.Time {
	return time.UnixMilli(int64(l.call("since", changed, now.UnixMilli()).Float()))
}

// Day writes a date.
func (l *Language) Day(t time.Time) string { return l.call("day", t.UnixMilli()).String() }

// Moment writes a date with the time of day.
func (l *Language) Moment(t time.Time) string { return l.call("moment", t.UnixMilli()).String() }

// Relative says in how many units something is, or how many ago if n is negative.
func (l *Language) Relative(n int, unit string) string { return l.call("relative", n, unit).String() }

// Offered are the codes and names of all languages.
func (l *Language) Offered() (offered [][2]string) {
	list := global.Get("rollcallLanguage").Get("offered")
	for i := range list.Length() {
		offered = append(offered, [2]string{list.Index(i).Index(0).String(), list.Index(i).Index(1).String()})
	}
	return offered
}

// Choose loads the page anew in a language.
func (l *Language) Choose(code string) bool { return l.call("choose", code).Bool() }
