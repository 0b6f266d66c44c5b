package exchange

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// jsonReader reads one JSON object a line.
type jsonReader struct{ source *source }

// Next implements Reader.
func (r *jsonReader) Next() (Line, error) {
	for {
		text, err := r.source.next()
		if err != nil {
			return Line{}, err
		}
		line := Line{Number: r.source.number, Problem: text.problem()}
		if line.Problem == "" && strings.TrimSpace(text.text) == "" {
			continue
		}
		if line.Problem == "" {
			line.Entry, line.Problem = parseObject(text.text)
		}
		return line, nil
	}
}

func parseObject(text string) (Entry, string) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil || fields == nil {
		return Entry{}, "is not a JSON object" + reason(err)
	}
	for name := range fields {
		if !slices.Contains(columns, name) {
			return Entry{}, "has a field " + name + ", which is not known"
		}
	}
	var e struct{ ID, Name, Email, Bio *string }
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return Entry{}, "has a field that is not text" + reason(err)
	}
	entry := Entry{Name: e.Name, Email: e.Email, Bio: e.Bio}
	if e.ID != nil {
		entry.ID = *e.ID
	}
	return entry, ""
}

func reason(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return ": " + syntax.Error()
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return ": " + strings.ToLower(kind.Field)
	}
	return ""
}
