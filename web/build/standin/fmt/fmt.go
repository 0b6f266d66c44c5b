// Package fmt stands in for the standard library's, which formats whatever there is by
// reflection. The program formats texts, numbers, errors and lists of them. What else it is
// given appears as its type; flags other than a width with zeros, and a precision, have no effect.
package fmt

import (
	"errors"
	"io"
	"os"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// Stringer is a value that has a text.
type Stringer interface{ String() string }

// State is what a Formatter writes to. None is asked for its format here: an error has its text.
type State interface {
	io.Writer
	Width() (wid int, ok bool)
	Precision() (prec int, ok bool)
	Flag(c int) bool
}

// Formatter would format itself.
type Formatter interface{ Format(f State, verb rune) }

// Sprintf formats by verbs.
func Sprintf(format string, args ...any) string { return string(Appendf(nil, format, args...)) }

// Fprintf writes what Sprintf returns.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	return w.Write(Appendf(nil, format, args...))
}

// Printf writes to the console.
func Printf(format string, args ...any) (int, error) { return Fprintf(os.Stdout, format, args...) }

// Sprint writes values side by side, with a space between two that are no strings.
func Sprint(args ...any) string { return string(Append(nil, args...)) }

// Fprint writes what Sprint returns.
func Fprint(w io.Writer, args ...any) (int, error) { return w.Write(Append(nil, args...)) }

// Sprintln is a line of values with spaces between them.
func Sprintln(args ...any) string {
	var b []byte
	for i, arg := range args {
		if i > 0 {
			b = append(b, ' ')
		}
		b = spec{verb: 'v'}.append(b, arg)
	}
	return string(append(b, '\n'))
}

// Fprintln writes what Sprintln returns.
func Fprintln(w io.Writer, args ...any) (int, error) { return io.WriteString(w, Sprintln(args...)) }

// Println writes to the console.
func Println(args ...any) (int, error) { return Fprintln(os.Stdout, args...) }

// Append appends what Sprint returns.
func Append(b []byte, args ...any) []byte {
	wasText := true
	for i, arg := range args {
		isText := arg != nil && reflect.TypeOf(arg).Kind() == reflect.String
		if i > 0 && !wasText && !isText {
			b = append(b, ' ')
		}
		b, wasText = spec{verb: 'v'}.append(b, arg), isText
	}
	return b
}

// Errorf is an error with the text of Sprintf. It wraps what has the verb %w.
func Errorf(format string, args ...any) error {
	var wrapped []error
	text := string(appendf(nil, format, args, func(err error) { wrapped = append(wrapped, err) }))
	switch len(wrapped) {
	case 0:
		return errors.New(text)
	case 1:
		return &wrapError{text, wrapped[0]}
	}
	return &wrapErrors{text, wrapped}
}

type wrapError struct {
	text string
	err  error
}

func (e *wrapError) Error() string { return e.text }
func (e *wrapError) Unwrap() error { return e.err }

type wrapErrors struct {
	text string
	errs []error
}

func (e *wrapErrors) Error() string   { return e.text }
func (e *wrapErrors) Unwrap() []error { return e.errs }

// Appendf appends what Sprintf returns.
func Appendf(b []byte, format string, args ...any) []byte {
	return appendf(b, format, args, func(error) {})
}

// appendf tells which errors have the verb %w.
func appendf(b []byte, format string, args []any, wraps func(error)) []byte {
	next := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b = append(b, format[i])
			continue
		}
		var s spec
		s, i = readSpec(format, i+1)
		switch {
		case s.verb == '%':
			b = append(b, '%')
			continue
		case next == len(args):
			b = append(b, "%!"+string(s.verb)+"(MISSING)"...)
			continue
		}
		arg := args[next]
		next++
		if err, ok := arg.(error); ok && s.verb == 'w' {
			wraps(err)
		}
		b = s.append(b, arg)
	}
	return b
}

// spec is how a value is formatted. A precision counts from 1: 0 is none.
type spec struct {
	verb             byte
	zero             bool
	width, precision int
}

// readSpec reads what stands at i in a format, behind the percent sign, up to the verb at the
// index it returns.
func readSpec(format string, i int) (spec, int) {
	s := spec{verb: '%'}
	for ; i < len(format); i++ {
		switch c := format[i]; {
		case c == '0' && s.width == 0 && s.precision == 0:
			s.zero = true
		case c == '.':
			s.precision = 1
		case '0' <= c && c <= '9' && s.precision > 0:
			s.precision = (s.precision-1)*10 + int(c-'0') + 1
		case '0' <= c && c <= '9':
			s.width = s.width*10 + int(c-'0')
		case c == '+', c == '#':
		default:
			s.verb = c
			return s, i
		}
	}
	return s, i
}

func (s spec) append(b []byte, arg any) []byte {
	text := s.text(arg)
	for n := utf8.RuneCountInString(text); n < s.width; n++ {
		if s.zero {
			b = append(b, '0')
		} else {
			b = append(b, ' ')
		}
	}
	return append(b, text...)
}

func (s spec) text(arg any) string {
	if arg == nil {
		if s.verb == 'v' || s.verb == 'T' {
			return "<nil>"
		}
		return "%!" + string(s.verb) + "(<nil>)"
	}
	v := reflect.ValueOf(arg)
	switch s.verb {
	case 'T':
		return v.Type().String()
	case 'p':
		return "0x" + strconv.FormatUint(uint64(v.Pointer()), 16)
	case 'd', 'x', 'f':
		return s.ofKind(v)
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return "<nil>" // its methods may not bear that
	}
	switch v := arg.(type) {
	case error:
		return s.quoted(v.Error())
	case Stringer:
		return s.quoted(v.String())
	}
	return s.ofKind(v)
}

// ofKind is the text of a value without regard to its methods.
func (s spec) ofKind(v reflect.Value) string {
	base := 10
	if s.verb == 'x' {
		base = 16
	}
	switch v.Kind() {
	case reflect.String:
		return s.quoted(v.String())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), base)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.FormatUint(v.Uint(), base)
	case reflect.Float32, reflect.Float64:
		if s.verb == 'f' {
			return strconv.FormatFloat(v.Float(), 'f', s.precision-1, 64)
		}
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	case reflect.Slice, reflect.Array:
		if bytes, ok := v.Interface().([]byte); ok && s.verb != 'v' && s.verb != 'd' {
			return s.quoted(string(bytes))
		}
		text := "["
		for i := range v.Len() {
			if i > 0 {
				text += " "
			}
			text += s.text(v.Index(i).Interface())
		}
		return text + "]"
	}
	return "(" + v.Type().String() + ")"
}

func (s spec) quoted(text string) string {
	switch s.verb {
	case 'q':
		return strconv.Quote(text)
	case 'x':
		const digits = "0123456789abcdef"
		var hex []byte
		for i := range len(text) {
			hex = append(hex, digits[text[i]>>4], digits[text[i]&15])
		}
		return string(hex)
	}
	return text
}
