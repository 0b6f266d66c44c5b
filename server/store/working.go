package store

import (
	"encoding/json"
	"fmt"

	"github.com/rollcall/rollcall/api"
)

// Wanted is what a group of writes is about: all that a Session will ask for.
type Wanted struct {
	IDs, EmailKeys, Keys []string
}

// WantedBy says what to read for the writes.
func WantedBy(writes []Write) (w Wanted) {
	for i := range writes {
		w.IDs = append(w.IDs, writes[i].EntityID)
		if e := writes[i].Patch.Email; e != nil {
			w.EmailKeys = append(w.EmailKeys, api.EmailKey(*e))
		}
		if k := writes[i].Key; k != "" {
			w.Keys = append(w.Keys, k)
		}
	}
	return w
}

// Working is what was read for a group of writes, with what they change: the Tx of
// their Session in a store that reads and saves a group at once. What a write puts
// counts once the write is done; so one that fails in the middle leaves nothing.
type Working struct {
	rows    map[string]*Row
	owners  map[string]string // email key to the live user's id
	records map[string]KeptRecord

	row    *Row // put by the write that is being done
	record *KeptRecord

	puts  []*Row
	fresh []KeptRecord
}

// KeptRecord is a record with its result as it is kept. One that couldn't be decoded
// has an error in place of its result, which fails the write that asks for it, and no
// other.
type KeptRecord struct {
	Record
	Encoded string
	Err     error
}

// Keep reads a record's result.
func Keep(r Record, result []byte) KeptRecord {
	k := KeptRecord{Record: r, Encoded: string(result)}
	if err := json.Unmarshal(result, &k.Result); err != nil {
		k.Err = fmt.Errorf("decode the result under key %s: %w", r.Key, err)
	}
	if string(k.Result.Document) == "null" {
		k.Result.Document = nil
	}
	return k
}

// NewWorking starts from the rows, with their email keys, and the records that are
// there of what is wanted. A row may be there twice.
func NewWorking(rows []Row, records []KeptRecord) *Working {
	w := &Working{rows: map[string]*Row{}, owners: map[string]string{}, records: map[string]KeptRecord{}}
	for i := range rows {
		w.rows[rows[i].ID] = &rows[i]
		if !rows[i].Deleted {
			w.owners[rows[i].EmailKey] = rows[i].ID
		}
	}
	for _, r := range records {
		w.records[r.Key] = r
	}
	return w
}

// DoAll does the writes in order in a session whose Tx this is. One that fails leaves
// nothing, is told of, and is answered "retry".
func (w *Working) DoAll(s *Session, writes []Write, failed func(Write, error)) []Outcome {
	outcomes := make([]Outcome, 0, len(writes))
	for _, write := range writes {
		w.row, w.record = nil, nil
		o, err := s.Do(write)
		if err != nil {
			failed(write, err)
			o = Undecided(write)
		} else {
			w.keep()
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// keep makes what a write has put a part of the group.
func (w *Working) keep() {
	if r := w.row; r != nil {
		if old := w.rows[r.ID]; old != nil && !old.Deleted {
			delete(w.owners, old.EmailKey)
		}
		if !r.Deleted {
			w.owners[r.EmailKey] = r.ID
		}
		w.rows[r.ID], w.puts = r, append(w.puts, r)
	}
	if r := w.record; r != nil {
		w.records[r.Key], w.fresh = *r, append(w.fresh, *r)
	}
}

// Puts are the rows to save, in the order in which they were put: a row that was put
// twice is there twice, and an email that was passed on is free when it is taken.
func (w *Working) Puts() []*Row { return w.puts }

// Latest are the rows to save as they are in the end, each once.
func (w *Working) Latest() []*Row {
	var latest []*Row
	for _, r := range w.puts {
		if w.rows[r.ID] == r {
			latest = append(latest, r)
		}
	}
	return latest
}

// Fresh are the records to save.
func (w *Working) Fresh() []KeptRecord { return w.fresh }

// Row implements Tx.
func (w *Working) Row(id string) (*Row, error) { return w.rows[id], nil }

// EmailOwner implements Tx.
func (w *Working) EmailOwner(key string) (string, error) { return w.owners[key], nil }

// Record implements Tx.
func (w *Working) Record(key string) (*Record, error) {
	r, ok := w.records[key]
	if !ok || r.Err != nil {
		return nil, r.Err
	}
	return &r.Record, nil
}

// PutRow implements Tx.
func (w *Working) PutRow(r *Row) error {
	w.row = r
	return nil
}

// PutRecord implements Tx.
func (w *Working) PutRecord(r Record) error {
	result, err := json.Marshal(r.Result)
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	w.record = &KeptRecord{Record: r, Encoded: string(result)}
	return nil
}
