package exchange

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// jsonReader reads one JSON object per line.
type jsonReader struct{ source *lineSource }

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

// object is a line. The fields that only the server sets are accepted and ignored.
type object struct {
	ID        string         `json:"id"`
	Name      *string        `json:"name"`
	Email     *string        `json:"email"`
	Bio       *string        `json:"bio"`
	CreatedAt jsontext.Value `json:"createdAt"`
	UpdatedAt jsontext.Value `json:"updatedAt"`
	Version   jsontext.Value `json:"version"`
}

func parseObject(text string) (Entry, string) {
	var o object
	p := store.DecodeObject([]byte(text), &o, "")
	switch {
	case p == nil:
		return Entry{ID: o.ID, Name: o.Name, Email: o.Email, Bio: o.Bio}, ""
	case p.Code == api.CodeUnknownField:
		return Entry{}, "has an unknown field " + p.Errors[0].Field
	case len(p.Errors) > 0:
		return Entry{}, "has a field that is not a string: " + p.Errors[0].Field
	}
	return Entry{}, "is not a valid JSON object: " + p.Title + ", " + p.Detail
}
