package sync

import (
	"encoding/json"
	"sort"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// ParseStrategy returns the strategy of that name; Merge for one nobody knows.
func ParseStrategy(name string) StrategyName {
	switch s := StrategyName(name); s {
	case LastWriteWins, ServerWins, ClientWins:
		return s
	}
	return Merge
}

// Case is a conflict to decide: an operation that was made on Mine.Base, and
// what the server has by now. Theirs is null when the entity was deleted; Version
// and Stamp are then the tombstone's, or zero when none is remembered.
type Case struct {
	Mine    queue.Operation
	Theirs  json.RawMessage
	Version int64
	Stamp   api.Stamp
	Fields  []string // the fields a person may set
}

// Decision is what becomes of a conflict: Type and Data of the operation that
// takes the place of mine (on Case.Version), or nothing to send; which side was
// kept, field by field; and whether a value was lost that a person may want back.
type Decision struct {
	Send   bool
	Type   api.OperationType
	Data   json.RawMessage
	Kept   queue.Side
	Fields []queue.Field
	Lost   bool
}

// Resolve decides a conflict. It is pure, total and deterministic: the same case
// gives the same decision on every device. The table (mine against theirs):
//
//	               update/update         update/delete  delete/update  create/deleted
//	serverWins     theirs                deleted        theirs         deleted
//	clientWins     mine                  restored       deleted        restored
//	lastWriteWins  the later stamp       later          later          later
//	merge          by field; both        deleted        deleted        deleted
//	               changed: later stamp
//
// A tie of stamps goes to theirs, which every replica will see. A create that
// restores (its base is a tombstone) is a person's answer to a deletion and
// stands whatever the strategy. A create against a row that is there is decided
// as an update on which both sides changed everything.
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

// againstDelete decides my create or update of what is deleted.
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

// deleteAgainst decides my delete of what has changed.
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

// byField is the three-way merge: a field that one side alone changed keeps that
// side's value; one that both changed goes to the later stamp.
func byField(c Case, later bool) Decision {
	return decideFields(c, func(f queue.Field) queue.Side {
		if queue.EqualJSON(f.Base, f.Theirs) || later {
			return queue.Mine
		}
		return queue.Theirs
	})
}

// wholeRow gives every field that I set to one side.
func wholeRow(c Case, mine bool) Decision {
	side := queue.Theirs
	if mine {
		side = queue.Mine
	}
	return decideFields(c, func(queue.Field) queue.Side { return side })
}

// decideFields decides each field that I set to another value than theirs, and
// sends those that are kept mine. A value is lost when its side's field was
// really changed by that side, yet the other was kept.
func decideFields(c Case, keep func(queue.Field) queue.Side) Decision {
	base, theirs, mine := queue.Decode(c.Mine.Base), queue.Decode(c.Theirs), queue.Decode(c.Mine.Data)
	d := Decision{Type: api.Update}
	send := queue.Fields{}
	for _, name := range fieldNames(mine) {
		f := queue.Field{Name: name, Base: base[name], Mine: mine[name], Theirs: theirs[name], Kept: queue.Both}
		if !queue.EqualJSON(f.Mine, f.Theirs) {
			f.Kept = keep(f)
		}
		switch f.Kept {
		case queue.Mine:
			send[name] = f.Mine
			d.Lost = d.Lost || !queue.EqualJSON(f.Base, f.Theirs)
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

func fieldNames(f queue.Fields) []string {
	names := make([]string, 0, len(f))
	for n := range f {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Settle replaces a conflicting operation by what the strategy decides, and
// records the decision with the entity. newID is the id of the operation that
// takes its place, conflictID that of the record.
func settleConflict(e *queue.Entity, id string, s StrategyName, theirs theirs, ids ids) bool {
	var record *queue.Conflict
	done := e.Replace(id, theirs.row, theirs.version, func(mine *queue.Operation) *queue.Operation {
		c := Case{Mine: *mine, Version: theirs.version, Stamp: theirs.stamp, Fields: theirs.fields}
		if theirs.row != nil {
			c.Theirs = theirs.row.Document
		}
		d := Resolve(s, c)
		record = &queue.Conflict{
			ID: ids.conflict, Ref: e.Ref, OperationID: mine.ID, At: theirs.at.UTC(), Strategy: string(s),
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
			// It restores what the server doesn't even remember as deleted.
			next.BaseVersion = max(mine.BaseVersion, 1)
		}
		next.State, next.RetryCount, next.NextAttemptAt, next.LastError = queue.Queued, 0, time.Time{}, nil
		return &next
	})
	if record != nil {
		e.Conflicts = append(e.Conflicts, *record)
	}
	return done
}

// theirs is the server's side of a conflict; row is nil when it is deleted.
type theirs struct {
	row     *queue.Row
	version int64
	stamp   api.Stamp
	fields  []string
	at      time.Time
}

// ids are the new ids that settling a conflict needs.
type ids struct{ operation, conflict string }
