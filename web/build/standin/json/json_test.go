package json_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/web/build/standin/json"
)

// failure encodes itself as go-app's errors do.
type failure struct{ message string }

func (f failure) Error() string {
	b, err := json.Marshal(f)
	return string(b) + errorText(err)
}

func errorText(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func (f failure) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Message string
		Tags    map[string]any
	}{f.message, map[string]any{"path": "/users"}})
}

func TestErrorsStayLegible(t *testing.T) {
	if got := (failure{"it failed"}).Error(); got != "{Message:it failed Tags:map[path:/users]}" {
		t.Errorf("the error says %q", got)
	}
	if b, err := json.MarshalIndent([]string{"a"}, "", " "); err != nil || !strings.Contains(string(b), "a") {
		t.Errorf("%s %v", b, err)
	}
}

func TestNothingIsRead(t *testing.T) {
	var s string
	if err := json.Unmarshal([]byte(`"a"`), &s); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%q %v", s, err)
	}
}
