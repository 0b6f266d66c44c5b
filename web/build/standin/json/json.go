// Package json stands in for encoding/json. The program has a codec of its own, and go-app
// encodes what is never used here (states, notifications) and what it logs.
package json

import (
	"errors"
	"fmt"
)

// RawMessage is an encoded value.
type RawMessage []byte

// Marshal returns a text for people: of errors and log entries, which hold what they are
// made of in a plain struct.
func Marshal(v any) ([]byte, error) {
	if m, ok := v.(interface{ MarshalJSON() ([]byte, error) }); ok {
		return m.MarshalJSON()
	}
	return fmt.Appendf(nil, "%+v", v), nil
}

// MarshalIndent is Marshal.
func MarshalIndent(v any, _, _ string) ([]byte, error) { return Marshal(v) }

// Unmarshal reads nothing.
func Unmarshal([]byte, any) error { return errors.ErrUnsupported }
