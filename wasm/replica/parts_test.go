package replica_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/repository"
)

// asking notes what is read of a database, and what happens after.
type asking struct {
	replica.Database
	texts  int // of what a search looks in
	asked  int
	before func()
	after  func()
}

func (a *asking) Run(ctx context.Context, query replica.Query, decide func(replica.Found) (replica.Step, error)) error {
	a.asked++
	if a.before != nil {
		a.before()
	}
	count := func(r replica.Read) {
		for _, key := range r.Keys {
			if strings.HasPrefix(key, "text") {
				a.texts++
			}
		}
	}
	count(query.Read)
	err := a.Database.Run(ctx, query, func(found replica.Found) (replica.Step, error) {
		step, err := decide(found)
		if step.More != nil {
			count(*step.More)
		}
		return step, err
	})
	if a.after != nil {
		a.after()
	}
	return err
}

// searching are 2,000 people whose texts a search reads in several parts, and a tab that may keep so many bytes of
// them.
func searching(t *testing.T, keeps int) (host, reader *tab, database *asking) {
	b := newBrowser()
	host = b.open(users, func(o *replica.Options) { o.Bounds = small })
	pull(t, host.Store, 2000)
	for more := true; more; {
		var err error
		if more, err = host.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	reader = b.open(users, func(o *replica.Options) {
		database = &asking{Database: o.Database}
		o.Database, o.Bounds, o.Texts = database, small, keeps
	})
	return host, reader, database
}

func find(ctx context.Context, s *tab) (int, error) {
	rows, err := s.Rows(ctx, repository.Window{Type: directory.Users.Type, Search: "person001000", Limit: 5})
	return rows.Total, err
}

// TestASearchGoesOnThoughSettingsChange: what becomes of a round while names are looked through concerns no row.
func TestASearchGoesOnThoughSettingsChange(t *testing.T) {
	host, reader, database := searching(t, 1)
	var once, notes int
	for _, after := range []func(){nil, nil, func() {
		notes++
		if err := host.SetMeta(t.Context(), map[string]string{"syncedAt": strconv.Itoa(notes)}); err != nil {
			t.Error(err)
		}
	}} {
		once, database.texts, database.after = database.texts, 0, after
		if _, err := find(t.Context(), reader); err != nil {
			t.Fatal(err)
		}
	}
	if once < 100 || database.texts != once {
		t.Errorf("%d texts were read, and %d while the host noted something", once, database.texts)
	}
}

// TestASearchBeginsAnewWhenRowsChange: one that came in a part that was read already is found.
func TestASearchBeginsAnewWhenRowsChange(t *testing.T) {
	host, reader, database := searching(t, 1)
	runs := 0
	database.after = func() {
		if runs++; runs != 5 {
			return
		}
		ref := queue.Ref{Type: directory.Users.Type, ID: "00000000-0000-4000-8000-000000000001"}
		err := host.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
			return es[0].Enqueue(queue.Write{ID: "op", Type: "create", Data: []byte(`{"name":"AA Person001000","email":"aa@example.org"}`), At: fixedNow()})
		})
		if err != nil {
			t.Error(err)
		}
	}
	before, err := find(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := find(t.Context(), reader); err != nil || n != before+1 {
		t.Errorf("found %d (%v), want %d", n, err, before+1)
	}
}

// TestASearchThatNobodyWaitsForEndsBetweenParts: the next one need not wait until it has read all.
func TestASearchThatNobodyWaitsForEndsBetweenParts(t *testing.T) {
	_, reader, database := searching(t, 1)
	if _, err := find(t.Context(), reader); err != nil {
		t.Fatal(err)
	}
	once := database.texts
	database.texts = 0
	ctx, cancel := context.WithCancel(t.Context())
	database.after = cancel
	if _, err := find(ctx, reader); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if database.texts == 0 || database.texts > once/2 {
		t.Errorf("%d of %d texts were read", database.texts, once)
	}
}

// TestSearchesTakeTurns: who types while the texts are being read finds them in memory, and reads none
// of them a second time.
func TestSearchesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, reader, database := searching(t, replica.DefaultTexts)
		free := make(chan bool)
		database.before = func() { <-free }
		ended := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := find(t.Context(), reader)
				ended <- err
			}()
			synctest.Wait()
		}
		if database.asked != 1 {
			t.Errorf("%d of two searches read", database.asked)
		}
		close(free)
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		once := database.texts
		if _, err := find(t.Context(), reader); err != nil || database.texts != once || once < 100 {
			t.Errorf("%d texts were read, then %d: %v", once, database.texts, err)
		}
		_, alone, database := searching(t, replica.DefaultTexts)
		if _, err := find(t.Context(), alone); err != nil || database.texts != once {
			t.Errorf("two searches read %d texts, and one %d: %v", once, database.texts, err)
		}
	})
}

// TestAnOlderBaseIsReadFromMemory: whoever has all pages that are asked for waits for nobody who compacts.
func TestAnOlderBaseIsReadFromMemory(t *testing.T) {
	host, reader, database := searching(t, replica.DefaultTexts)
	before, err := find(t.Context(), reader)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 40 {
		ref := queue.Ref{Type: directory.Users.Type, ID: user(n).EntityID}
		if err := host.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
			es[0].Confirm(&queue.Row{Version: 7, Document: user(n).Document})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	compact(t, host.Store)
	database.asked = 0
	if n, err := find(t.Context(), reader); err != nil || n != before || database.asked != 0 {
		t.Errorf("%d are found where %d were, with %d transactions: %v", n, before, database.asked, err)
	}
	database.asked = 0
	if err := reader.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := find(t.Context(), reader); err != nil || n != before || database.asked < 2 {
		t.Errorf("%d are found where %d were, with %d transactions: %v", n, before, database.asked, err)
	}
}

// TestAnEarlyAnswerIsTheBeginning: who asks for it gets the first rows that are found before all texts are read,
// and one that found fewer is whole.
func TestAnEarlyAnswerIsTheBeginning(t *testing.T) {
	_, reader, database := searching(t, 1)
	ask := func(search string, early bool) repository.Rows {
		database.texts = 0
		rows, err := reader.Rows(t.Context(), repository.Window{Type: directory.Users.Type, Search: search, Limit: 5, Early: early})
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	early := ask("person", true)
	some := database.texts
	whole := ask("person", false)
	if !early.Partial || whole.Partial || !slices.Equal(early.Keys, whole.Keys) || early.Total >= whole.Total || some >= database.texts/2 {
		t.Errorf("%d of %d rows are %v after %d of %d texts, then %v", early.Total, whole.Total, early.Keys, some, database.texts, whole.Keys)
	}
	if one := ask("person001000", true); one.Partial {
		t.Errorf("%d rows that were found to the end are said to be some", one.Total)
	}
}
