package store_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// TestDecodeObject: what can't be taken as it was meant is refused, with its field's path.
func TestDecodeObject(t *testing.T) {
	long := strings.Repeat("é", 500)
	for _, test := range []struct {
		text        string
		code        api.Code
		field, says string // the first error, or else a part of the detail
	}{
		{``, api.CodeMalformed, "", "single JSON object"},
		{` [1]`, api.CodeMalformed, "", "single JSON object"},
		{`{"id":"a"`, api.CodeMalformed, "", "at byte 9"},
		{`{"id":"a"} x`, api.CodeMalformed, "", "at byte 11"},
		{`{"id":"a","id":"a"}`, api.CodeMalformed, "", "in.id: give it only once"},
		{`{"id":"\ud83d"}`, api.CodeMalformed, "", "in.id: invalid surrogate pair"},
		{"{\"id\":\"\xff\"}", api.CodeMalformed, "", "in.id: invalid UTF-8"},
		{`{"ID":"a"}`, api.CodeUnknownField, "in.ID", "is unknown"},
		{`{"` + long + `":1}`, api.CodeUnknownField, "in." + strings.Repeat("é", 98) + "…", "is unknown"},
		{`{"id":7}`, api.CodeInvalid, "in.id", "must not be a JSON number"},
		{`{"id":false}`, api.CodeInvalid, "in.id", "must not be a JSON boolean"},
		{`{"id":{"a":"b"}}`, api.CodeInvalid, "in.id", "must not be a JSON object"},
		{`{"id":[]}`, api.CodeInvalid, "in.id", "must not be a JSON array"},
		{`{"baseVersion":"1"}`, api.CodeInvalid, "in.baseVersion", "must not be a JSON string"},
		{`{"baseVersion":1.5}`, api.CodeInvalid, "in.baseVersion", "must be a whole number in range"},
		{`{"baseVersion":1e99}`, api.CodeInvalid, "in.baseVersion", "must be a whole number in range"},
		{`{"createdAt":"today"}`, api.CodeInvalid, "in.createdAt", "must be an RFC 3339 time"},
		{`{"createdAt":"2026-01-31T9:00:00Z"}`, api.CodeInvalid, "in.createdAt", "must be an RFC 3339 time"},
	} {
		var op api.Operation
		p := store.DecodeObject([]byte(test.text), &op, "in")
		if p == nil {
			t.Errorf("%s: taken as %+v", test.text, op)
			continue
		}
		field, says := "", p.Detail
		if len(p.Errors) > 0 {
			field, says = p.Errors[0].Field, p.Errors[0].Detail
		}
		if p.Code != test.code || field != test.field || !strings.Contains(says, test.says) || p.Status != 400 {
			t.Errorf("%.80s: %+v", test.text, p)
		}
	}
	var op api.Operation
	allowed := []jsontext.Options{jsontext.AllowDuplicateNames(true)}
	if p := store.DecodeObject([]byte(` {"id":"a","id":"b","data":null,"createdAt":null} `), &op, "", allowed...); p != nil || op.ID != "b" {
		t.Errorf("what is allowed: %+v, %+v", op, p)
	}
}
