package roster

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Encoding is how a file's text is made of bytes.
type Encoding string

const (
	UTF8        Encoding = "utf-8"
	UTF16LE     Encoding = "utf-16le"
	UTF16BE     Encoding = "utf-16be"
	Windows1252 Encoding = "windows-1252"
)

// Encodings are all that can be read.
var Encodings = []Encoding{UTF8, UTF16LE, UTF16BE, Windows1252}

// mark is the byte order mark. It also stands where files were joined.
const mark = "\ufeff"

// encodingOf finds the encoding by the first bytes. Separators, brackets and
// BEGIN:VCARD are ASCII, so UTF-16 shows by its zeros also without a mark. What is
// none of Unicode's shows only where the first letter beyond ASCII is: see census.
func encodingOf(in io.ReadSeeker, said Encoding) (Encoding, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	head := make([]byte, headSize)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	head = head[:n]
	if reason := binaryKind(head); reason != nil {
		return "", refuse(reason)
	}
	found := UTF8
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return "", refuse(Say("it is UTF-32; save it as UTF-8"))
	case bytes.HasPrefix(head, []byte("\xff\xfe")), looksLike(head, binary.LittleEndian):
		found = UTF16LE
	case bytes.HasPrefix(head, []byte("\xfe\xff")), looksLike(head, binary.BigEndian):
		found = UTF16BE
	case bytes.HasPrefix(head, []byte(mark)):
	case bytes.Count(head, []byte{0}) > len(head)/10:
		return "", refuse(Say("it is not a text file. In the program that made it, save it as CSV in UTF-8"))
	case said != "":
		return said, nil
	}
	if said != "" && said != found {
		return "", refuse(Say("its first bytes show that it is {0}, not {1}", found, said))
	}
	return found, nil
}

// looksLike reports whether a file without a mark is UTF-16: it begins with two ASCII letters,
// or it has the zeros of the separators and line ends between letters of any kind, and no
// characters that no text has.
func looksLike(head []byte, order binary.ByteOrder) bool {
	if len(head) < 4 {
		return false
	}
	ascii := func(at int) bool { u := order.Uint16(head[at:]); return u > 0 && u < utf8.RuneSelf }
	if ascii(0) && ascii(2) {
		return true
	}
	const share = 20 // one of so many bytes is a zero, at least
	found := false
	for i := 0; i+1 < len(head); i += 2 {
		switch u := rune(order.Uint16(head[i:])); {
		case utf16.IsSurrogate(u):
			if i+3 < len(head) && utf16.DecodeRune(u, rune(order.Uint16(head[i+2:]))) == utf8.RuneError {
				return false
			}
			i += 2
		case u >= 0xfffe, u < ' ' && u != '\t' && u != '\n' && u != '\r':
			return false
		default:
			found = found || u < utf8.RuneSelf
		}
	}
	return found && bytes.Count(head, []byte{0}) > len(head)/share
}

// bad stands for what is no text in the file's encoding. It is not UTF-8, so that
// the line it is in is refused.
const bad = 0xff

// decode makes UTF-8 of a file.
func decode(in io.Reader, e Encoding) io.Reader {
	switch e {
	case UTF16LE:
		return &decoder{in: bufio.NewReader(in), next: utf16Letter(binary.LittleEndian)}
	case UTF16BE:
		return &decoder{in: bufio.NewReader(in), next: utf16Letter(binary.BigEndian)}
	case Windows1252:
		return &decoder{in: bufio.NewReader(in), next: windows1252Letter}
	}
	return in
}

// decoder reads letter by letter; -1 is what is none.
type decoder struct {
	in   *bufio.Reader
	next func(*bufio.Reader) (rune, error)
	out  []byte // what did not fit
}

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(d.out) == 0 {
			r, err := d.next(d.in)
			if err != nil {
				if n > 0 && errors.Is(err, io.EOF) {
					return n, nil
				}
				return n, err
			}
			if d.out = d.out[:0]; r < 0 {
				d.out = append(d.out, bad)
			} else {
				d.out = utf8.AppendRune(d.out, r)
			}
		}
		copied := copy(p[n:], d.out)
		n, d.out = n+copied, d.out[copied:]
	}
	return n, nil
}

func utf16Letter(order binary.ByteOrder) func(*bufio.Reader) (rune, error) {
	return func(in *bufio.Reader) (rune, error) {
		unit, err := in.Peek(2)
		if len(unit) < 2 {
			if len(unit) == 1 && errors.Is(err, io.EOF) { // cut off within a letter
				_, _ = in.Discard(1)
				return -1, nil
			}
			return 0, err
		}
		r := rune(order.Uint16(unit))
		_, _ = in.Discard(2) // it was peeked at
		if !utf16.IsSurrogate(r) {
			return r, nil
		}
		if unit, err = in.Peek(2); len(unit) < 2 {
			if errors.Is(err, io.EOF) {
				return -1, nil
			}
			return 0, err
		}
		if r = utf16.DecodeRune(r, rune(order.Uint16(unit))); r == utf8.RuneError {
			return -1, nil
		}
		_, _ = in.Discard(2)
		return r, nil
	}
}

// windows1252 is where it differs from ISO 8859-1: 0x80 to 0x9f. A test holds it to
// golang.org/x/text, whose tables of all such encodings would be in the app.
var windows1252 = [32]rune{
	'€', -1, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', -1, 'Ž', -1,
	-1, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', -1, 'ž', 'Ÿ',
}

func windows1252Rune(b byte) rune {
	if b >= 0x80 && b < 0xa0 {
		return windows1252[b-0x80]
	}
	return rune(b)
}

// windows1252Byte is the reverse; ok is false for letters it lacks.
func windows1252Byte(r rune) (b byte, ok bool) {
	if r < 0x80 || (r >= 0xa0 && r <= 0xff) {
		return byte(r), true
	}
	for i, known := range windows1252 {
		if known == r {
			return byte(0x80 + i), true
		}
	}
	return 0, false
}

func windows1252Letter(in *bufio.Reader) (rune, error) {
	b, err := in.ReadByte()
	return windows1252Rune(b), err
}

// fromWindows1252 decodes a text; what is no letter stays no text.
func fromWindows1252(s string) string {
	out := make([]byte, 0, len(s)+16)
	for _, b := range []byte(s) {
		if r := windows1252Rune(b); r < 0 {
			out = append(out, bad)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}
