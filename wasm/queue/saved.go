package queue

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
)

// SavedFormat and SavedVersion mark the file of saved changes that web/rescue.js
// writes: a JSON object with the operations of a queue in their order, each as a
// store keeps it. A reader takes every version up to its own.
const (
	SavedFormat  = "rollcall-changes"
	SavedVersion = 1
)

// MaxSavedBytes and MaxSavedOperations bound the file that is taken in.
const (
	MaxSavedBytes      = 32 << 20
	MaxSavedOperations = 20_000
)

// SavedChanges is a file of saved changes.
type SavedChanges struct {
	Format     string      `json:"format"`
	Version    int         `json:"version"`
	SavedAt    time.Time   `json:"savedAt"`
	Client     string      `json:"client"` // the client id of the database; empty in older files
	Operations []Operation `json:"operations"`
	// Unreadable are records of the queue that hold no operation.
	Unreadable []json.RawMessage `json:"unreadable"`
}

// ParseSavedChanges reads a file of saved changes, whose operations must all be of
// the entity type and set only its fields. The error is for the person who chose
// the file.
func ParseSavedChanges(data []byte, schema Schema) (SavedChanges, error) {
	if len(data) > MaxSavedBytes {
		return SavedChanges{}, fmt.Errorf("the file is larger than %d MB, so it can't be a file of saved changes", MaxSavedBytes>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // an editor's byte order mark
	if !jsoncodec.Valid(data) {
		return SavedChanges{}, errors.New("the file is not complete, or it is not a file of saved changes")
	}
	head, err := jsoncodec.Parse(data, readSavedHead)
	if err != nil || head.Format != SavedFormat {
		return SavedChanges{}, errors.New("this is not a file of saved changes of Rollcall; its name usually begins with rollcall-changes")
	}
	if head.Version < 1 || head.Version > SavedVersion {
		return SavedChanges{}, errors.New("a newer version of Rollcall has made this file; take it in there, or update this one")
	}
	s, err := jsoncodec.Parse(data, readSavedChanges)
	if err != nil {
		return SavedChanges{}, fmt.Errorf("the file was changed after it was saved: %w", err)
	}
	if len(s.Operations) > MaxSavedOperations {
		return SavedChanges{}, fmt.Errorf("the file has more than %d changes", MaxSavedOperations)
	}
	seen := map[string]bool{}
	for i, o := range s.Operations {
		if err := o.savedAs(schema); err != nil {
			return SavedChanges{}, fmt.Errorf("change %d of the file can't be taken in: %w", i+1, err)
		}
		if seen[o.ID] {
			return SavedChanges{}, fmt.Errorf("change %d of the file can't be taken in: it is there twice", i+1)
		}
		seen[o.ID] = true
	}
	return s, nil
}

// savedAs says what keeps a saved operation from being one of a schema. What its
// values may be is the server's to decide: the operation goes there as it was made.
func (o Operation) savedAs(schema Schema) error {
	switch {
	case uuid.Validate(o.ID) != nil || uuid.Validate(o.Ref.ID) != nil:
		return errors.New("it has no id")
	case o.Ref.Type != schema.Type:
		return fmt.Errorf("it is of a %q, which this program doesn't know", o.Ref.Type)
	case o.BaseVersion < 0 || o.RetryCount < 0:
		return errors.New("it has a negative number")
	case !IsNull(o.Base) && Decode(o.Base) == nil:
		return errors.New("what it was made on can't be read")
	}
	switch o.Type {
	case api.Delete:
		return nil
	case api.Create, api.Update:
		for name := range Decode(o.Data) {
			if !slices.Contains(schema.Fields, name) {
				return fmt.Errorf("it sets %q, which this program doesn't know", name)
			}
		}
		if len(Decode(o.Data)) == 0 {
			return errors.New("it sets nothing")
		}
		return nil
	}
	return fmt.Errorf("it does %q, which this program doesn't know", o.Type)
}

// TakenInto has each operation keep the client id under which the server knows it, in a database
// that has a client id of its own, or none yet. Where the file names none, the id of its first
// operation is one, so that all who take it in send the same.
func (s SavedChanges) TakenInto(own string) []Operation {
	operations := slices.Clone(s.Operations)
	client := s.Client
	if client == "" && len(operations) > 0 && api.ValidID(operations[0].ID) {
		client = operations[0].ID
	}
	for i := range operations {
		o := &operations[i]
		if o.Client = cmp.Or(o.Client, client); o.Client == own {
			o.Client = ""
		}
	}
	return operations
}

// TakeIn puts a saved operation behind those of the entity that are older in the
// same file, which order gives the places of. It keeps its id, so that the server
// knows it again, and is due at once. TakeIn reports false, and changes nothing, when
// the entity has an operation that is not of the file or is younger, since what the person
// did since must not be overwritten by what they did before; or one that waits for the person,
// behind which nothing would be sent. One whose author has not seen the given fields as the row has them
// is a conflict for the server to find: what it was made behind may have been answered meanwhile.
func (e *Entity) TakeIn(o Operation, order map[string]int, fields []string) bool {
	for _, have := range e.Operations {
		if place, ok := order[have.ID]; !ok || place > order[o.ID] || have.State == Rejected {
			return false
		}
	}
	o.Seq, o.Ref, o.NextAttemptAt = 0, e.Ref, time.Time{}
	switch {
	case len(e.Operations) > 0: // only the first can have been sent
		o.State = Queued
	case o.State != Rejected: // it may have been sent by whoever saved it: its id is taken
		o.State = Waiting
	}
	if row := e.Confirmed; len(e.Operations) == 0 && o.Type != api.Create && row != nil && !IsNull(o.Base) && o.BaseVersion >= row.Version && !sameFields(o.Base, row.Document, fields) {
		o.BaseVersion, o.Unseen = max(row.Version-1, 0), true
	}
	e.Operations = append(e.Operations, o)
	return true
}
