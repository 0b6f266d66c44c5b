package store

import "github.com/rollcall/rollcall/api"

// ReadSet is everything that a Session reads for a group of writes.
type ReadSet struct {
	IDs, EmailKeys []string
	Keys           []RecordKey // of records, whose entities are read, too
}

// ReadSetOf returns the read set of the writes.
func ReadSetOf(writes []Write) (w ReadSet) {
	for i := range writes {
		w.IDs = append(w.IDs, writes[i].EntityID)
		if e := writes[i].Patch.Email; e != nil {
			w.EmailKeys = append(w.EmailKeys, api.EmailKey(*e))
		}
		if writes[i].Key != "" {
			w.Keys = append(w.Keys, writes[i].recordKey())
		}
	}
	return w
}

// OtherEntities returns the entities of records that are not among the IDs. There are some only
// if a key is used again for another entity.
func (w *ReadSet) OtherEntities(records []Record) (ids []string) {
	if len(records) == 0 {
		return nil
	}
	read := make(map[string]bool, len(w.IDs))
	for _, id := range w.IDs {
		read[id] = true
	}
	for _, r := range records {
		if !read[r.EntityID] {
			ids = append(ids, r.EntityID)
		}
	}
	return ids
}

// GroupTx is the Tx of a store that reads and saves a group of writes at once. It starts with
// the read set and collects the changes. A write that fails leaves none.
type GroupTx struct {
	rows    map[string]*Row
	owners  map[string]string // stored email key to the live user's id
	shared  []string          // users with a SharedKey; few, if any
	records map[RecordKey]*Record

	row    *Row // put by the current write
	record *Record
	effect *Effect

	rowsPut    []*Row
	recordsPut []*Record
	effectsPut []*Effect
}

// NewGroupTx returns a GroupTx with the rows and records that exist of the read set. A row may
// appear twice.
func NewGroupTx(rows []Row, records []Record) *GroupTx {
	t := &GroupTx{rows: map[string]*Row{}, owners: map[string]string{}, records: map[RecordKey]*Record{}}
	for i := range rows {
		t.rows[rows[i].ID] = &rows[i]
		if !rows[i].Deleted {
			t.owners[rows[i].EmailKey] = rows[i].ID
			if plainKey(rows[i].EmailKey) != rows[i].EmailKey {
				t.shared = append(t.shared, rows[i].ID)
			}
		}
	}
	for i := range records {
		t.records[records[i].RecordKey] = &records[i]
	}
	return t
}

// ApplyAll does the writes in order in a session whose Tx this is. A write that fails is
// reported to failed and answered "retry".
func (t *GroupTx) ApplyAll(s *Session, writes []Write, failed func(Write, error)) []Outcome {
	outcomes := make([]Outcome, 0, len(writes))
	for _, write := range writes {
		t.row, t.record, t.effect = nil, nil, nil
		o, err := s.Do(write)
		if err != nil {
			failed(write, err)
			o = Failed(write)
		} else {
			t.keep()
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// keep adds what the current write has put to the group.
func (t *GroupTx) keep() {
	if r := t.row; r != nil {
		if old := t.rows[r.ID]; old != nil && !old.Deleted {
			delete(t.owners, old.EmailKey)
		}
		if !r.Deleted {
			t.owners[r.EmailKey] = r.ID
		}
		t.rows[r.ID], t.rowsPut = r, append(t.rowsPut, r)
	}
	if r := t.record; r != nil {
		t.records[r.RecordKey], t.recordsPut = r, append(t.recordsPut, r)
	}
	if t.effect != nil {
		t.effectsPut = append(t.effectsPut, t.effect)
	}
}

// Rows are the rows to save in the order they were put. A row that was put twice appears
// twice, so that an email that moves between users is free when it is taken.
func (t *GroupTx) Rows() []*Row { return t.rowsPut }

// LatestRows are the rows to save, each once, in their last state.
func (t *GroupTx) LatestRows() []*Row {
	var latest []*Row
	for _, r := range t.rowsPut {
		if t.rows[r.ID] == r {
			latest = append(latest, r)
		}
	}
	return latest
}

// NewRecords are the records to save.
func (t *GroupTx) NewRecords() []*Record { return t.recordsPut }

// Effects are the effects to save.
func (t *GroupTx) Effects() []*Effect { return t.effectsPut }

// PutEffect implements Tx.
func (t *GroupTx) PutEffect(e Effect) error {
	t.effect = &e
	return nil
}

// Row implements Tx.
func (t *GroupTx) Row(id string) (*Row, error) { return t.rows[id], nil }

// EmailOwner implements Tx.
func (t *GroupTx) EmailOwner(key string) (string, error) {
	if id, ok := t.owners[key]; ok {
		return id, nil
	}
	for _, id := range t.shared {
		if r := t.rows[id]; !r.Deleted && plainKey(r.EmailKey) == key {
			return id, nil
		}
	}
	return "", nil
}

// Record implements Tx.
func (t *GroupTx) Record(key RecordKey) (*Record, error) { return t.records[key], nil }

// PutRow implements Tx.
func (t *GroupTx) PutRow(r *Row) error {
	t.row = r
	return nil
}

// PutRecord implements Tx.
func (t *GroupTx) PutRecord(r Record) error {
	t.record = &r
	return nil
}
