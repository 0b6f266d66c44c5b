package postgres_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
	"github.com/rollcall/rollcall/server/storetest"
)

// copies keeps copies of a database in the same cluster, whose process goes on. What such a copy
// has in common with its original is all that a physical copy has, except the process.
type copies struct {
	t    *testing.T
	name string // of the database
}

func copiesOf(t *testing.T, address string) copies {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return copies{t, strings.TrimPrefix(u.Path, "/")}
}

func (c copies) run(statements ...string) {
	c.t.Helper()
	pgtest.Query(c.t, pgtest.Start(c.t).Address("postgres"), func(ctx context.Context, conn *pgx.Conn) error {
		for _, text := range statements {
			if _, err := conn.Exec(ctx, text); err != nil {
				c.t.Fatalf("%s: %v", text, err)
			}
		}
		return nil
	})
}

// save keeps a copy, and moves the database to another run, as a failover does.
func (c copies) save() {
	c.t.Helper()
	c.run(`CREATE DATABASE `+c.name+`_saved TEMPLATE `+c.name, `CREATE DATABASE `+c.name+`_moved TEMPLATE `+c.name)
	c.replaceBy("_moved")
}

func (c copies) replaceBy(suffix string) {
	c.t.Helper()
	c.run(`DROP DATABASE `+c.name+` WITH (FORCE)`, `ALTER DATABASE `+c.name+suffix+` RENAME TO `+c.name)
}

func TestRollback(t *testing.T) {
	address := pgtest.Database(t)
	c := copiesOf(t, address)
	storetest.RunRollback(t, storetest.Rollback{
		Open:    func() storetest.Store { return open(t, address, postgres.Options{}) },
		Save:    c.save,
		PutBack: func() { c.replaceBy("_saved") },
	})
}

// TestFailoverUnderAServer: a server that goes on while the database is replaced begins a new
// epoch by itself, before anybody writes.
func TestFailoverUnderAServer(t *testing.T) {
	address := pgtest.Database(t)
	s := open(t, address, postgres.Options{Committed: func() {}})
	apply(t, s, create("Ann"))
	before, err := s.Changes(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	c := copiesOf(t, address)
	c.run(
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '`+c.name+`'`,
		`ALTER DATABASE `+c.name+` ALLOW_CONNECTIONS false`,
		`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '`+c.name+`'`,
		`CREATE DATABASE `+c.name+`_moved TEMPLATE `+c.name,
	)
	c.replaceBy("_moved")
	eventually(t, "clients learn of the new epoch", func() bool {
		after, err := s.Changes(t.Context(), before.Cursor, 10)
		return err == nil && after.Epoch != before.Epoch && len(after.Changes) == 0
	})
}

// TestServersThatStartTogetherBeginOneEpoch: whichever comes second finds it begun, as does each
// later write.
func TestServersThatStartTogetherBeginOneEpoch(t *testing.T) {
	address := pgtest.Database(t)
	if err := open(t, address, postgres.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	copiesOf(t, address).save()
	opened := make(chan *postgres.Store)
	const servers = 4
	for range servers {
		go func() {
			s, err := postgres.Open(t.Context(), address, postgres.Options{})
			if err != nil {
				t.Error(err)
			}
			opened <- s
		}()
	}
	for range servers {
		s := <-opened
		if s == nil {
			continue
		}
		if _, err := s.Apply(t.Context(), []store.Write{create("P")}); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	var begun int
	if err := side(t, address).QueryRow(t.Context(), `SELECT octet_length(past) / 16 FROM feed`).Scan(&begun); err != nil || begun != 2 {
		t.Errorf("%d epochs have ended (%v), want 2: that of the new directory, and the first server's", begun, err)
	}
}
