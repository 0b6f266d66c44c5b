package queue

import "encoding/json"

// ParseOperation reads an operation from the JSON that a store keeps of it.
func ParseOperation(text string) (Operation, error) {
	var o Operation
	err := json.Unmarshal([]byte(text), &o)
	return o, err
}

// ParseConflict reads a conflict from the JSON that a store keeps of it.
func ParseConflict(text string) (Conflict, error) {
	var c Conflict
	err := json.Unmarshal([]byte(text), &c)
	c.Base, c.Mine, c.Theirs = notNull(c.Base), notNull(c.Mine), notNull(c.Theirs)
	for i, f := range c.Fields {
		c.Fields[i].Base, c.Fields[i].Mine, c.Fields[i].Theirs = notNull(f.Base), notNull(f.Mine), notNull(f.Theirs)
	}
	return c, err
}

// notNull takes back what encoding makes of a missing document.
func notNull(document json.RawMessage) json.RawMessage {
	if IsNull(document) {
		return nil
	}
	return document
}
