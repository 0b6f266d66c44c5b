package roster

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
)

// Writer writes people to a file, of which Open reads the same people back. Close writes what is
// still held, and what ends the file.
type Writer interface {
	Write(u api.User) error
	Close() error
}

// NewWriter writes a file of a format. A byte order mark is of CSV only.
func NewWriter(out io.Writer, format Format, byteOrderMark bool) (Writer, error) {
	switch format {
	case CSV:
		return NewCSVWriter(out, byteOrderMark)
	case VCard:
		return &cardWriter{bufio.NewWriter(out)}, nil
	case JSON:
		return &arrayWriter{out: bufio.NewWriter(out)}, nil
	case JSONLines:
	}
	return nil, fmt.Errorf("no writer of %s", format)
}

// CSVWriter writes people as CSV (RFC 4180), each cell in quotes: within them, a separator of
// any program is text. Open reads the same people back.
type CSVWriter struct{ out *bufio.Writer }

// NewCSVWriter writes the columns' names. With a byte order mark before them, Excel
// takes the file for UTF-8, and letters beyond ASCII for what they are.
func NewCSVWriter(out io.Writer, byteOrderMark bool) (*CSVWriter, error) {
	w := &CSVWriter{bufio.NewWriter(out)}
	if byteOrderMark {
		if _, err := w.out.WriteString(mark); err != nil {
			return nil, err
		}
	}
	err := w.writeRow(Columns)
	return w, err
}

// Write writes a person.
func (w *CSVWriter) Write(u api.User) error {
	return w.writeRow([]string{
		u.ID, guard(u.Name), guard(u.Email), guard(u.Bio),
		u.CreatedAt.Format(time.RFC3339Nano), u.UpdatedAt.Format(time.RFC3339Nano), strconv.FormatInt(u.Version, 10),
	})
}

// Close implements Writer.
func (w *CSVWriter) Close() error { return w.out.Flush() }

func (w *CSVWriter) writeRow(cells []string) error {
	_, err := w.out.WriteString(quotedRow(cells) + "\n")
	return err
}

func quotedRow(cells []string) string {
	quoted := make([]string, len(cells))
	for i, cell := range cells {
		quoted[i] = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
	}
	return strings.Join(quoted, ",")
}

// cardWriter writes vCard 4.0 (RFC 6350).
type cardWriter struct{ out *bufio.Writer }

// maxFolded is how many bytes of a property a line has, without its end.
const maxFolded = 75

var cardEscapes = strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// Write implements Writer. The id is not ours alone to give there, so people are found by email.
func (w *cardWriter) Write(u api.User) error {
	var card strings.Builder
	property(&card, "BEGIN", "VCARD")
	property(&card, "VERSION", "4.0")
	if u.ID != "" {
		property(&card, "UID", "urn:uuid:"+u.ID)
	}
	property(&card, "FN", cardEscapes.Replace(u.Name))
	if u.Email != "" {
		property(&card, "EMAIL", cardEscapes.Replace(u.Email))
	}
	if u.Bio != "" {
		property(&card, "NOTE", cardEscapes.Replace(u.Bio))
	}
	if !u.UpdatedAt.IsZero() {
		property(&card, "REV", u.UpdatedAt.UTC().Format("20060102T150405Z"))
	}
	property(&card, "END", "VCARD")
	_, err := w.out.WriteString(card.String())
	return err
}

// property adds one to a card, folded between letters.
func property(card *strings.Builder, name, value string) {
	text, room := name+":"+value, maxFolded
	for len(text) > room {
		cut := room
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		card.WriteString(text[:cut] + "\r\n ")
		text, room = text[cut:], maxFolded-1
	}
	card.WriteString(text + "\r\n")
}

// Close implements Writer.
func (w *cardWriter) Close() error { return w.out.Flush() }

// arrayWriter writes a JSON array, with a line for each person.
type arrayWriter struct {
	out   *bufio.Writer
	begun bool
}

// Write implements Writer.
func (w *arrayWriter) Write(u api.User) error {
	before := ",\n"
	if !w.begun {
		before, w.begun = "[\n", true
	}
	if _, err := w.out.WriteString(before); err != nil {
		return err
	}
	_, err := w.out.Write(jsoncodec.Write(u.WriteJSON))
	return err
}

// Close implements Writer.
func (w *arrayWriter) Close() error {
	end := "\n]\n"
	if !w.begun {
		end = "[]\n"
	}
	if _, err := w.out.WriteString(end); err != nil {
		return err
	}
	return w.out.Flush()
}
