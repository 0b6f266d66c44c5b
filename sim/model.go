package sim

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// fields are what a person can set of a user.
type fields struct{ Name, Email, Bio string }

func (f fields) with(p api.UserPatch) fields {
	for _, set := range []struct{ to, from *string }{{&f.Name, p.Name}, {&f.Email, p.Email}, {&f.Bio, p.Bio}} {
		if set.from != nil {
			*set.to = *set.from
		}
	}
	return f
}

var fieldNames = [3]string{"name", "email", "bio"}

func (f fields) list() [3]string { return [3]string{f.Name, f.Email, f.Bio} }

// fieldsOf reads a document; false for none.
func fieldsOf(document json.RawMessage) (fields, bool) {
	var f *fields
	if len(document) == 0 || json.Unmarshal(document, &f) != nil || f == nil {
		return fields{}, false
	}
	return *f, true
}

// reader reads documents, of which a history meets the same ones again and again.
type reader map[string]fields

func (r reader) fieldsOf(document json.RawMessage) (fields, bool) {
	if f, ok := r[string(document)]; ok {
		return f, true
	}
	f, ok := fieldsOf(document)
	if ok {
		r[string(document)] = f
	}
	return f, ok
}

// entity is a user as the truth knows it.
type entity struct {
	version int64 // 0 once its tombstone was collected
	at      time.Time
	change  int64
	deleted bool
	fields  fields
}

// past is an entity at one of its versions.
type versionKey struct {
	id      string
	version int64
}

// truth is the server's history, made of nothing but the effects it reported.
type model struct {
	w        *world
	entities map[string]entity
	change   int64
	effects  map[string]time.Time // by operation, until its record is pruned

	// These outlive a restored backup.
	versions     map[versionKey][]entity
	acknowledged map[string]bool   // operations the server ever said were applied or duplicates
	order        map[queueKey]turn // of the latest effect
}

// sender is a browser's storage and an entity it writes; turn is the pausePoint of an
// operation in that storage's queue.
type queueKey struct {
	storage int
	id      string
}

type turn int64

func newModel(w *world) *model {
	return &model{w: w, entities: map[string]entity{}, effects: map[string]time.Time{},
		versions: map[versionKey][]entity{}, acknowledged: map[string]bool{}, order: map[queueKey]turn{}}
}

// snapshot is what a backup holds.
type snapshot struct {
	entities map[string]entity
	change   int64
	effects  map[string]time.Time
}

func (m *model) backup() snapshot {
	return snapshot{maps.Clone(m.entities), m.change, maps.Clone(m.effects)}
}

func (m *model) restore(s snapshot) {
	m.entities, m.change, m.effects = map[string]entity{}, s.change, maps.Clone(s.effects)
	for id, e := range s.entities {
		if e.version > 0 {
			e.version = max(e.version+1, m.w.now.UnixMilli())
		}
		m.entities[id] = e
		key := versionKey{id, e.version}
		m.versions[key] = append(m.versions[key], e)
	}
	m.order = map[queueKey]turn{}
}

// observe judges what the store did with the writes.
func (m *model) observe(writes []store.Write, outcomes []store.Outcome) {
	for i, w := range writes {
		o := outcomes[i]
		switch {
		case o.Result.Status == api.Rejected:
			if p := o.Result.Problem; p != nil && p.Code == api.CodeKeyReused {
				m.w.fail(3, "operation %s was sent with two payloads", w.ID)
			}
			m.w.stats.hit("server rejected")
			continue
		case o.Replayed:
			m.w.stats.hit("replay recognised")
			m.checkCurrent(w, o.Result)
			if !m.acknowledged[w.ID] {
				m.w.fail(3, "operation %s was taken for a replay of something that never took effect", w.ID)
			}
		case o.Result.Status == api.Applied:
			m.checkEffect(w, o.Result)
		case o.Result.Status == api.Conflict:
			m.w.stats.hit("server conflict")
			if m.tookEffect(w.ID) {
				m.w.fail(3, "operation %s took effect, and sent again it is a conflict", w.ID)
			}
			m.checkCurrent(w, o.Result)
		case o.Result.Status == api.Duplicate:
			m.w.stats.hit("already so")
			m.checkCurrent(w, o.Result)
		}
		if o.Result.Status == api.Applied || o.Result.Status == api.Duplicate {
			m.acknowledged[w.ID] = true
		}
	}
}

// effect judges an operation that took effect, and adds it to the history.
func (m *model) checkEffect(w store.Write, r api.Result) {
	m.w.stats.hit("applied " + string(w.Type))
	was, known := m.entities[w.EntityID]
	forgotten := was.version == 0
	if forgotten && w.Type == api.Create && w.BaseVersion > 0 {
		was.version = max(w.BaseVersion, m.change) // its tombstone was collected
	}
	switch {
	case m.tookEffect(w.ID):
		m.w.fail(3, "operation %s took effect twice", w.ID)
	case r.Version != was.version+1:
		m.w.fail(3, "entity %s went from version %d to %d by one operation", w.EntityID, was.version, r.Version)
	case w.Type != api.Create && (!known || was.deleted):
		m.w.fail(7, "a %s changed entity %s, which was deleted", w.Type, w.EntityID)
	case w.Type == api.Create && known && !was.deleted:
		m.w.fail(5, "a create replaced entity %s", w.EntityID)
	case w.BaseVersion != was.version && !forgotten:
		m.w.fail(5, "entity %s had version %d and a write made on version %d took effect", w.EntityID, was.version, w.BaseVersion)
	}
	m.effects[w.ID] = m.w.now
	m.change++
	now := entity{version: r.Version, at: m.w.now, change: m.change, deleted: w.Type == api.Delete}
	if !now.deleted {
		now.fields = was.fields.with(w.Patch)
		if was.deleted {
			now.fields = fields{}.with(w.Patch)
		}
		m.checkEmail(w.EntityID, now.fields.Email)
	}
	m.entities[w.EntityID] = now
	key := versionKey{w.EntityID, now.version}
	m.versions[key] = append(m.versions[key], now)
	m.checkCurrent(w, r)
	// A stamp the server makes itself is later than the one before, which may be of this millisecond.
	if at := r.Stamp.Time(); at.After(m.w.now.Add(10 * time.Millisecond)) {
		m.w.fail(9, "entity %s has a stamp %v in the future", w.EntityID, at.Sub(m.w.now))
	}
	m.checkOrder(w)
}

// inTurn judges whether a browser's operations of one entity arrive in order.
func (m *model) checkOrder(w store.Write) {
	o, ok := m.w.origins[w.ID]
	if !ok {
		m.w.fail(3, "operation %s is nobody's", w.ID)
		return
	}
	s := queueKey{o.storage, w.EntityID}
	if o.turn < m.order[s] {
		m.w.fail(4, "operation %s of entity %s took effect after a later one", w.ID, w.EntityID)
	}
	m.order[s] = o.turn
}

func (m *model) checkEmail(id, email string) {
	key := api.EmailKey(email)
	for other, e := range m.entities {
		if other != id && !e.deleted && api.EmailKey(e.fields.Email) == key {
			m.w.fail(emailRule, "entities %s and %s share the email %s", min(id, other), max(id, other), email)
		}
	}
}

// asItStands judges a result that claims to be the entity as it is.
func (m *model) checkCurrent(w store.Write, r api.Result) {
	e := m.entities[w.EntityID]
	got, live := m.w.reader.fieldsOf(r.Document)
	switch {
	case r.Version == 0 && !live && (e.version == 0 || e.deleted): // its tombstone may have been collected
	case live == (e.deleted || e.version == 0) || r.Version != e.version || got != e.fields:
		m.w.fail(8, "a result shows entity %s as version %d %+v; it has version %d %+v", w.EntityID, r.Version, got, e.version, e.fields)
	}
}

// took reports whether an operation took effect, as far as is remembered.
func (m *model) tookEffect(id string) bool {
	_, ok := m.effects[id]
	return ok
}

// prune forgets the operations from before a time.
func (m *model) prune(before time.Time) {
	maps.DeleteFunc(m.effects, func(_ string, at time.Time) bool { return at.Before(before) })
	clear(m.order)
}

// collect forgets the versions of tombstones from before a time. That they are
// deleted is never forgotten.
func (m *model) collect(before time.Time) {
	for id, e := range m.entities {
		if e.deleted && e.at.Before(before) {
			e.version = 0
			m.entities[id] = e
		}
	}
}

// was reports whether the server ever had the entity so.
func (m *model) had(id string, version int64, f fields) bool {
	for _, e := range m.versions[versionKey{id, version}] {
		if !e.deleted && e.fields == f {
			return true
		}
	}
	return false
}

// ids are those of all entities there ever were in this epoch, in order.
func (m *model) ids() []string { return slices.Sorted(maps.Keys(m.entities)) }
