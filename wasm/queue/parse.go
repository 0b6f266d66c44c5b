package queue

import "encoding/json"

// ParseOperation reads an operation from its stored JSON.
func ParseOperation(text string) (Operation, error) {
	var o Operation
	err := json.Unmarshal([]byte(text), &o)
	return o, err
}

// ParseConflict reads a conflict from its stored JSON.
func ParseConflict(text string) (Conflict, error) {
	var c Conflict
	err := json.Unmarshal([]byte(text), &c)
	c.Base, c.Mine, c.Theirs = nilIfNull(c.Base), nilIfNull(c.Mine), nilIfNull(c.Theirs)
	for i, f := range c.Fields {
		c.Fields[i].Base, c.Fields[i].Mine, c.Fields[i].Theirs = nilIfNull(f.Base), nilIfNull(f.Mine), nilIfNull(f.Theirs)
	}
	return c, err
}

// nilIfNull undoes what encoding makes of a missing document.
func nilIfNull(document json.RawMessage) json.RawMessage {
	if IsNull(document) {
		return nil
	}
	return document
}
