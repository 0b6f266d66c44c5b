package postgres

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
)

func opened(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), address, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestConnections: what a commit promises, how long a statement may take, and what a
// reader can't do, are settings of the connections, whatever the database's are.
func TestConnections(t *testing.T) {
	address := pgtest.Database(t)
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), `ALTER DATABASE `+config.Database+` SET synchronous_commit = off`)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := opened(t, address+"&pool_max_conns=5&lock_timeout=9s")
	for name, pool := range map[string]*pgxpool.Pool{"writer": s.writes, "reader": s.reads} {
		want := map[string]string{
			"statement_timeout": "15s", "lock_timeout": "9s", "idle_in_transaction_session_timeout": "5s",
			"enable_seqscan": "off", "jit": "off", "application_name": "rollcall",
		}
		if name == "writer" {
			want["synchronous_commit"] = "on"
		} else {
			want["default_transaction_read_only"] = "on"
		}
		for setting, value := range want {
			var got string
			if err := pool.QueryRow(t.Context(), `SHOW `+setting).Scan(&got); err != nil || got != value {
				t.Errorf("the %s's %s is %q (%v), want %q", name, setting, got, err, value)
			}
		}
	}
	if s.reads.Config().MaxConns != 5 || s.writes.Config().MaxConns != maxWriters {
		t.Errorf("the pools have %d and %d connections", s.reads.Config().MaxConns, s.writes.Config().MaxConns)
	}
	if _, err := s.reads.Exec(t.Context(), `UPDATE feed SET change = 7`); err == nil {
		t.Error("a reader's connection can write")
	}
}

// TestFrozenServer: a process that is frozen while it holds the feed's row is put out, and
// the others go on.
func TestFrozenServer(t *testing.T) {
	address := pgtest.Database(t)
	frozen := opened(t, address+"&idle_in_transaction_session_timeout=300ms")
	conn, err := frozen.writes.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, _, _, err := begin(t.Context(), conn.Conn(), store.ReadSet{}); err != nil {
		t.Fatal(err)
	}
	name, email, id := "Ada", "ada@example.org", uuid.NewString()
	outcomes, err := opened(t, address).Apply(t.Context(), []store.Write{
		{ID: id, EntityID: id, Type: api.Create, Patch: api.UserPatch{Name: &name, Email: &email}},
	})
	if err != nil || outcomes[0].Result.Status != api.Applied {
		t.Errorf("behind a frozen process: %+v, %v", outcomes, err)
	}
	if _, err := conn.Exec(context.Background(), `COMMIT`); err == nil {
		t.Error("the frozen one could go on where it was")
	}
}
