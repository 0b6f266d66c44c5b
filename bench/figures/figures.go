// Package figures computes figures from measurements, and formats them as tables.
package figures

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"
)

// Number is a type of measured values.
type Number interface {
	~int | ~int64 | ~float64
}

// Percentile returns the smallest value that at least p percent of the values do not exceed
// (the nearest rank), 0 if there are none. It sorts the values.
func Percentile[N Number](values []N, p float64) N {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	rank := int(math.Ceil(p / 100 * float64(len(values))))
	return values[min(max(rank, 1), len(values))-1]
}

// Median returns the middle value, or the lower one of the two in the middle. It sorts the
// values.
func Median[N Number](values []N) N { return Percentile(values, 50) }

// Milliseconds formats a duration for a table.
func Milliseconds(d time.Duration) string {
	ms := d.Seconds() * 1000
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.2f", ms)
}

// Table is a table in Markdown.
type Table struct {
	Head []string
	Rows [][]string
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// String returns the table, with a newline after each row.
func (t *Table) String() string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.Head)
	b.WriteString(strings.Repeat("|---", len(t.Head)) + "|\n")
	for _, r := range t.Rows {
		line(r)
	}
	return b.String()
}

// Replace replaces the text between the markers <!-- NAME --> and <!-- /NAME --> of a document.
func Replace(document, name, text string) (string, error) {
	open, end := "<!-- "+name+" -->", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(document, open)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return "", fmt.Errorf("the document lacks the markers %s ... %s", open, end)
	}
	return before + open + "\n" + strings.TrimRight(text, "\n") + "\n" + end + after, nil
}

// ReplaceIn does the same in a file, and nothing if path is "".
func ReplaceIn(path, name, text string) error {
	if path == "" {
		return nil
	}
	document, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("put figures in a document: %w", err)
	}
	with, err := Replace(string(document), name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(with), 0o644); err != nil {
		return fmt.Errorf("put figures in a document: %w", err)
	}
	return nil
}
