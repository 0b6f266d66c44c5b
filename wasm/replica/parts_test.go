package replica_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/repository"
)

// asking notes what is read of a database, and what happens after.
type asking struct {
	replica.Database
	texts int // of what a search looks in
	after func()
}

func (a *asking) Run(ctx context.Context, query replica.Query, decide func(replica.Found) (replica.Step, error)) error {
	err := a.Database.Run(ctx, query, decide)
	for _, key := range query.Keys {
		if strings.HasPrefix(key, "text") {
			a.texts++
		}
	}
	if a.after != nil {
		a.after()
	}
	return err
}

// searching are 2,000 people whose texts a search reads in several parts, and a tab that keeps no page.
func searching(t *testing.T) (host, reader *tab, database *asking) {
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
		o.Database, o.Bounds, o.Cache = database, small, 1
	})
	return host, reader, database
}

func find(ctx context.Context, s *tab) (int, error) {
	rows, err := s.Rows(ctx, repository.Window{Type: directory.Users.Type, Search: "person001000", Limit: 5})
	return rows.Total, err
}

// TestASearchGoesOnThoughSettingsChange: what becomes of a round while names are looked through concerns no row.
func TestASearchGoesOnThoughSettingsChange(t *testing.T) {
	host, reader, database := searching(t)
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
	host, reader, database := searching(t)
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
	_, reader, database := searching(t)
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
