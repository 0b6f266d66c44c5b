package queue

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/rollcall/rollcall/api"
)

// End is how an operation ended.
type End string

const (
	// EndLanded: the server has applied it.
	EndLanded End = "landed"
	// EndSuperseded: another operation, Fate.By, took it up: a later write was
	// merged with it before its first send or after its rejection, or a conflict's
	// decision is sent in its place.
	EndSuperseded End = "superseded"
	// EndOverruled: a conflict's decision left nothing of it to send. The Conflict
	// with its OperationID says what was kept.
	EndOverruled End = "overruled"
	// EndCancelled: it and a later write, such as a create and its delete, came to
	// nothing together.
	EndCancelled End = "cancelled"
	// EndDiscarded: it was rejected, and the person dropped it.
	EndDiscarded End = "discarded"
	// EndRejected: the server will not take it as it is. It is still in the queue:
	// the person may retry or edit it, and its end is then another.
	EndRejected End = "rejected"
	// EndUnchanged: the write changed nothing, so that there was no operation.
	EndUnchanged End = "unchanged"
)

// Fate is what became of an operation.
type Fate struct {
	ID      string       `json:"id"`
	End     End          `json:"end"`
	By      string       `json:"by,omitempty"`      // the operation that superseded it
	Version int64        `json:"version,omitempty"` // of the entity, for one that landed
	Problem *api.Problem `json:"-"`                 // why, for one that is rejected
}

// A store keeps the fates of the newest MaxFates operations that have left the
// queue, over all entities. They are its named value MetaFates, as one text:
// one record a transaction, not one an operation.
const (
	MetaFates = "fates"
	MaxFates  = 500
)

// ErrUnknown says that nothing is known of an operation: it never was in this
// queue, its storage was lost, or it ended too long ago.
var ErrUnknown = errors.New("nothing is known of this operation: it is not in the queue, nor among the last that left it")

// ends records how an operation that leaves the queue ended. The store takes the
// record with the entity, in the same transaction.
func (e *Entity) ends(f Fate) {
	e.Fates = append(e.Fates, f)
}

// merges records what coalescing made of two operations.
func (e *Entity) merges(first, second, merged Operation, keep bool) {
	if keep {
		e.ends(Fate{ID: first.ID, End: EndSuperseded, By: merged.ID})
		return
	}
	e.ends(Fate{ID: first.ID, End: EndCancelled})
	e.ends(Fate{ID: second.ID, End: EndCancelled})
}

// Lines are fates as the text of MetaFates holds them: one a line, as JSON.
func Lines(fates []Fate) []string {
	lines := make([]string, 0, len(fates))
	for _, f := range fates {
		line, err := json.Marshal(f)
		if err != nil {
			continue // texts and numbers always encode
		}
		lines = append(lines, string(line))
	}
	return lines
}

// AppendFates adds fates to a text of MetaFates and drops the oldest beyond
// MaxFates.
func AppendFates(text string, fates []Fate) string {
	for _, line := range Lines(fates) {
		if text != "" {
			text += "\n"
		}
		text += line
	}
	for n := strings.Count(text, "\n") + 1; n > MaxFates; n-- {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

// FateIn finds an operation's fate in a text of MetaFates. The last line counts:
// an operation that ended twice was queued again in between.
func FateIn(text, id string) (Fate, bool) {
	for text != "" {
		at := strings.LastIndexByte(text, '\n')
		var f Fate
		if json.Unmarshal([]byte(text[at+1:]), &f) == nil && f.ID == id {
			return f, true
		}
		text = text[:max(at, 0)]
	}
	return Fate{}, false
}
