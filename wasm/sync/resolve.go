package sync

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// StrategyName names a conflict strategy; see Resolve.
type StrategyName string

const (
	LastWriteWins StrategyName = "lastWriteWins"
	ServerWins    StrategyName = "serverWins"
	ClientWins    StrategyName = "clientWins"
	Merge         StrategyName = "merge"
)

// ParseStrategy returns the strategy of that name, and Merge for an unknown one.
func ParseStrategy(name string) StrategyName {
	switch s := StrategyName(name); s {
	case LastWriteWins, ServerWins, ClientWins:
		return s
	}
	return Merge
}

// Case is a conflict to resolve: an operation on Mine.Base, and what the server has now.
// Theirs is null when the entity is deleted. Version and Stamp are then the tombstone's,
// or zero when the server has none.
type Case struct {
	Mine    queue.Operation
	Theirs  json.RawMessage
	Version int64
	Stamp   api.Stamp
	Fields  []string // the fields a person may set
}

// Decision is how a conflict is resolved. Type and Data are those of the operation that
// replaces mine (on Case.Version), if there is anything to send. Kept and Fields say which
// side was kept, and Lost whether a value was lost that a person may want back.
type Decision struct {
	Send   bool
	Type   api.OperationType
	Data   json.RawMessage
	Kept   queue.Side
	Fields []queue.Field
	Lost   bool
}

// Resolve resolves a conflict. It is pure, total and deterministic: the same case gives
// the same decision on every device. The table (mine/theirs):
//
//	               update/update         update/delete  delete/update  create/deleted
//	serverWins     theirs                deleted        theirs         deleted
//	clientWins     mine                  restored       deleted        restored
//	lastWriteWins  the later stamp       later          later          later
//	merge          by field; both        deleted        deleted        deleted
//	               changed: later stamp
//
// A tie of stamps goes to theirs, which every replica will see. A create that restores
// (its base is a tombstone) is a person's answer to a deletion; it wins whatever the
// strategy. A create of an entity that exists is resolved like an update in which both
// sides changed every field.
func Resolve(s StrategyName, c Case) Decision {
	later := c.Mine.Stamp > c.Stamp
	mineWins := s == ClientWins || (s == LastWriteWins && later)
	switch {
	case queue.IsNull(c.Theirs) && c.Mine.Type == api.Delete:
		return Decision{Kept: queue.Both}
	case queue.IsNull(c.Theirs):
		restores := c.Mine.Type == api.Create && c.Mine.BaseVersion > 0
		return againstDelete(c, mineWins || restores)
	case c.Mine.Type == api.Delete:
		return deleteAgainst(c, mineWins || s == Merge)
	}
	if s == Merge {
		return byField(c, later)
	}
	return wholeRow(c, mineWins)
}

// againstDelete resolves my create or update of a deleted entity.
func againstDelete(c Case, restore bool) Decision {
	document := queue.Decode(c.Mine.ApplyTo(nil))
	d := Decision{Kept: queue.Theirs, Lost: true}
	if restore {
		d = Decision{Send: true, Type: api.Create, Data: document.Only(c.Fields).Encode(), Kept: queue.Mine}
	}
	base := queue.Decode(c.Mine.Base)
	for _, name := range fieldNames(document.Only(c.Fields)) {
		d.Fields = append(d.Fields, queue.Field{Name: name, Base: base[name], Mine: document[name], Kept: d.Kept})
	}
	return d
}

// deleteAgainst resolves my delete of an entity that has changed.
func deleteAgainst(c Case, remove bool) Decision {
	d := Decision{Kept: queue.Theirs, Lost: true}
	if remove {
		d = Decision{Send: true, Type: api.Delete, Kept: queue.Mine, Lost: true}
	}
	base, theirs := queue.Decode(c.Mine.Base), queue.Decode(c.Theirs)
	for _, name := range fieldNames(theirs.Only(c.Fields)) {
		d.Fields = append(d.Fields, queue.Field{Name: name, Base: base[name], Theirs: theirs[name], Kept: d.Kept})
	}
	return d
}

// byField is the three-way merge: a field that only one side changed keeps that side's
// value; a field that both changed goes to the later stamp.
func byField(c Case, later bool) Decision {
	return decideFields(c, func(f queue.Field) queue.Side {
		if queue.SameValue(f.Base, f.Theirs) || later {
			return queue.Mine
		}
		return queue.Theirs
	})
}

// wholeRow takes every field that I set from one side.
func wholeRow(c Case, mine bool) Decision {
	side := queue.Theirs
	if mine {
		side = queue.Mine
	}
	return decideFields(c, func(queue.Field) queue.Side { return side })
}

// decideFields decides each field that I set to another value than theirs, and sends those
// of which mine is kept. A value is lost when its side really changed it, yet the other
// side's is kept.
func decideFields(c Case, keep func(queue.Field) queue.Side) Decision {
	base, theirs, mine := queue.Decode(c.Mine.Base), queue.Decode(c.Theirs), queue.Decode(c.Mine.Data)
	d := Decision{Type: api.Update}
	send := queue.Fields{}
	for _, name := range fieldNames(mine) {
		f := queue.Field{Name: name, Base: base[name], Mine: mine[name], Theirs: theirs[name], Kept: queue.Both}
		if !queue.SameValue(f.Mine, f.Theirs) {
			f.Kept = keep(f)
		}
		switch f.Kept {
		case queue.Mine:
			send[name] = f.Mine
			d.Lost = d.Lost || !queue.SameValue(f.Base, f.Theirs)
		case queue.Theirs:
			d.Lost = true
		}
		d.Kept = join(d.Kept, f.Kept)
		d.Fields = append(d.Fields, f)
	}
	if d.Kept == "" {
		d.Kept = queue.Both
	}
	d.Send, d.Data = len(send) > 0, send.Encode()
	return d
}

func join(a, b queue.Side) queue.Side {
	if a == "" || a == b {
		return b
	}
	return queue.Both
}

func fieldNames(f queue.Fields) []string { return slices.Sorted(maps.Keys(f)) }

// resolveConflict replaces a conflicting operation by what the strategy decides, and
// records the decision with the entity.
func resolveConflict(e *queue.Entity, id string, s StrategyName, theirs theirs, ids conflictIDs) {
	var record *queue.Conflict
	e.ResolveConflict(id, theirs.row, theirs.version, func(mine *queue.Operation) *queue.Operation {
		c := Case{Mine: *mine, Version: theirs.version, Stamp: theirs.stamp, Fields: theirs.fields}
		if theirs.row != nil {
			c.Theirs = theirs.row.Document
		}
		d := Resolve(s, c)
		record = &queue.Conflict{
			ID: ids.record, Ref: e.Ref, OperationID: mine.ID, At: theirs.at.UTC(), Strategy: string(s),
			Base: mine.Base, Mine: mine.ApplyTo(mine.Base), Theirs: c.Theirs, TheirsVersion: c.Version,
			Kept: d.Kept, Fields: d.Fields, Reviewed: !d.Lost,
		}
		if !d.Send {
			return nil
		}
		next := *mine
		next.ID, next.Type, next.Data = ids.operation, d.Type, d.Data
		next.Base, next.BaseVersion, next.Unseen = c.Theirs, c.Version, false
		if d.Type == api.Create && c.Version == 0 {
			// The server has not even a tombstone of what this restores.
			next.BaseVersion = max(mine.BaseVersion, 1)
		}
		next.State, next.RetryCount, next.NextAttemptAt, next.LastError = queue.Queued, 0, time.Time{}, nil
		return &next
	})
	if record != nil {
		e.Conflicts = append(e.Conflicts, *record)
	}
}

// theirs is the server's side of a conflict; row is nil when it is deleted.
type theirs struct {
	row     *queue.Row
	version int64
	stamp   api.Stamp
	fields  []string
	at      time.Time
}

// conflictIDs are the new ids that resolving a conflict needs: of the operation that
// replaces the conflicting one, and of the record.
type conflictIDs struct{ operation, record string }
