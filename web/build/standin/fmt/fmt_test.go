package fmt_test

import (
	"bytes"
	"errors"
	real "fmt"
	"io"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/web/build/standin/fmt"
)

type (
	named   string
	number  int8
	pointer struct{ text string }
)

func (p *pointer) String() string { return p.text }

// values are of each kind that the program formats.
var values = map[string][]any{
	"%s": {"a", "", "ä%d", named("n"), []byte("bytes"), errors.New("wrong"), time.Second, &pointer{"p"}, (*pointer)(nil), []string{"a", "b"}, []error{io.EOF}},
	"%v": {
		"a", named("n"), 1, -7, int64(1 << 40), uint8(3), number(4), 1.5, float32(0.1), 1e21, true, nil, io.EOF, time.Minute, &pointer{"p"},
		(*pointer)(nil), []string{}, []string{"a", "b"}, []int{1, 2}, [2]bool{true}, []any{"a", 1, nil}, []byte{1, 2}, []time.Duration{time.Second},
	},
	"%+v":   {"a", 3, io.EOF},
	"%d":    {1, -7, int64(1 << 40), uint8(3), number(4), time.Second, []int{1, 2}},
	"%03d":  {1, 1234, uint16(12)},
	"%5d":   {1, 1234567},
	"%012x": {int64(1 << 33), uint64(255), 0},
	"%x":    {"añ", []byte{0, 255}, 255, named("n")},
	"%q":    {"a \"b\"\n", named("n"), io.EOF, []string{"a", "ü"}, []byte("b"), time.Second},
	"%.1f":  {1.25, 2.0, float64(3)},
	"%.0f":  {1.5, 99.6},
	"%T":    {"a", 1, io.EOF, &pointer{}, nil, []string{}},
	"%t":    {true},
	"%6s":   {"ä", "1234567"},
	"100%%": {},
}

func TestTheVerbsInUse(t *testing.T) {
	var none []any
	for format, args := range values {
		for _, arg := range args {
			if got, want := fmt.Sprintf("<"+format+">", arg), real.Sprintf("<"+format+">", arg); got != want {
				t.Errorf("%s of %#v is %s, want %s", format, arg, got, want)
			}
		}
		if got, want := fmt.Sprintf(format, none...), real.Sprintf(format, none...); got != want {
			t.Errorf("%s of nothing is %s, want %s", format, got, want)
		}
	}
	if got, want := fmt.Sprintf("%p", &values), real.Sprintf("%p", &values); got != want {
		t.Errorf("a pointer is %s, want %s", got, want)
	}
}

func TestValuesInARow(t *testing.T) {
	all := values["%v"]
	rapid.Check(t, func(t *rapid.T) {
		args := rapid.SliceOfN(rapid.SampledFrom(all), 0, 5).Draw(t, "args")
		if got, want := fmt.Sprint(args...), real.Sprint(args...); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := fmt.Sprintln(args...), real.Sprintln(args...); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		var got, want bytes.Buffer
		_, err := fmt.Fprintf(&got, "%v and %d%%, %q", rapid.SampledFrom(all).Draw(t, "first"), 7, "x")
		if err != nil || got.Len() == 0 {
			t.Errorf("got %s, %v", &got, err)
		}
		got.Reset()
		_, _ = fmt.Fprint(&got, args...)
		_, _ = fmt.Fprintln(&got, args...)
		_, _ = real.Fprint(&want, args...)
		_, _ = real.Fprintln(&want, args...)
		if got.String() != want.String() {
			t.Errorf("got %q, want %q", &got, &want)
		}
	})
}

func TestErrors(t *testing.T) {
	one := fmt.Errorf("reading %q: %w", "a", io.EOF)
	if one.Error() != `reading "a": EOF` || errors.Unwrap(one) != io.EOF {
		t.Errorf("got %v", one)
	}
	two := fmt.Errorf("%w: %v: %w", io.EOF, "and", io.ErrClosedPipe)
	if two.Error() != "EOF: and: "+io.ErrClosedPipe.Error() || !errors.Is(two, io.EOF) || !errors.Is(two, io.ErrClosedPipe) {
		t.Errorf("got %v", two)
	}
	if none := fmt.Errorf("%v", io.EOF); none.Error() != "EOF" || errors.Is(none, io.EOF) {
		t.Errorf("got %v", none)
	}
}
