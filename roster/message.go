package roster

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Message is something to tell a person, as a sentence without an end. Its text has places for what
// it is about, so that whoever shows it can say it in another language.
type Message struct {
	Text string `json:"text"`           // in English, with the places {0}, {1} and so on, and {n}
	One  string `json:"one,omitempty"`  // of a text about N things, the one about one thing
	N    int    `json:"n,omitempty"`    // what stands in the place {n}
	Args []any  `json:"args,omitempty"` // strings are the file's; a number; a Field
}

// Say makes a message. The text is one of those that are translated: see web/languages.
func Say(text string, args ...any) *Message { return &Message{Text: text, Args: args} }

// SayN makes a message about n things.
func SayN(n int, one, other string, args ...any) *Message {
	return &Message{Text: other, One: one, N: n, Args: args}
}

// String is the message in English.
func (m *Message) String() string {
	text := m.Text
	if m.One != "" && m.N == 1 {
		text = m.One
	}
	places := []string{"{n}", strconv.Itoa(m.N)}
	for i, arg := range m.Args {
		places = append(places, fmt.Sprintf("{%d}", i), fmt.Sprint(arg))
	}
	return strings.NewReplacer(places...).Replace(text)
}

// Field is the name of a person's field, which each language has a word for.
type Field string

// MarshalJSON tells it from a file's text.
func (f Field) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"field": string(f)})
}
