package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzIsObject: what counts as an object is what encoding/json takes for one, but for those
// that nest deeper than any document.
func FuzzIsObject(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":1}`, `{ "a" : [ 1 , -0.5e+7, true , false,null,"x\u00e4\n" ] , "b":{} }`, `{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":1e}`,
		`{"a":"\x"}`, `{"a":"\u00g0"}`, `{"a":"\u00"}`, "{\"a\":\"\n\"}", `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":[1,]}`, `[]`, `null`, ``, `{`, `{"a":tru}`,
		`{"a":"`, `{"a":"\`, `{} x`, `{}{}`, ` {}`, `{"a":nul`, `{"a" 1}`, `{"a":1 "b":2}`, `{a:1}`, "{\"\xff\":\"\xff\"}", strings.Repeat(`{"a":`, 60) + "{}" + strings.Repeat("}", 60),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want := bytes.HasPrefix(text, []byte("{")) && bytes.HasSuffix(text, []byte("}")) && json.Valid(text)
		if got := isObject(text); got != want && bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) <= maxDepth {
			t.Errorf("%q is an object: %v, want %v", text, got, want)
		}
	})
}

func TestAnObjectNestsSoDeep(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)) }
	if !isObject(deep(maxDepth)) || isObject(deep(maxDepth+1)) || isObject(deep(1_000_000)) {
		t.Error("the depth of an object is not bounded as it says")
	}
}
