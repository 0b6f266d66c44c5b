package app

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall/rollcall/api"
)

// mark is a part of a text that a search has found, in bytes.
type mark struct{ from, to int }

// marks returns the parts of a text that a search finds, which is folded: each of its words, by whole
// letters with their accents, of which a word may be a part.
func marks(text, search string) (found []mark) {
	words := strings.Fields(search)
	if len(words) == 0 {
		return nil
	}
	folded, letters := foldedLetters(text)
	marked := make([]bool, len(text)+1)
	for _, word := range words {
		for from := 0; ; {
			i := strings.Index(folded[from:], word)
			if i < 0 {
				break
			}
			for at := letters[from+i].from; at < letters[from+i+len(word)-1].to; at++ {
				marked[at] = true
			}
			from += i + len(word)
		}
	}
	for at, is := range marked {
		switch {
		case is && (at == 0 || !marked[at-1]):
			found = append(found, mark{at, at})
		case !is && at > 0 && marked[at-1]:
			found[len(found)-1].to = at
		}
	}
	return found
}

// missing are the words of a search that two texts do not have.
func missing(search, a, b string) string {
	text, words := api.FoldText(a+"\n"+b), ""
	for _, word := range strings.Fields(search) {
		if !strings.Contains(text, word) {
			words += " " + word
		}
	}
	return words
}

// foldedLetters folds a text letter by letter, and returns where the letter of each byte of that is.
func foldedLetters(text string) (folded string, letters []mark) {
	var b strings.Builder
	for at := 0; at < len(text); {
		end := at + letter(text[at:])
		f := api.FoldText(text[at:end])
		b.WriteString(f)
		for range len(f) {
			letters = append(letters, mark{at, end})
		}
		at = end
	}
	return b.String(), letters
}

// letter is the length of what a reader takes for the first letter of a text, with all that belongs to
// it: an extended grapheme cluster (Unicode Standard Annex 29), for the scripts and signs that names have.
func letter(text string) int {
	last, end := utf8.DecodeRuneInString(text)
	for flags := 1; end < len(text); {
		next, size := utf8.DecodeRuneInString(text[end:])
		switch {
		case extends(next):
		case last == zeroWidthJoiner && !unicode.IsSpace(next), joins(last) && unicode.IsLetter(next):
		case isFlagPart(last) && isFlagPart(next) && flags%2 == 1:
			flags++
		default:
			return end
		}
		last, end = next, end+size
	}
	return end
}

const zeroWidthJoiner = '\u200d'

// extends reports whether a character belongs to the one before it.
func extends(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case r == '\u200c', r == zeroWidthJoiner, r == 'ำ', r == 'ຳ', r == '\uff9e', r == '\uff9f', // voiced marks of half-width kana
		r >= 0x1f3fb && r <= 0x1f3ff, r >= 0xe0020 && r <= 0xe007f: // colours and ends of emoji
		return true
	}
	return unicode.Is(unicode.M, r)
}

// joins reports whether a mark binds the next consonant to the one before it.
func joins(r rune) bool {
	switch r {
	case '\u094d', '\u09cd', '\u0acd', '\u0b4d', '\u0c4d', '\u0d4d':
		return true
	}
	return false
}

func isFlagPart(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

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

// back is where about n characters before a place in a text begin.
func back(text string, at, n int) int {
	for ; at > 0; n-- {
		r, _ := utf8.DecodeRuneInString(text[at:])
		if n <= 0 && !extends(r) {
			break
		}
		_, size := utf8.DecodeLastRuneInString(text[:at])
		at -= size
	}
	return at
}

// cut is a text of at most n letters.
func cut(text string, n int) string {
	for i := 0; i < len(text); i += letter(text[i:]) {
		if n == 0 {
			return text[:i] + "…"
		}
		n--
	}
	return text
}
