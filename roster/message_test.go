package roster_test

import (
	"encoding/json"
	"testing"

	"github.com/rollcall/rollcall/roster"
)

// TestMessages: what is said in English is put together as another language would, and sent with its parts.
func TestMessages(t *testing.T) {
	tests := []struct {
		message       *roster.Message
		english, sent string
	}{
		{roster.Say("it is empty"), "it is empty", `{"text":"it is empty"}`},
		{roster.Say("{1} for {0}", "{1}", 7), "7 for {1}", `{"text":"{1} for {0}","args":["{1}",7]}`},
		{roster.Say("{0} is required", roster.Field("email")), "email is required", `{"text":"{0} is required","args":[{"field":"email"}]}`},
		{roster.SayN(1, "{n} line of {0}", "{n} lines of {0}", "a"), "1 line of a", `{"text":"{n} lines of {0}","one":"{n} line of {0}","n":1,"args":["a"]}`},
		{roster.SayN(2, "{n} line", "{n} lines"), "2 lines", `{"text":"{n} lines","one":"{n} line","n":2}`},
	}
	for _, test := range tests {
		if got := test.message.String(); got != test.english {
			t.Errorf("it says %q, want %q", got, test.english)
		}
		if got, err := json.Marshal(test.message); err != nil || string(got) != test.sent {
			t.Errorf("it is sent as %s (%v), want %s", got, err, test.sent)
		}
	}
}
