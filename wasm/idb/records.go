//go:build js && wasm

package idb

import (
	"encoding/json"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// key is a ref as records hold it.
type key struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func keyOf(r queue.Ref) key  { return key{r.Type, r.ID} }
func (k key) ref() queue.Ref { return queue.Ref{Type: k.Type, ID: k.ID} }
func (k key) path() []string { return []string{k.Type, k.ID} }

// userRecord is a visible row. Unless IsDirty, it is the confirmed row at the
// same time, and has its generation, by which a sweep finds it. The document is
// kept as text: the exact bytes come back, large numbers included.
type userRecord struct {
	key
	SortName   string         `json:"sortName"`
	Search     string         `json:"search"`
	Document   string         `json:"document"`
	Version    int64          `json:"version"`
	Stamp      api.Stamp      `json:"stamp"`
	Generation *int64         `json:"generation,omitempty"`
	IsDirty    bool           `json:"isDirty"`
	State      queue.RowState `json:"state"`
	SyncedAt   time.Time      `json:"syncedAt"`
	Unsound    bool           `json:"unsound,omitempty"` // not as it was saved, see helper.js
}

// confirmedRecord is the server's row of an entity that has operations.
type confirmedRecord struct {
	key
	Generation int64     `json:"generation"`
	Document   string    `json:"document"`
	Version    int64     `json:"version"`
	Stamp      api.Stamp `json:"stamp"`
	SyncedAt   time.Time `json:"syncedAt"`
	Unsound    bool      `json:"unsound,omitempty"`
}

func (r *confirmedRecord) row() *queue.Row {
	return &queue.Row{Version: r.Version, Stamp: r.Stamp, Document: json.RawMessage(r.Document), SyncedAt: r.SyncedAt}
}

// operationRecord is an operation, with what its index goes by beside it.
//
// Standing is the key of the index by which a long queue is read in part: when an
// entity's first operation may be sent, as NextAttemptAt is; "rejected" for one that
// waits for the person; and absent, so that it is not in the index, for one behind
// another.
type operationRecord struct {
	key
	Seq           int64       `json:"seq,omitempty"` // the database gives it
	State         queue.State `json:"state"`
	NextAttemptAt string      `json:"nextAttemptAt"` // as timeText; "" for at once
	Standing      *string     `json:"standing,omitempty"`
	Text          string      `json:"text"`
}

func (r operationRecord) standing() string {
	if r.Standing == nil {
		return "behind another"
	}
	return *r.Standing
}

// conflictRecord is a conflict, with what the list goes by beside it. Standing is
// the key of its index: 1 while it is unreviewed, then 0, and At.
type conflictRecord struct {
	key
	Conflict string   `json:"conflict"`
	At       int64    `json:"at"` // microseconds: exact in a JavaScript number
	Reviewed bool     `json:"reviewed"`
	Standing [2]int64 `json:"standing"`
	Text     string   `json:"text"`
}

// stored is all that is stored of one entity.
type stored struct {
	Ref        key               `json:"ref"`
	User       *userRecord       `json:"user"`
	Confirmed  *confirmedRecord  `json:"confirmed"`
	Operations []operationRecord `json:"operations"`
	Conflicts  []conflictRecord  `json:"conflicts"`
}

// writes is what a transaction saves, by store. Reviewed, when above 0, is how many
// reviewed conflicts are kept: it is set when one is saved.
type writes struct {
	Put      map[string][]any `json:"put"`
	Del      map[string][]any `json:"del"`
	Reviewed int              `json:"reviewed,omitempty"`
	// Outcomes are lines to add to the named value of that name, of which Kept remain.
	Outcomes []string `json:"fates,omitempty"`
	Kept     int      `json:"kept"`
}

func newWrites() *writes {
	return &writes{Put: map[string][]any{}, Del: map[string][]any{}, Kept: queue.MaxOutcomes}
}

func (w *writes) put(store string, record any) { w.Put[store] = append(w.Put[store], record) }
func (w *writes) del(store string, path any)   { w.Del[store] = append(w.Del[store], path) }

// entity decodes what is stored.
func (s stored) entity() (queue.Entity, error) {
	e := queue.Entity{Ref: s.Ref.ref()}
	switch {
	case s.Confirmed != nil:
		e.Confirmed = s.Confirmed.row()
	case s.User != nil && !s.User.IsDirty:
		e.Confirmed = s.User.row()
	}
	for _, r := range s.Operations {
		o, err := r.operation()
		if err != nil {
			return e, err
		}
		e.Operations = append(e.Operations, o)
	}
	for _, r := range s.Conflicts {
		c, err := r.conflict()
		if err != nil {
			return e, err
		}
		e.Conflicts = append(e.Conflicts, c)
	}
	return e, nil
}

// generation is that of the stored confirmed row.
func (s stored) generation() int64 {
	switch {
	case s.Confirmed != nil:
		return s.Confirmed.Generation
	case s.User != nil && s.User.Generation != nil:
		return *s.User.Generation
	}
	return 0
}

// unsound reports whether the stored confirmed row is not as it was saved.
func (s stored) unsound() bool {
	if s.Confirmed != nil {
		return s.Confirmed.Unsound
	}
	return s.User != nil && !s.User.IsDirty && s.User.Unsound
}

// spoiled reports whether any row stored of e is not as it was saved, or is not what
// save would make of e.
func (s stored) spoiled(e *queue.Entity, schema queue.Schema) bool {
	switch {
	case s.User != nil && s.User.Unsound, s.Confirmed != nil && s.Confirmed.Unsound:
		return true
	case len(e.Operations) == 0:
		return s.Confirmed != nil || (s.User != nil && s.User.IsDirty)
	}
	view, visible := e.View()
	if !visible || s.User == nil {
		return visible != (s.User != nil)
	}
	want, have := userOf(view, e.Confirmed, true, 0, schema), *s.User
	if !have.SyncedAt.Equal(want.SyncedAt) {
		return true
	}
	have.SyncedAt = want.SyncedAt
	return have != want
}

func (r *userRecord) row() *queue.Row {
	return &queue.Row{Version: r.Version, Stamp: r.Stamp, Document: json.RawMessage(r.Document), SyncedAt: r.SyncedAt}
}

func (r *userRecord) view() queue.View {
	return queue.View{Ref: r.ref(), Document: json.RawMessage(r.Document), Version: r.Version, State: r.State, SyncedAt: r.SyncedAt}
}

func (r operationRecord) operation() (queue.Operation, error) {
	o, err := queue.ParseOperation(r.Text)
	o.Seq = r.Seq
	return o, err
}

// operationOf is the record of an operation; first says that it is its entity's.
func operationOf(o queue.Operation, first bool) (operationRecord, error) {
	text, err := json.Marshal(o)
	r := operationRecord{
		key: keyOf(o.Ref), Seq: o.Seq, State: o.State, NextAttemptAt: timeText(o.NextAttemptAt), Text: string(text),
	}
	switch {
	case o.State == queue.Rejected:
		standing := string(queue.Rejected)
		r.Standing = &standing
	case first:
		r.Standing = &r.NextAttemptAt
	}
	return r, err
}

// timeLayout has one width, so that texts are in the order of the times; a
// JavaScript number would lose nanoseconds.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

func (r conflictRecord) conflict() (queue.Conflict, error) { return queue.ParseConflict(r.Text) }

func conflictOf(c queue.Conflict) (conflictRecord, error) {
	text, err := json.Marshal(c)
	r := conflictRecord{key: keyOf(c.Ref), Conflict: c.ID, At: c.At.UnixMicro(), Reviewed: c.Reviewed, Text: string(text)}
	if r.Standing[1] = r.At; !c.Reviewed {
		r.Standing[0] = 1
	}
	return r, err
}

// userOf is the record of a visible row; confirmed is nil for one that the
// server has not.
func userOf(v queue.View, confirmed *queue.Row, dirty bool, generation int64, schema queue.Schema) userRecord {
	r := userRecord{
		key: keyOf(v.Ref), Document: string(v.Document), Version: v.Version,
		IsDirty: dirty, State: v.State, SyncedAt: v.SyncedAt,
	}
	if !dirty {
		r.Generation = &generation
	}
	if confirmed != nil {
		r.Stamp = confirmed.Stamp
	}
	r.SortName, r.Search = schema.Index(v.Document)
	return r
}

// save adds what has to be written so that e stands in the place of before.
// latest is the generation of rows that are confirmed now.
func (w *writes) save(e *queue.Entity, before stored, was queue.Entity, latest int64, schema queue.Schema) error {
	k := before.Ref
	e.Ref = k.ref()
	w.Outcomes = append(w.Outcomes, queue.OutcomeLines(e.Outcomes)...)
	generation, unsound := before.generation(), before.unsound()
	if !was.Confirmed.Equal(e.Confirmed) {
		generation, unsound = latest, false
	}
	dirty := len(e.Operations) > 0
	if view, ok := e.View(); ok {
		record := userOf(view, e.Confirmed, dirty, generation, schema)
		record.Unsound = unsound && !dirty
		w.put("users", record)
	} else if before.User != nil {
		w.del("users", k.path())
	}
	if dirty && e.Confirmed != nil {
		w.put("confirmed", confirmedRecord{
			key: k, Generation: generation, Document: string(e.Confirmed.Document),
			Version: e.Confirmed.Version, Stamp: e.Confirmed.Stamp, SyncedAt: e.Confirmed.SyncedAt, Unsound: unsound,
		})
	} else if before.Confirmed != nil {
		w.del("confirmed", k.path())
	}
	if err := w.saveOperations(e, before); err != nil {
		return err
	}
	return w.saveConflicts(e, before)
}

// saveConflicts is saveOperations for conflicts.
func (w *writes) saveConflicts(e *queue.Entity, before stored) error {
	had := map[string]conflictRecord{}
	for _, r := range before.Conflicts {
		had[r.Conflict] = r
	}
	for _, c := range e.Conflicts {
		c.Ref = e.Ref
		record, err := conflictOf(c)
		if err != nil {
			return err
		}
		if had[c.ID] != record {
			w.put("conflicts", record)
			if c.Reviewed {
				w.Reviewed = queue.MaxReviewed
			}
		}
		delete(had, c.ID)
	}
	for id := range had {
		w.del("conflicts", id)
	}
	return nil
}

// saveOperations writes those that are new or changed and deletes those that are gone.
func (w *writes) saveOperations(e *queue.Entity, before stored) error {
	had := map[int64]operationRecord{}
	for _, r := range before.Operations {
		had[r.Seq] = r
	}
	for i, o := range e.Operations {
		o.Ref = e.Ref
		record, err := operationOf(o, i == 0)
		if err != nil {
			return err
		}
		was := had[o.Seq]
		if o.Seq == 0 || was.Text != record.Text || was.standing() != record.standing() {
			w.put("operations", record)
		}
		delete(had, o.Seq)
	}
	for seq := range had {
		w.del("operations", seq)
	}
	return nil
}
