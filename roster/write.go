package roster

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
)

// CSVWriter writes people as CSV. Open reads the same people back.
type CSVWriter struct{ out *csv.Writer }

// NewCSVWriter writes the columns' names. With a byte order mark before them, Excel
// takes the file for UTF-8, and letters beyond ASCII for what they are.
func NewCSVWriter(out io.Writer, byteOrderMark bool) (*CSVWriter, error) {
	if byteOrderMark {
		if _, err := io.WriteString(out, mark); err != nil {
			return nil, err
		}
	}
	w := &CSVWriter{csv.NewWriter(out)}
	return w, w.out.Write(Columns)
}

// Write writes a person.
func (w *CSVWriter) Write(u api.User) error {
	return w.out.Write([]string{
		u.ID, guard(u.Name), guard(u.Email), guard(u.Bio),
		u.CreatedAt.Format(time.RFC3339Nano), u.UpdatedAt.Format(time.RFC3339Nano), strconv.FormatInt(u.Version, 10),
	})
}

// Flush writes what is still held.
func (w *CSVWriter) Flush() error {
	w.out.Flush()
	return w.out.Error()
}
