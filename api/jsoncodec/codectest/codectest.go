// Package codectest holds codecs to encoding/json in tests.
package codectest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api/jsoncodec"
)

// Nasty are texts that are hard to read right wherever they stand.
var Nasty = []string{
	``, ` `, `null`, ` null `, `nul`, `true`, `fals`, `0`, `-0`, `01`, `1.`, `.5`, `-`, `1e`, `1E+2`, `1e400`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775809`,
	`""`, `"`, `"\"`, `"\u12"`, `"\x"`, `"\/\b\f\n\r\t\\\""`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dA"`, `"\ud83d\ud83d\ude00"`, `"\ude00\ud83d"`, `"\u0000"`, `"\uFFFD"`,
	"\"\xff\xe2\x80\"", "\"\x1f\"", "\"\x7f\"", "\"\u2028\u2029<>&\"", "\"a\xf0\x9f\"", `"` + "\u00e9\U0001f600" + `"`,
	`{}`, `[]`, `{} {}`, `[1,]`, `[,1]`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a" : [ 1 , { "b" : null } ] , "c":"d e" }`, `{"a":1]`, `[1}`, "\x00", "{}\x00", "\ufeff{}",
	`"2026-03-01T09:00:00Z"`, `"2026-03-01T09:00:00.123456789+02:00"`, `"2026-03-01t09:00:00Z"`, `"2026-02-30T09:00:00Z"`, `"2026-03-01T9:00:00Z"`, `"2026-03-01T09:00:00,5Z"`,
	`"0001-01-01T00:00:00Z"`, `"10000-01-01T00:00:00Z"`, `"2026-03-01T09:00:00+24:00"`, `"2026\u002d03-01T09:00:00Z"`,
}

// Seed gives a fuzz target the nasty texts, by themselves and as the value of each member.
func Seed(f *testing.F, members ...string) {
	for _, text := range Nasty {
		f.Add([]byte(text))
		for _, name := range members {
			f.Add([]byte(`{"` + name + `":` + text + `}`))
		}
	}
}

// Reads checks that a text is read as encoding/json reads it into a T.
func Reads[T any](t *testing.T, text []byte, read func(*jsoncodec.Reader) T) {
	t.Helper()
	ReadsAs(t, text, read, func(*T) {})
}

// ReadsAs is Reads of a type that is changed once encoding/json has read it.
func ReadsAs[T any](t *testing.T, text []byte, read func(*jsoncodec.Reader) T, change func(*T)) {
	t.Helper()
	var want T
	if !alike(text, fieldsOf(reflect.TypeOf(&want), map[reflect.Type]bool{})) {
		return
	}
	wrong := json.Unmarshal(text, &want)
	change(&want)
	got, err := jsoncodec.Parse(text, read)
	if (err == nil) != (wrong == nil) || err == nil && !reflect.DeepEqual(got, want) {
		t.Errorf("%q is read as %+v (%v), want %+v (%v)", text, got, err, want, wrong)
	}
}

// Writes checks that a value is written as encoding/json writes it. What it can't write is
// no matter.
func Writes[T any](t *testing.T, value T, write func(*jsoncodec.Writer)) {
	t.Helper()
	want, err := json.Marshal(value)
	if err != nil {
		return
	}
	if got := jsoncodec.Write(write); !bytes.Equal(got, want) {
		t.Errorf("%+v is written as\n%s, want\n%s", value, got, want)
	}
}

// alike reports whether encoding/json and jsoncodec should read a text alike: no object has
// two members of one name, or one that is a field's but for upper and lower case.
func alike(text []byte, fields []string) bool {
	return !json.Valid(text) || alikeValue(json.NewDecoder(bytes.NewReader(text)), fields)
}

func alikeValue(d *json.Decoder, fields []string) bool {
	d.UseNumber()
	begin, err := d.Token()
	if _, nests := begin.(json.Delim); err != nil || !nests {
		return true
	}
	var names []string
	for d.More() {
		if begin == json.Delim('{') {
			token, err := d.Token()
			name, ok := token.(string)
			same := func(other string) bool { return strings.EqualFold(name, other) }
			if err != nil || !ok || slices.ContainsFunc(names, same) || slices.ContainsFunc(fields, same) && !slices.Contains(fields, name) {
				return false
			}
			names = append(names, name)
		}
		if !alikeValue(d, fields) {
			return false
		}
	}
	_, err = d.Token()
	return err == nil
}

// fieldsOf names what encoding/json reads into a type, and into what it consists of.
func fieldsOf(t reflect.Type, seen map[reflect.Type]bool) (names []string) {
	if seen[t] {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return fieldsOf(t.Elem(), seen)
	case reflect.Struct:
		for field := range t.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				name = field.Name
			}
			names = append(append(names, name), fieldsOf(field.Type, seen)...)
		}
	}
	return names
}
