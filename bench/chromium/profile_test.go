package chromium

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestPlaceOf(t *testing.T) {
	for _, test := range []struct{ function, url, want string }{
		{"encoding_json.__decodeState_.object", "http://127.0.0.1:1/dist/rollcall.wasm", "encoding/json"},
		{"github.com_rollcall_rollcall_wasm_idb.__Store_.ask", "wasm://wasm/rollcall.wasm-123", "wasm/idb"},
		{"golang.org_x_text_unicode_norm.Form.String", "http://127.0.0.1:1/dist/rollcall.wasm", "golang.org/x/text/unicode/norm"},
		{"runtime.mallocgc", "wasm://wasm/123", "runtime"},
		{"(idle)", "", "(idle)"}, {"put", "", "put (browser)"},
		{"put", "http://127.0.0.1:1/dist/helper.js", "helper.js"},
	} {
		if got := placeOf(test.function, test.url); got != test.want {
			t.Errorf("%s at %s is in %q, want %q", test.function, test.url, got, test.want)
		}
	}
}

// TestPlaces: a sample lasts until the next one, and the last one is not counted.
func TestPlaces(t *testing.T) {
	var p Profile
	err := json.Unmarshal([]byte(`{"nodes":[{"id":1,"callFrame":{"functionName":"(idle)","url":""}},
		{"id":2,"callFrame":{"functionName":"a","url":"http://x/helper.js"}}],
		"samples":[1,2,1,2],"timeDeltas":[9000,1000,2000,4000]}`), &p)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Places(), map[string]float64{"(idle)": 5, "helper.js": 2}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
