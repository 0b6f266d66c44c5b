package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
	"github.com/rollcall/rollcall/server/storetest"
)

// sequenced numbers changes by a sequence of PostgreSQL, as one is tempted to. Every
// fourth write commits only after a poll has passed its number, as any commit may that
// waits for the disk.
type sequenced struct {
	pool  *pgxpool.Pool
	total int64

	mu     sync.Mutex
	polled *sync.Cond
	passed int64
}

func (s *sequenced) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var number int64
		err := tx.QueryRow(ctx, `INSERT INTO bare (id, change) VALUES ($1, nextval('numbers')) RETURNING change`, writes[0].EntityID).Scan(&number)
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for number%4 == 0 && number < s.total-100 && s.passed <= number {
			s.polled.Wait()
		}
		return nil
	})
	return []store.Outcome{{Result: api.Result{Status: api.Applied}}}, err
}

func (s *sequenced) Changes(ctx context.Context, cursor string, limit int) (page api.ChangePage, err error) {
	from, err := feed.State{Epoch: 1, Change: 1 << 40}.Resume(cursor)
	if err != nil {
		return page, err
	}
	rows, err := s.pool.Query(ctx, `SELECT id, change FROM bare WHERE change > $1 ORDER BY change LIMIT $2`, from.Change, limit+1)
	if err != nil {
		return page, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		ID     string
		Change int64
	}])
	if err != nil {
		return page, err
	}
	page.HasMore = len(found) > limit
	for _, r := range found[:min(len(found), limit)] {
		page.Changes = append(page.Changes, api.Change{EntityID: r.ID})
		from.Change = r.Change
	}
	page.Cursor = from.String()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed = max(s.passed, from.Change)
	s.polled.Broadcast()
	return page, nil
}

// TestASequenceSkipsChanges: the check that no change is skipped catches a feed numbered by a
// sequence of PostgreSQL; the store passes it with as many writers, in as many processes.
func TestASequenceSkipsChanges(t *testing.T) {
	const writers, each = 16, 20
	address := pgtest.Database(t)
	execute(t, side(t, address), `CREATE TABLE bare (id text, change bigint); CREATE SEQUENCE numbers`)
	pool, err := pgxpool.New(t.Context(), address+fmt.Sprint("&pool_max_conns=", writers+2))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := &sequenced{pool: pool, total: writers * each}
	s.polled = sync.NewCond(&s.mu)
	if err := storetest.CheckNoSkippedChange(t.Context(), s, writers, each); err == nil || !strings.Contains(err.Error(), "passed a change") {
		t.Errorf("numbers of a sequence: %v", err)
	} else {
		t.Log(err)
	}
	real := &several{}
	for range 8 {
		real.all = append(real.all, open(t, address, postgres.Options{}))
	}
	if err := storetest.CheckNoSkippedChange(t.Context(), real, writers, each); err != nil {
		t.Error(err)
	}
}
