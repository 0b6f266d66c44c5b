package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// authored is a valid operation of an account's, on a device.
func authored(operation api.Operation, by string, keep bool) store.Write {
	w, problem := store.Prepare(clientID, operation)
	if problem != nil {
		panic(problem)
	}
	w.Author = &store.Author{Account: by, Device: clientID, Keep: keep}
	return w
}

func (b *fixture) authored(o api.Operation, by string, keep bool) {
	b.Helper()
	if got := b.write(authored(o, by, keep)); got.Result.Status != api.Applied {
		b.Fatalf("%s: %+v", o.Type, got.Result)
	}
}

// past describes an entity's history: who did what, and from what to what, the newest first.
func (b *fixture) past(id string) (all []string) {
	b.Helper()
	p, err := b.store.History(b.Context(), id, store.Latest)
	if err != nil {
		b.Fatal(err)
	}
	for i, e := range p.Effects {
		name := func(u api.User, known bool) string {
			if !known {
				return "?"
			}
			return u.Name
		}
		if e.EntityID != id || e.At.IsZero() || e.Made != time.Date(2026, 1, 31, 11, 0, 0, 0, time.UTC) || e.Device != clientID {
			b.Errorf("effect %+v", e)
		}
		all = append(all, fmt.Sprintf("%s %s %s>%s", e.Account, e.Type, name(p.Before(i)), name(p.After(i))))
	}
	return all
}

// testHistory: each change that has an author, and no other, with what it replaced.
func testHistory(t *testing.T, b *fixture) {
	id := uuid.NewString()
	b.authored(op(id, api.Create, 0, person("Ada", "ada@example.org")), "ann", true)
	rename := authored(op(id, api.Update, 1, `{"name":"Ada L"}`), "bo", true)
	b.write(rename)
	b.write(rename) // a replay has no effect
	b.write(authored(op(id, api.Update, 1, `{"name":"Eve"}`), "eve", true))
	b.authored(op(id, api.Update, 2, `{"name":"Ada M"}`), "ann", false)
	b.one(op(id, api.Update, 3, `{"name":"Ada N"}`), api.Applied) // by nobody
	b.authored(op(id, api.Update, 4, `{"name":"Ada O"}`), "cy", true)
	b.authored(op(id, api.Delete, 5, ""), "dee", true)
	want := []string{"dee delete Ada O>", "cy update Ada N>Ada O", "ann update ?>?", "bo update Ada>?", "ann create >Ada"}
	if got := b.past(id); !slices.Equal(got, want) {
		t.Errorf("the history is %q, want %q", got, want)
	}
	b.authored(op(id, api.Create, 6, person("Ada P", "ada@example.org")), "ann", true)
	if got := b.past(id); got[0] != "ann create >Ada P" || len(got) != 6 {
		t.Errorf("after a restore: %q", got)
	}
	if got := b.past(uuid.NewString()); len(got) != 0 {
		t.Errorf("somebody who never was has the history %q", got)
	}
	// In one group, one after the other.
	both := []store.Write{authored(op(id, api.Update, 7, `{"name":"Ada Q"}`), "ann", true), authored(op(id, api.Update, 8, `{"name":"Ada R"}`), "bo", true)}
	if _, err := b.store.Apply(t.Context(), both); err != nil {
		t.Fatal(err)
	}
	if got := b.past(id)[:2]; !slices.Equal(got, []string{"bo update Ada Q>Ada R", "ann update Ada P>Ada Q"}) {
		t.Errorf("of one group: %q", got)
	}
	all, err := b.store.History(t.Context(), id, store.Latest)
	if err != nil {
		t.Fatal(err)
	}
	page, err := b.store.History(t.Context(), id, all.Effects[3].Change)
	if err != nil || !reflect.DeepEqual(page.Effects, all.Effects[3:]) || page.Current == nil {
		t.Errorf("up to the fourth latest: %+v (%v)", page, err)
	}
	b.effects(id)
}

// effects checks what is read of all entities.
func (b *fixture) effects(id string) {
	b.Helper()
	b.advance(time.Hour)
	from := b.now()
	b.authored(op(id, api.Update, 9, `{"name":"Ada S"}`), "bo", true)
	read := func(from time.Time, account *string) (all []string) {
		if err := b.store.Effects(b.Context(), from, account, func(e store.Effect) error {
			all = append(all, e.Account)
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		return all
	}
	bo := "bo"
	if got := read(time.Time{}, nil); !slices.Equal(got, []string{"ann", "bo", "ann", "cy", "dee", "ann", "ann", "bo", "bo"}) {
		b.Errorf("all effects are by %q", got)
	}
	if got := read(time.Time{}, &bo); !slices.Equal(got, []string{"bo", "bo", "bo"}) {
		b.Errorf("those of one account are by %q", got)
	}
	if got := read(from, nil); !slices.Equal(got, []string{"bo"}) {
		b.Errorf("the late ones are by %q", got)
	}
	stop := errors.New("enough")
	if err := b.store.Effects(b.Context(), time.Time{}, nil, func(store.Effect) error { return stop }); !errors.Is(err, stop) {
		b.Errorf("a reader that stops: %v", err)
	}
}

// testForget: texts go first, then who replaced them; with a tombstone goes its whole history, and
// on request all texts of somebody.
func testForget(t *testing.T, b *fixture) {
	id, gone, other := uuid.NewString(), uuid.NewString(), uuid.NewString()
	b.authored(op(id, api.Create, 0, person("Ada", "ada@example.org")), "ann", true)
	b.authored(op(other, api.Create, 0, person("Cy", "cy@example.org")), "ann", true)
	b.authored(op(other, api.Update, 1, `{"name":"Cyd"}`), "ann", true)
	b.advance(10 * day)
	middle := b.now()
	b.authored(op(id, api.Update, 1, `{"name":"Ada L"}`), "bo", true)
	b.authored(op(gone, api.Create, 0, person("Bo", "bo@example.org")), "ann", true)
	b.authored(op(gone, api.Delete, 1, ""), "ann", true)
	b.advance(10 * day)
	b.authored(op(id, api.Update, 2, `{"name":"Ada M"}`), "cy", true)
	forget := func(old store.Old, n int64, want ...string) {
		t.Helper()
		if got, err := b.store.Forget(t.Context(), old); err != nil || got != n {
			t.Errorf("%d were forgotten (%v), want %d", got, err, n)
		}
		if got := b.past(id); !reflect.DeepEqual(got, want) {
			t.Errorf("the history is %q, want %q", got, want)
		}
	}
	early, late := middle.Add(-20*day), middle.Add(day)
	forget(store.Old{Texts: early, Changes: early}, 0, "cy update Ada L>Ada M", "bo update Ada>Ada L", "ann create >Ada")
	forget(store.Old{Texts: late, Changes: early}, 3, "cy update Ada L>Ada M", "bo update ?>Ada L", "ann create >?")
	forget(store.Old{Texts: late, Changes: middle}, 3, "cy update Ada L>Ada M", "bo update ?>Ada L")
	if _, err := b.store.Collect(t.Context(), b.now().Add(-day)); err != nil {
		t.Fatal(err)
	}
	if got := b.past(gone); len(got) != 0 {
		t.Errorf("the history of a collected tombstone is %q", got)
	}
	if err := b.store.Erase(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := b.past(id); !reflect.DeepEqual(got, []string{"cy update ?>Ada M", "bo update ?>?"}) {
		t.Errorf("after it was erased: %q", got)
	}
}
