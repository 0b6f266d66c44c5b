package sim

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/wasm/queue"
)

// fields are the fields of a user that a person sets.
type fields struct{ Name, Email, Bio string }

// byName returns the fields as they are in a document.
func (f fields) byName() queue.Fields {
	out := queue.Fields{}
	for name, text := range map[string]string{"name": f.Name, "email": f.Email, "bio": f.Bio} {
		if value, err := json.Marshal(text); err == nil { // texts always encode
			out[name] = value
		}
	}
	return out
}

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

// fieldsOf decodes a document. It reports false if there is none.
func fieldsOf(document json.RawMessage) (fields, bool) {
	var f *fields
	if len(document) == 0 || json.Unmarshal(document, &f) != nil || f == nil {
		return fields{}, false
	}
	return *f, true
}

// reader caches decoded documents: a history reads the same ones again and again.
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

// entity is a user in the model.
type entity struct {
	version int64 // 0 once its tombstone was collected
	at      time.Time
	change  int64
	deleted bool
	fields  fields
	life    int // incremented when the server forgets a tombstone: a late create counts from one
}

// versionKey is one version of an entity.
type versionKey struct {
	id      string
	version int64
}

// model is a reference model of the server, built only from the effects it reported.
type model struct {
	w        *world
	entities map[string]entity
	change   int64
	effects  map[string]effect // by operation, as long as there is a record

	// Kept when a backup is restored.
	versions     map[versionKey][]entity
	acknowledged map[string]bool   // operations ever answered with applied or duplicate
	order        map[queueKey]turn // of the last effect
}

// effect is when an operation took effect, and on which entity.
type effect struct {
	at     time.Time
	entity string
}

// queueKey is an entity's queue in one browser storage. A turn is an operation's position
// in that storage.
type queueKey struct {
	storage int
	id      string
}

type turn int64

func newModel(w *world) *model {
	return &model{w: w, entities: map[string]entity{}, effects: map[string]effect{},
		versions: map[versionKey][]entity{}, acknowledged: map[string]bool{}, order: map[queueKey]turn{}}
}

// rollBack makes the model what it was when it was saved.
func (m *model) rollBack(s snapshot) {
	m.entities, m.change, m.effects = maps.Clone(s.entities), s.change, maps.Clone(s.effects)
	m.order = map[queueKey]turn{}
}

// snapshot is the model's part of a backup.
type snapshot struct {
	entities map[string]entity
	change   int64
	effects  map[string]effect
}

func (m *model) backup() snapshot {
	return snapshot{maps.Clone(m.entities), m.change, maps.Clone(m.effects)}
}

func (m *model) restore(s snapshot) {
	m.rollBack(s)
	for id, e := range s.entities {
		if e.version > 0 {
			e.version = max(e.version+1, store.VersionAt(m.w.now))
		}
		m.entities[id] = e
		key := versionKey{id, e.version}
		m.versions[key] = append(m.versions[key], e)
	}
}

// observe checks what the store did with writes, and follows it.
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
				m.w.fail(3, "operation %s was answered as a replay, but never took effect", w.ID)
			}
		case o.Result.Status == api.Applied:
			m.checkEffect(w, o.Result)
		case o.Result.Status == api.Conflict:
			m.w.stats.hit("server conflict")
			if m.tookEffect(w.ID) {
				m.w.fail(3, "operation %s took effect, but conflicts when sent again", w.ID)
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

// checkEffect checks an operation that took effect, and applies it to the model.
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
	case r.Version <= was.version:
		m.w.fail(3, "entity %s went from version %d to %d", w.EntityID, was.version, r.Version)
	case w.Type != api.Create && (!known || was.deleted):
		m.w.fail(7, "a %s changed entity %s, which was deleted", w.Type, w.EntityID)
	case w.Type == api.Create && known && !was.deleted:
		m.w.fail(5, "a create replaced entity %s", w.EntityID)
	case w.BaseVersion != was.version && !forgotten:
		m.w.fail(5, "entity %s had version %d, but a write based on version %d took effect", w.EntityID, was.version, w.BaseVersion)
	}
	m.effects[w.ID] = effect{m.w.now, w.EntityID}
	m.change++
	now := entity{version: r.Version, at: m.w.now, change: m.change, deleted: w.Type == api.Delete, life: was.life}
	if !now.deleted {
		now.fields = was.fields.with(w.Patch)
		if was.deleted {
			now.fields = fields{}.with(w.Patch)
		}
		m.checkEmail(w.EntityID, now.fields.Email)
	}
	m.entities[w.EntityID] = now
	m.checkVersion(w.EntityID, now)
	m.checkCurrent(w, r)
	// The server's own stamp follows the one before, which may be of the same millisecond.
	if at := r.Stamp.Time(); at.After(m.w.now.Add(10 * time.Millisecond)) {
		m.w.fail(9, "entity %s has a stamp %v in the future", w.EntityID, at.Sub(m.w.now))
	}
	m.checkOrder(w)
}

// checkVersion checks that no version stands for two states, whatever the server's data went
// back to, and notes this one.
func (m *model) checkVersion(id string, now entity) {
	key := versionKey{id, now.version}
	for _, was := range m.versions[key] {
		if was.life == now.life && (was.deleted != now.deleted || was.fields != now.fields) {
			m.w.fail(5, "entity %s gets version %d, which stood for another state", id, now.version)
		}
	}
	m.versions[key] = append(m.versions[key], now)
}

// checkOrder checks that a browser's operations on one entity take effect in order.
func (m *model) checkOrder(w store.Write) {
	o, ok := m.w.origins[w.ID]
	if !ok {
		m.w.fail(3, "operation %s was never queued anywhere", w.ID)
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

// checkCurrent checks that a result shows the entity's current state.
func (m *model) checkCurrent(w store.Write, r api.Result) {
	e := m.entities[w.EntityID]
	got, live := m.w.reader.fieldsOf(r.Document)
	switch {
	case r.Version == 0 && !live && (e.version == 0 || e.deleted): // its tombstone may have been collected
	case live == (e.deleted || e.version == 0) || r.Version != e.version || got != e.fields:
		m.w.fail(8, "a result shows entity %s as version %d %+v, but it has version %d %+v", w.EntityID, r.Version, got, e.version, e.fields)
	}
}

// tookEffect reports whether an operation took effect, as far as its record was kept.
func (m *model) tookEffect(id string) bool {
	_, ok := m.effects[id]
	return ok
}

// prune forgets the effects from before a time, except on those that are deleted.
func (m *model) prune(before time.Time) {
	maps.DeleteFunc(m.effects, func(_ string, did effect) bool {
		e := m.entities[did.entity]
		return did.at.Before(before) && !(e.deleted && e.version > 0)
	})
	clear(m.order)
}

// collect forgets the versions of tombstones from before a time and their effects, but not that
// they are deleted.
func (m *model) collect(before time.Time) {
	for id, e := range m.entities {
		if !e.deleted || !e.at.Before(before) {
			continue
		}
		e.version = 0
		e.life++
		m.entities[id] = e
		maps.DeleteFunc(m.effects, func(_ string, did effect) bool { return did.entity == id })
		// The records go with the tombstone: a request that was under way for longer takes
		// effect once more.
		maps.DeleteFunc(m.order, func(k queueKey, _ turn) bool { return k.id == id })
	}
}

// had reports whether the server ever had this version of the entity.
func (m *model) had(id string, version int64, f fields) bool {
	for _, e := range m.versions[versionKey{id, version}] {
		if !e.deleted && e.fields == f {
			return true
		}
	}
	return false
}

// ids returns the ids of all entities of this epoch, in order.
func (m *model) ids() []string { return slices.Sorted(maps.Keys(m.entities)) }
