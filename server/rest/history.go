package rest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/store"
)

// shownEffect is a change as the user's page shows it.
type shownEffect struct {
	Change  int64             `json:"change"`
	Type    api.OperationType `json:"type"`
	Account *shownAuthor      `json:"account"` // nil for the operator's command
	Device  string            `json:"device,omitempty"`
	At      time.Time         `json:"at"`
	Made    time.Time         `json:"madeAt,omitzero"`
	// Known says that the texts are kept; without them Fields is empty.
	Known bool `json:"known"`
	// Restorable says that the state it left is kept, and is an earlier one.
	Restorable bool         `json:"restorable"`
	Fields     []shownField `json:"fields"`
}

type shownAuthor struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
}

// authorOf is an account by its id, nil for none.
func authorOf(s *account.State, id string) *shownAuthor {
	if a, ok := s.Accounts[id]; ok {
		return &shownAuthor{a.ID, a.Name, a.Display}
	}
	return nil
}

type shownField struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// showHistory lists a user's changes, the newest first. It works for a deleted user as well.
func (s *server) showHistory(w http.ResponseWriter, r *http.Request) error {
	until, err := untilOf(r)
	if err != nil {
		return err
	}
	past, err := s.pastOf(r, until)
	if err != nil {
		return err
	}
	state := s.gate.State()
	all := make([]shownEffect, len(past.Effects))
	for i, e := range past.Effects {
		all[i] = shownEffect{Change: e.Change, Type: e.Type, Device: e.Device, At: e.At, Made: e.Made, Fields: []shownField{}}
		all[i].Account = authorOf(state, e.Account)
		from, known := past.Before(i)
		to, ok := past.After(i)
		all[i].Restorable = ok && to.ID != "" && i > 0
		if known = known && ok; known {
			all[i].Known, all[i].Fields = true, differing(from, to)
		}
	}
	return sendJSON(w, http.StatusOK, map[string]any{"version": past.Current.Version, "changes": all})
}

// untilOf is the change that a page of a history begins with.
func untilOf(r *http.Request) (int64, error) {
	q, err := query(r)
	if err != nil || !q.Has("until") {
		return store.Latest, err
	}
	until, err := strconv.ParseInt(q.Get("until"), 10, 64)
	if err != nil || until < 1 {
		return 0, store.Invalid("Invalid query", api.FieldError{Field: "until", Detail: "must be the change of the last entry that this list returned"})
	}
	return until, nil
}

// find returns a user's history with an entry, and the entry's place in it.
func (s *server) find(r *http.Request, past store.Past, change int64) (store.Past, int, error) {
	for {
		i := slices.IndexFunc(past.Effects, func(e store.Effect) bool { return e.Change == change })
		if i >= 0 {
			return past, i, nil
		}
		n := len(past.Effects)
		if n < store.MaxPast || past.Effects[n-1].Change < change {
			return past, 0, store.Invalid("Invalid change", api.FieldError{Field: "change", Detail: "must be one of the user's history"})
		}
		var err error
		if past, err = s.pastOf(r, past.Effects[n-1].Change); err != nil { // which is in it again: what it left is known from the next one
			return past, 0, err
		}
	}
}

func (s *server) pastOf(r *http.Request, until int64) (store.Past, error) {
	id, err := pathID(r)
	if err != nil {
		return store.Past{}, err
	}
	past, err := s.store.History(r.Context(), id, until)
	if err == nil && past.Current == nil { // who is erased has no effects, either
		err = store.ErrNotFound
	}
	return past, err
}

// differing returns the fields in which two states differ.
func differing(a, b api.User) []shownField {
	fields := []shownField{}
	for _, f := range []shownField{{"name", a.Name, b.Name}, {"email", a.Email, b.Email}, {"bio", a.Bio, b.Bio}} {
		if f.From != f.To {
			fields = append(fields, f)
		}
	}
	return fields
}

// restoreUser brings a user back to the state after one of their changes, or before it: what the first
// one replaced, no other left. It names the version that it is based on, as any change does; for a deleted
// user, the tombstone's.
func (s *server) restoreUser(w http.ResponseWriter, r *http.Request) error {
	past, err := s.pastOf(r, store.Latest)
	if err != nil {
		return err
	}
	write, err := s.conditional(r, api.Update)
	if err != nil {
		return err
	}
	var body struct {
		Change int64 `json:"change"`
		Before bool  `json:"before"`
	}
	if err := s.decodeBody(w, r, api.MaxUserBody, &body); err != nil {
		return err
	}
	past, i, err := s.find(r, past, body.Change)
	if err != nil {
		return err
	}
	state := past.After
	if body.Before {
		state = past.Before
	}
	was, known := state(i)
	if !known || was.ID == "" {
		return api.NewProblem(api.CodeConflict, "Nothing to restore", "there was no such user then, or its texts are no longer kept")
	}
	if past.Current.Deleted {
		write.Type = api.Create
	}
	outcome, err := s.apply(r, backTo(write, was))
	if err != nil {
		return err
	}
	if outcome.Result.Status == api.Conflict {
		return failedCondition(w, outcome)
	}
	writeOutcome(w, http.StatusOK, outcome)
	return nil
}

// backTo is a write that sets the fields of an earlier state.
func backTo(w store.Write, was api.User) store.Write {
	w, _ = w.WithPatch(api.UserPatch{Name: &was.Name, Email: &was.Email, Bio: &was.Bio}) // it was valid
	return w
}

// undoAccount undoes what an account has changed within the last hour, as far as nobody has changed
// the same people since.
func (s *server) undoAccount(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, err := s.gate.State().Find(id); err != nil {
		return err
	}
	writes, kept, err := s.undoing(r, id)
	if err != nil {
		return err
	}
	result := api.Undone{Kept: kept}
	for some := range slices.Chunk(writes, maxQueued) {
		outcomes, err := s.store.Apply(r.Context(), some)
		if err != nil {
			return fmt.Errorf("undo the changes of account %s: %w", id, err)
		}
		for _, o := range outcomes {
			switch o.Result.Status {
			case api.Applied, api.Duplicate:
				result.Undone++
			case api.Conflict:
				result.Kept++
			default:
				result.Failed++
			}
		}
	}
	err = s.gate.Decide(r.Context(), func(*account.State) (account.Change, error) { // it is done, whoever they are by now
		detail := fmt.Sprintf("%d people", result.Undone)
		return account.Change{Events: []account.Event{{At: s.gate.Now(), Action: "changes_undone", Account: id, By: scopeOf(r.Context()).who.Account, Detail: detail}}}, nil
	})
	if err != nil {
		return err
	}
	return sendJSON(w, http.StatusOK, result)
}

// span is what became of a user from an account's first change of them within the last hour on.
type span struct {
	first  store.Effect
	last   int64 // change
	others bool  // have changed them, too
}

// spans returns whom an account has changed within the last hour, in that order. A user's history is too short for
// that: whoever changes somebody very often would push out of it how they were before.
func (s *server) spans(ctx context.Context, id string) ([]span, error) {
	all := map[string]span{}
	err := s.store.Effects(ctx, s.gate.Now().Add(-bulkWindow), nil, func(e store.Effect) error {
		one, known := all[e.EntityID]
		if !known && e.Account != id {
			return nil
		}
		if !known {
			one.first = e
		}
		one.last, one.others = e.Change, one.others || e.Account != id
		all[e.EntityID] = one
		return nil
	})
	return slices.SortedFunc(maps.Values(all), func(a, b span) int { return cmp.Compare(a.first.Change, b.first.Change) }), err
}

// undoing returns the writes that bring people back to how they were before an account's first
// change of them within the last hour, and how many can't be brought back.
func (s *server) undoing(r *http.Request, id string) (writes []store.Write, kept int, err error) {
	all, err := s.spans(r.Context(), id)
	if err != nil {
		return nil, 0, err
	}
	for _, one := range all {
		past, err := s.store.History(r.Context(), one.first.EntityID, store.Latest)
		if err != nil {
			return nil, 0, err
		}
		write, ok := undo(past.Current, one)
		if !ok {
			kept++
		}
		if write.Type == "" {
			continue
		}
		write.ID = scopeOf(r.Context()).id
		write.Author = &store.Author{Account: scopeOf(r.Context()).who.Account, Keep: s.keepTexts}
		writes = append(writes, write)
	}
	return writes, kept, nil
}

// undo returns the write that undoes an account's changes of a user, without a type if there is
// nothing to do; false if others came between or after, or the texts are not kept.
func undo(current *store.Row, of span) (w store.Write, ok bool) {
	was, known := store.Past{Effects: []store.Effect{of.first}}.Before(0)
	if of.others || !known || current == nil || current.Change != of.last {
		return w, false
	}
	w = store.Write{EntityID: current.ID, BaseVersion: current.Version}
	switch {
	case was.ID == "" && current.Deleted: // created and deleted
		return w, true
	case was.ID == "":
		w.Type = api.Delete
		return w, true
	case current.Deleted:
		w.Type = api.Create
	default:
		w.Type = api.Update
	}
	return backTo(w, was), true
}
