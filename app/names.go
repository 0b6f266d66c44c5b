package app

import (
	"net/url"
	"strings"
	"unicode"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// Direction controls. An isolate keeps the direction of what is between it and its pop
// from the text around.
const (
	firstStrongIsolate = '\u2068'
	popIsolate         = '\u2069'
)

// balanced is a text whose isolates are all closed within it: one left open, or closed
// once too often, would turn the text around.
func balanced(text string) string {
	if !strings.ContainsAny(text, "\u2066\u2067\u2068\u2069") {
		return text
	}
	var b strings.Builder
	open := 0
	for _, r := range text {
		switch r {
		case '\u2066', '\u2067', firstStrongIsolate:
			open++
		case popIsolate:
			if open == 0 {
				continue
			}
			open--
		}
		b.WriteRune(r)
	}
	return b.String() + strings.Repeat(string(popIsolate), open)
}

// turning are the characters that can turn the text around them: those written from the
// right, and the direction controls.
var turning = &unicode.RangeTable{
	R16: []unicode.Range16{{0x0590, 0x08FF, 1}, {0x200E, 0x200F, 1}, {0x202A, 0x202E, 1}, {0x2066, 0x2069, 1}, {0xFB1D, 0xFDFF, 1}, {0xFE70, 0xFEFF, 1}},
	R32: []unicode.Range32{{0x10800, 0x10FFF, 1}, {0x1E800, 0x1EFFF, 1}},
}

// isolate makes a person's text part of a sentence. Text that can turn nothing around
// stays as it is, where the sentence is written from the left.
func isolate(text string) string {
	if text == "" || !language.RightToLeft() && !strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(turning, r) }) {
		return text
	}
	return string(firstStrongIsolate) + balanced(text) + string(popIsolate)
}

// personText shows a name or an email: as it is, whatever its direction, and in no
// translation.
func personText(text string) ui.UI {
	return ui.Bdi().Class("notranslate").Attr("translate", "no").Text(balanced(text))
}

// foundHTML is personText as HTML, with what a search has found marked.
func foundHTML(text, search string) string {
	return `<bdi class="notranslate" translate="no">` + markedHTML(balanced(text), search) + `</bdi>`
}

// withName is a text in which a name is not to be translated.
func withName(text, name string) []ui.UI {
	before, after, found := strings.Cut(text, name)
	if name == "" || !found {
		return []ui.UI{ui.Text(text)}
	}
	return []ui.UI{ui.Text(before), personText(name), ui.Text(after)}
}

// mailto is the address of a new mail to an email address. RFC 6068: what is no letter
// or digit is escaped, or it would begin another recipient or a header.
func mailto(email string) string {
	at := strings.LastIndexByte(email, '@')
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	if at < 0 {
		return "mailto:" + escape(email)
	}
	return "mailto:" + escape(email[:at]) + "@" + escape(email[at+1:])
}
