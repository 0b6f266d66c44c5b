package store

import (
	"encoding/json"
	"fmt"

	"github.com/rollcall/rollcall/api"
)

// ReadSet is what a group of writes is about: all that a Session will ask for.
type ReadSet struct {
	IDs, EmailKeys, Keys []string
}

// ReadSetOf says what to read for the writes.
func ReadSetOf(writes []Write) (w ReadSet) {
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

// GroupTx is what was read for a group of writes, with what they change: the Tx of
// their Session in a store that reads and saves a group at once. What a write puts
// counts once the write is done; so one that fails in the middle leaves nothing.
type GroupTx struct {
	rows    map[string]*Row
	owners  map[string]string // email key to the live user's id
	records map[string]StoredRecord

	row    *Row // put by the write that is being done
	record *StoredRecord

	puts  []*Row
	fresh []StoredRecord
}

// StoredRecord is a record with its result as it is kept. One that couldn't be decoded
// has an error in place of its result, which fails the write that asks for it, and no
// other.
type StoredRecord struct {
	Record
	Encoded string
	Err     error
}

// Keep reads a record's result.
func DecodeRecord(r Record, result []byte) StoredRecord {
	k := StoredRecord{Record: r, Encoded: string(result)}
	if err := json.Unmarshal(result, &k.Result); err != nil {
		k.Err = fmt.Errorf("decode the result under key %s: %w", r.Key, err)
	}
	if string(k.Result.Document) == "null" {
		k.Result.Document = nil
	}
	return k
}

// NewGroupTx starts from the rows, with their email keys, and the records that are
// there of what is wanted. A row may be there twice.
func NewGroupTx(rows []Row, records []StoredRecord) *GroupTx {
	w := &GroupTx{rows: map[string]*Row{}, owners: map[string]string{}, records: map[string]StoredRecord{}}
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

// ApplyAll does the writes in order in a session whose Tx this is. One that fails leaves
// nothing, is told of, and is answered "retry".
func (w *GroupTx) ApplyAll(s *Session, writes []Write, failed func(Write, error)) []Outcome {
	outcomes := make([]Outcome, 0, len(writes))
	for _, write := range writes {
		w.row, w.record = nil, nil
		o, err := s.Do(write)
		if err != nil {
			failed(write, err)
			o = Failed(write)
		} else {
			w.keep()
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// keep makes what a write has put a part of the group.
func (w *GroupTx) keep() {
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
func (w *GroupTx) Puts() []*Row { return w.puts }

// Latest are the rows to save as they are in the end, each once.
func (w *GroupTx) Latest() []*Row {
	var latest []*Row
	for _, r := range w.puts {
		if w.rows[r.ID] == r {
			latest = append(latest, r)
		}
	}
	return latest
}

// Fresh are the records to save.
func (w *GroupTx) Fresh() []StoredRecord { return w.fresh }

// Row implements Tx.
func (w *GroupTx) Row(id string) (*Row, error) { return w.rows[id], nil }

// EmailOwner implements Tx.
func (w *GroupTx) EmailOwner(key string) (string, error) { return w.owners[key], nil }

// Record implements Tx.
func (w *GroupTx) Record(key string) (*Record, error) {
	r, ok := w.records[key]
	if !ok || r.Err != nil {
		return nil, r.Err
	}
	return &r.Record, nil
}

// PutRow implements Tx.
func (w *GroupTx) PutRow(r *Row) error {
	w.row = r
	return nil
}

// PutRecord implements Tx.
func (w *GroupTx) PutRecord(r Record) error {
	result, err := json.Marshal(r.Result)
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	w.record = &StoredRecord{Record: r, Encoded: string(result)}
	return nil
}
