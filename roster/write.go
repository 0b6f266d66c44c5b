package roster

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
)

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

// Flush writes what is still held.
func (w *CSVWriter) Flush() error { return w.out.Flush() }

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
