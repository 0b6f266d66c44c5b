package app

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// document is a user's document as far as the pages look into it. Parts that are
// broken or missing are empty.
type document map[string]json.RawMessage

func parseDocument(raw json.RawMessage) document {
	var d document
	if json.Unmarshal(raw, &d) != nil {
		return nil
	}
	return d
}

func (d document) text(field string) string { return fieldText(d[field]) }

// fieldText is a field's value as a person reads it.
func fieldText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// subject is the name of the user an operation is about: as it was before, or as
// it is called now when it is new.
func subject(o queue.Operation) string {
	for _, raw := range []json.RawMessage{o.Base, o.Data} {
		if name := parseDocument(raw).text("name"); name != "" {
			return name
		}
	}
	return "a user"
}

// describe says what an operation does.
func describe(o queue.Operation) string {
	switch o.Type {
	case api.Create:
		return "Add " + subject(o)
	case api.Delete:
		return "Delete " + subject(o)
	}
	data := parseDocument(o.Data)
	var fields []string
	for _, f := range api.UserFields {
		if _, set := data[f]; set {
			fields = append(fields, f)
		}
	}
	return "Change " + list(fields) + " of " + subject(o)
}

// list joins words as a sentence does.
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

// progress says where an operation stands.
func progress(o queue.Operation, now time.Time) string {
	switch o.State {
	case queue.Sending:
		return "Being sent."
	case queue.Waiting:
		if o.NextAttemptAt.IsZero() {
			return "Waiting to be sent again."
		}
		return "Next try " + until(o.NextAttemptAt, now) + "."
	case queue.Rejected:
		return "The server refused it."
	}
	return "Waiting to be sent."
}

// why is an operation's last error as a sentence, "" when it has none.
func why(o queue.Operation) string {
	if o.LastError == nil {
		return ""
	}
	return problemText(o.LastError)
}

func operationIcon(o queue.Operation) string {
	switch {
	case o.State == queue.Rejected:
		return "alert"
	case o.Type == api.Create:
		return "plus"
	case o.Type == api.Delete:
		return "trash"
	}
	return "edit"
}

// canEdit reports whether there is a user to edit: not when it is to be deleted.
func canEdit(o queue.Operation) bool { return o.Type != api.Delete }
