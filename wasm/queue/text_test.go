package queue_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// TestALetterTypedAndDeletedIsNoChange: a form gives line ends and composition back in another
// form than an older program stored them.
func TestALetterTypedAndDeletedIsNoChange(t *testing.T) {
	old := json.RawMessage(`{"id":"a","name":"E\u0301mile\u200b","bio":"one\r\ntwo"}`)
	for data, want := range map[string]string{
		`{"bio":"one\ntwo"}`:                      "",
		`{"name":"Émile","bio":"one\ntwo"}`:       "",
		`{"name":"Emile","bio":"one\ntwo"}`:       `{"name":"Emile"}`,
		`{"name":"Émile","bio":"one\ntwo\nmore"}`: `{"bio":"one\ntwo\nmore"}`,
	} {
		e := queue.Entity{Ref: queue.Ref{Type: "user", ID: "a"}, Confirmed: &queue.Row{Version: 1, Document: old}}
		err := e.Enqueue(queue.Write{ID: "op", Type: api.Update, Data: json.RawMessage(data), At: time.Unix(1, 0)})
		got := ""
		if len(e.Operations) > 0 {
			got = string(e.Operations[0].Data)
		}
		if err != nil || got != want {
			t.Errorf("%s makes the operation %s (%v), want %s", data, got, err, want)
		}
	}
}

func TestSameValueOfWhatIsNoText(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`1`, `1.0`, true}, {`null`, `null`, true}, {`null`, `""`, false}, {``, `""`, false}, {`["a\r\n"]`, `["a\n"]`, false}, {`"a`, `"b`, false},
		{`""`, `null`, false}, {`""`, ``, false}, {`1`, `""`, false}, {`""`, `{}`, false}, {`"a"`, `"a`, false},
	} {
		if got := queue.SameValue(json.RawMessage(c.a), json.RawMessage(c.b)); got != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}
