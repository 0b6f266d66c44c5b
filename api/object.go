package api

import "strings"

// isObject reports whether a text is a JSON object and nothing else. It is json.Valid, several
// times as fast: a document is scanned once, as it arrives, and kept as it is.
func isObject(text []byte) bool {
	s := scanner{text: text}
	return len(text) > 0 && text[0] == '{' && s.value(0) && s.at == len(text)
}

// maxDepth is how deep values may nest, well above any document's.
const maxDepth = 64

// scanner goes through JSON. Its methods return false where the text is not valid.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t' || s.text[s.at] == '\n' || s.text[s.at] == '\r') {
		s.at++
	}
}

// is goes past a character, if it is next.
func (s *scanner) is(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) value(depth int) bool {
	switch {
	case s.at == len(s.text) || depth > maxDepth:
		return false
	case s.text[s.at] == '"':
		return s.quoted()
	case s.is('{'):
		return s.list('}', func() bool {
			if !s.quoted() {
				return false
			}
			s.space()
			if !s.is(':') {
				return false
			}
			s.space()
			return s.value(depth + 1)
		})
	case s.is('['):
		return s.list(']', func() bool { return s.value(depth + 1) })
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(string(s.text[s.at:min(len(s.text), s.at+len(word))]), word) {
			s.at += len(word)
			return true
		}
	}
	return s.number()
}

// list goes past the elements of an object or an array, of which the beginning was passed.
func (s *scanner) list(end byte, element func() bool) bool {
	s.space()
	if s.is(end) {
		return true
	}
	for {
		s.space()
		if !element() {
			return false
		}
		s.space()
		if s.is(end) {
			return true
		}
		if !s.is(',') {
			return false
		}
	}
}

func (s *scanner) quoted() bool {
	if !s.is('"') {
		return false
	}
	for i := s.at; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			s.at = i + 1
			return true
		case c < ' ':
			return false
		case c == '\\':
			i++
			if i < len(s.text) && s.text[i] == 'u' {
				if i+4 >= len(s.text) || !isHex(s.text[i+1:i+5]) {
					return false
				}
				i += 4
			} else if i == len(s.text) || strings.IndexByte(`"\/bfnrt`, s.text[i]) < 0 {
				return false
			}
		}
	}
	return false
}

func isHex(digits []byte) bool {
	for _, c := range digits {
		if (c < '0' || c > '9') && (c|' ' < 'a' || c|' ' > 'f') {
			return false
		}
	}
	return true
}

func (s *scanner) number() bool {
	s.is('-')
	if !s.is('0') && !s.digits() {
		return false
	}
	if s.is('.') && !s.digits() {
		return false
	}
	if s.is('e') || s.is('E') {
		_ = s.is('+') || s.is('-')
		return s.digits()
	}
	return true
}

// digits goes past one or more digits.
func (s *scanner) digits() bool {
	from := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > from
}
