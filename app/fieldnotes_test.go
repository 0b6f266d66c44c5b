package app

import (
	"reflect"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

func TestNotesOnFields(t *testing.T) {
	update := func(data string, state queue.State, problem *api.Problem) queue.Operation {
		return queue.Operation{Type: api.Update, Data: []byte(data), State: state, LastError: problem}
	}
	conflict := func(base, mine, theirs string, kept queue.Side) queue.Conflict {
		return queue.Conflict{Mine: []byte(`{}`), Theirs: []byte(`{}`), Fields: []queue.Field{
			{Name: "bio", Base: []byte(base), Mine: []byte(mine), Theirs: []byte(theirs), Kept: kept}}}
	}
	reviewed := conflict(`"a"`, `"b"`, `"c"`, queue.Mine)
	reviewed.Reviewed = true
	type notes = map[string][]fieldNote
	for name, c := range map[string]struct {
		e    queue.Entity
		want notes
	}{
		"nothing": {queue.Entity{}, notes{}},
		"unsent": {queue.Entity{Operations: []queue.Operation{update(`{"bio":"b"}`, queue.Queued, nil)}},
			notes{"bio": {{queue.Pending, "Not sent yet", ""}}}},
		"a new user's empty field is no change": {queue.Entity{Operations: []queue.Operation{{Type: api.Create, Data: []byte(`{"name":"Ann","bio":""}`)}}},
			notes{"name": {{queue.Pending, "Not sent yet", ""}}}},
		"a deletion is about no field": {queue.Entity{Operations: []queue.Operation{{Type: api.Delete}}}, notes{}},
		"refused for one field": {queue.Entity{Operations: []queue.Operation{update(`{"name":"b","email":"c"}`, queue.Rejected, &api.Problem{Code: api.CodeEmailTaken})}},
			notes{"email": {{queue.NeedsAttention, "Refused: Email is taken: another user has it.", ""}},
				"name": {{queue.Pending, "Not sent: the server refused the change it is part of", ""}}}},
		"refused as a whole": {queue.Entity{Operations: []queue.Operation{update(`{"name":"b"}`, queue.Rejected, &api.Problem{Title: "Too much", Detail: "go away"})}},
			notes{"name": {{queue.NeedsAttention, "Refused: " + problemText(&api.Problem{Title: "Too much", Detail: "go away"}), ""}}}},
		"refused, then changed": {queue.Entity{Operations: []queue.Operation{
			update(`{"email":"c"}`, queue.Rejected, &api.Problem{Code: api.CodeEmailTaken}), update(`{"email":"d"}`, queue.Queued, nil)}},
			notes{"email": {{queue.NeedsAttention, "Refused: Email is taken: another user has it.", ""}, {queue.Pending, "Not sent yet", ""}}}},
		"mine was kept":       {queue.Entity{Conflicts: []queue.Conflict{conflict(`"a"`, `"b"`, `"c"`, queue.Mine)}}, notes{"bio": {{queue.InConflict, "Others changed it meanwhile to “c”. Yours was kept.", "c"}}}},
		"theirs was kept":     {queue.Entity{Conflicts: []queue.Conflict{conflict(`"a"`, `"b"`, `"c"`, queue.Theirs)}}, notes{"bio": {{queue.InConflict, "Others changed it meanwhile. Yours was “b”.", "b"}}}},
		"they emptied it":     {queue.Entity{Conflicts: []queue.Conflict{conflict(`"a"`, `"b"`, `""`, queue.Mine)}}, notes{"bio": {{queue.InConflict, "Others emptied it meanwhile. Yours was kept.", ""}}}},
		"they left it":        {queue.Entity{Conflicts: []queue.Conflict{conflict(`"a"`, `"b"`, `"a"`, queue.Mine)}}, notes{}},
		"decided by a person": {queue.Entity{Conflicts: []queue.Conflict{reviewed}}, notes{}},
	} {
		if got := notesOn(c.e); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
