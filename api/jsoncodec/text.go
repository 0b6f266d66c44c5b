package jsoncodec

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted goes past a text and returns what is between its quotes, and whether that is the
// text itself: without escapes, and UTF-8.
func (r *Reader) quoted() (raw []byte, plain bool) {
	if !r.take('"') {
		r.fail("a text")
		return nil, true
	}
	from, ascii, escapes := r.at, true, false
	for text, at := r.text, r.at; at < len(text); at++ {
		c := text[at]
		if c-' ' < utf8.RuneSelf-' ' && c != '"' && c != '\\' { // nearly all are
			continue
		}
		r.at = at
		switch {
		case c == '"':
			raw = text[from:at]
			r.at++
			return raw, !escapes && (ascii || utf8.Valid(raw))
		case c == '\\':
			escapes = true
			r.at++
			if !r.escape() {
				r.fail("an escape")
				return nil, true
			}
			at = r.at - 1
		case c < ' ':
			r.fail("a text without control characters")
			return nil, true
		default:
			ascii = false
		}
	}
	r.at = len(r.text)
	r.fail("the end of a text")
	return nil, true
}

// escape goes past what follows a backslash.
func (r *Reader) escape() bool {
	if !r.is('u') {
		ok := r.at < len(r.text) && strings.IndexByte(`"\/bfnrt`, r.text[r.at]) >= 0
		r.at++
		return ok
	}
	_, ok := codeUnit(r.text[r.at:])
	r.at += 4
	return ok
}

// codeUnit reads four hex digits.
func codeUnit(digits []byte) (unit rune, ok bool) {
	if len(digits) < 4 {
		return 0, false
	}
	for _, c := range digits[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|' ' && c|' ' <= 'f':
			c = c | ' ' - 'a' + 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// unquote returns the text that a valid raw text stands for. What is not UTF-8, and half a
// surrogate pair, becomes U+FFFD.
func unquote(raw []byte) []byte {
	text := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c >= utf8.RuneSelf:
			char, size := utf8.DecodeRune(raw[i:])
			text = utf8.AppendRune(text, char)
			i += size
		case c != '\\':
			text = append(text, c)
			i++
		case raw[i+1] != 'u':
			text = append(text, unescaped(raw[i+1]))
			i += 2
		default:
			char, size := escapedRune(raw[i:])
			text = utf8.AppendRune(text, char)
			i += size
		}
	}
	return text
}

// escapedRune reads one or, for a surrogate pair, two escapes of code units.
func escapedRune(raw []byte) (char rune, size int) {
	const escape = len(`\u0000`)
	char, _ = codeUnit(raw[2:])
	if !utf16.IsSurrogate(char) {
		return char, escape
	}
	if rest := raw[escape:]; len(rest) >= escape && rest[0] == '\\' && rest[1] == 'u' {
		low, _ := codeUnit(rest[2:])
		if pair := utf16.DecodeRune(char, low); pair != utf8.RuneError {
			return pair, 2 * escape
		}
	}
	return utf8.RuneError, escape
}

// unescaped is what a character stands for behind a backslash.
func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
