package app

import (
	"html"
	"strings"
	"unicode/utf8"

	"github.com/rollcall/rollcall/api"
)

// mark is a part of a text that a search has found, in bytes.
type mark struct{ from, to int }

// marks returns the parts of a text that a search finds, which is folded: whole letters with their
// accents, of which the search may be a part.
func marks(text, search string) (found []mark) {
	if search == "" {
		return nil
	}
	folded, letters := foldedLetters(text)
	for from := 0; ; {
		i := strings.Index(folded[from:], search)
		if i < 0 {
			return found
		}
		first, last := letters[from+i], letters[from+i+len(search)-1]
		if n := len(found); n > 0 && first.from < found[n-1].to {
			found[n-1].to = last.to // of one letter that folds to several
		} else {
			found = append(found, mark{first.from, last.to})
		}
		from += i + len(search)
	}
}

// foldedLetters folds a text letter by letter, and returns where the letter of each byte of that is.
func foldedLetters(text string) (folded string, letters []mark) {
	var b strings.Builder
	for at, r := range text {
		end := at + utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, n := utf8.DecodeRuneInString(text[at:])
			end = at + n
		}
		f := api.FoldText(text[at:end])
		for i := len(letters) - 1; f == "" && i >= 0 && letters[i].to == at; i-- {
			letters[i].to = end // an accent of the letter before
		}
		b.WriteString(f)
		for range len(f) {
			letters = append(letters, mark{at, end})
		}
	}
	return b.String(), letters
}

// markedHTML is a text with what a search finds in it marked.
func markedHTML(text, search string) string {
	var b strings.Builder
	at := 0
	for _, m := range marks(text, search) {
		b.WriteString(html.EscapeString(text[at:m.from]) + "<mark>" + html.EscapeString(text[m.from:m.to]) + "</mark>")
		at = m.to
	}
	return b.String() + html.EscapeString(text[at:])
}

// An excerpt begins this many characters before what was found, at most, and is this long.
const (
	excerptBefore = 14
	excerptLength = 120
)

// excerpt is the place in a long text where a search finds something, on one line; "" if it finds
// nothing.
func excerpt(text, search string) string {
	text = strings.Join(strings.Fields(text), " ")
	found := marks(text, search)
	if len(found) == 0 {
		return ""
	}
	from := back(text, found[0].from, excerptBefore)
	if from > 0 {
		if i := strings.IndexByte(text[from:found[0].from], ' '); i >= 0 {
			from += i + 1 // a whole word
		}
		return "…" + cut(text[from:], excerptLength)
	}
	return cut(text, excerptLength)
}

// back is where n characters before a place in a text begin.
func back(text string, at, n int) int {
	for ; n > 0 && at > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(text[:at])
		at -= size
	}
	return at
}

// cut is a text of at most n characters.
func cut(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i] + "…"
		}
		n--
	}
	return text
}
