package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
	"github.com/rollcall/rollcall/server/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func open(t *testing.T, address string, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), address, o)
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

// side is a connection beside the store, as an operator might have.
func side(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func execute(t *testing.T, conn *pgx.Conn, text string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func create(name string) store.Write {
	id := uuid.NewString()
	email := id + "@example.org"
	return store.Write{ID: id, EntityID: id, Type: api.Create, Patch: api.UserPatch{Name: &name, Email: &email}, Stamp: "",
		Key: "operation:" + id}
}

func apply(t *testing.T, s *postgres.Store, writes ...store.Write) []store.Outcome {
	t.Helper()
	outcomes, err := s.Apply(t.Context(), writes)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// eventually waits until what holds, for at most half a minute.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); !holds(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after 30 s it is not so that %s", what)
		}
	}
}

// intact fails the test unless the database is intact.
func intact(t *testing.T, address string) store.Report {
	t.Helper()
	report, err := postgres.Check(t.Context(), address)
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("the check found %q (%v)", report.Problems, err)
	}
	return report
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o storetest.Options) storetest.Store {
		return open(t, pgtest.Database(t), postgres.Options{Now: o.Now, Committed: o.Committed})
	})
}

// several are some stores over one database, as of several processes; calls go to them in turn.
type several struct {
	storetest.Store
	all  []storetest.Store
	next atomic.Int64
}

func (s *several) one() storetest.Store { return s.all[int(s.next.Add(1))%len(s.all)] }

func (s *several) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	return s.one().Apply(ctx, writes)
}

func (s *several) User(ctx context.Context, id string) (store.Row, error) {
	return s.one().User(ctx, id)
}

func (s *several) Changes(ctx context.Context, cursor string, limit int) (api.ChangePage, error) {
	return s.one().Changes(ctx, cursor, limit)
}

func (s *several) Head(ctx context.Context) (string, error) { return s.one().Head(ctx) }

func (s *several) Revision(ctx context.Context) (string, error) { return s.one().Revision(ctx) }

func (s *several) Bucket(ctx context.Context, q store.BucketQuery) (api.BucketPage, error) {
	return s.one().Bucket(ctx, q)
}

func (s *several) Close() error {
	var errs []error
	for _, one := range s.all {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// TestSeveralServersActAsOne: three stores on one database keep the contract of one: the
// feed skips nothing, replays are known to all, histories are linearizable.
func TestSeveralServersActAsOne(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o storetest.Options) storetest.Store {
		address := pgtest.Database(t)
		s := &several{}
		for range 2 {
			s.all = append(s.all, open(t, address, postgres.Options{Now: o.Now}))
		}
		// One of them reports its own commits and those of the others.
		notifying := open(t, address, postgres.Options{Now: o.Now, Committed: o.Committed})
		if strings.HasSuffix(t.Name(), "/notifications") {
			s.all = nil
		}
		s.all = append(s.all, notifying)
		s.Store = s.all[0]
		return s
	})
}

// TestOneFailsAlone: the database fails on one write in the middle of a group, as a
// full index might; the others are kept, also those on the same user.
func TestOneFailsAlone(t *testing.T) {
	address := pgtest.Database(t)
	s := open(t, address, postgres.Options{})
	execute(t, side(t, address), `CREATE FUNCTION poison() RETURNS trigger AS $$ BEGIN RAISE 'poisoned'; END $$ LANGUAGE plpgsql;
		CREATE TRIGGER poison BEFORE INSERT ON records FOR EACH ROW WHEN (NEW.key LIKE '%poison%') EXECUTE FUNCTION poison()`)
	var writes []store.Write
	for i := range 9 {
		writes = append(writes, create(fmt.Sprint("P", i)))
	}
	writes[5].Key = "poison"
	outcomes := apply(t, s, writes...)
	for i, o := range outcomes {
		want := api.Applied
		if i == 5 {
			want = api.Rejected
		}
		_, err := s.User(t.Context(), writes[i].EntityID)
		if stored := err == nil; o.Result.Status != want || stored != (want == api.Applied) {
			t.Errorf("write %d: %+v, stored %v; want %s", i, o.Result, stored, want)
		}
	}
	if r := intact(t, address); r.Users != 8 || r.Records != 8 || r.Change != 8 {
		t.Errorf("the database has %+v", r)
	}
	// A user that can't be read fails the write that asks for it.
	execute(t, side(t, address), `UPDATE users SET document = '{' || document WHERE id = '`+writes[2].EntityID+`'`)
	for i, o := range apply(t, s, writes...) {
		if bad := i == 2 || i == 5; (o.Result.Status == api.Retry) != (i == 2) || (o.Result.Status == api.Rejected) != (i == 5) || o.Replayed == bad {
			t.Errorf("write %d beside a damaged user: %+v", i, o)
		}
	}
	execute(t, side(t, address), `UPDATE users SET document = substr(document, 2) WHERE id = '`+writes[2].EntityID+`'`)
	// What is not the fault of a write is tried once, not halved down to each.
	execute(t, side(t, address), `DROP TRIGGER poison ON records; ALTER TABLE records RENAME TO away`)
	if _, err := s.Apply(t.Context(), writes); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without a table: %v", err)
	}
	execute(t, side(t, address), `ALTER TABLE away RENAME TO records`)
	for i, o := range apply(t, s, writes...) {
		if o.Replayed != (i != 5) {
			t.Errorf("write %d again: %+v", i, o)
		}
	}
	intact(t, address)
}

// TestEmailsMove: one group may pass emails around, whatever the order in which
// the database saves its rows.
func TestEmailsMove(t *testing.T) {
	address := pgtest.Database(t)
	s := open(t, address, postgres.Options{})
	a, b, c, d := create("A"), create("B"), create("C"), create("D")
	apply(t, s, a, b, c, d)
	to := func(w store.Write, base int64, email string) store.Write {
		return store.Write{ID: uuid.NewString(), EntityID: w.EntityID, Type: api.Update, BaseVersion: base, Patch: api.UserPatch{Email: &email}}
	}
	round := []store.Write{to(a, 1, "free@example.org"), to(b, 1, *a.Patch.Email), to(c, 1, *b.Patch.Email), to(d, 1, *c.Patch.Email), to(a, 2, *d.Patch.Email)}
	for i, o := range apply(t, s, round...) {
		if o.Result.Status != api.Applied {
			t.Errorf("step %d of a round: %+v", i, o.Result)
		}
	}
	rows, err := s.Find(t.Context(), nil, []string{*a.Patch.Email, *d.Patch.Email})
	if err != nil || len(rows) != 2 || rows[0].Version+rows[1].Version != 5 {
		t.Errorf("after it: %+v (%v)", rows, err)
	}
	var transactions int
	if err := side(t, address).QueryRow(t.Context(), `SELECT count(DISTINCT xmin::text) FROM users`).Scan(&transactions); err != nil || transactions != 1 {
		t.Errorf("the round took %d transactions (%v): it had to be divided", transactions, err)
	}
	intact(t, address)
}

// TestConcurrentStart: eight processes start on an empty database at once; one
// makes the schema, and all of them can serve.
func TestConcurrentStart(t *testing.T) {
	address := pgtest.Database(t)
	var starts sync.WaitGroup
	for range 8 {
		starts.Go(func() {
			s, err := postgres.Open(t.Context(), address, postgres.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			_, err = s.Apply(context.Background(), []store.Write{create("P")})
			if err := errors.Join(err, s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
	if r := intact(t, address); r.Users != 8 || r.Change != 8 {
		t.Errorf("the database has %+v", r)
	}
}

func TestUnusableDatabases(t *testing.T) {
	newer := pgtest.Database(t)
	if err := open(t, newer, postgres.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, side(t, newer), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)`)
	const secret = "s3cr%2Ft"
	away := "postgres://rollcall:" + secret + "@127.0.0.1:1/none?connect_timeout=1"
	for address, want := range map[string]string{
		newer:                            "newer program",
		away:                             "refused",
		"postgres://rollcall:s3cr/t@h/d": "%-escapes",
		"postgres://rollcall:s3cr%2Ft@h/d?sslmode=maybe":      "sslmode",
		"postgres://rollcall@h/d?password=s3cr&sslmode=maybe": "sslmode",
	} {
		_, err := postgres.Open(t.Context(), address, postgres.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr") {
			t.Errorf("open: %v, want %q in it, and no password", err, want)
		}
		if strings.Contains(postgres.Name(address), "s3cr") {
			t.Errorf("the name %q has a password", postgres.Name(address))
		}
	}
	empty := pgtest.Database(t)
	if _, err := postgres.Open(t.Context(), empty, postgres.Options{MustExist: true}); err == nil || !strings.Contains(err.Error(), "no directory") {
		t.Errorf("an empty database: %v", err)
	}
	if _, err := postgres.Check(t.Context(), empty); err == nil || !strings.Contains(err.Error(), "no directory") {
		t.Errorf("check of an empty database: %v", err)
	}
}

// TestReceivesNotifications: a store learns of another process's commits at once by a
// notification, and soon by polling if there was none, also after its listening connection was
// lost.
func TestReceivesNotifications(t *testing.T) {
	address := pgtest.Database(t)
	commits := func(o postgres.Options) *atomic.Int64 {
		var count atomic.Int64
		o.Committed = func() { count.Add(1) }
		open(t, address, o)
		return &count
	}
	byNotification := commits(postgres.Options{Poll: time.Hour})
	byPolling := commits(postgres.Options{Poll: 20 * time.Millisecond})
	other := open(t, address, postgres.Options{})
	db := side(t, address)
	listeners := func() (n int) {
		err := db.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rollcall listener' AND datname = current_database() AND query LIKE 'SELECT epoch%' AND state = 'idle'`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "both listen", func() bool { return listeners() == 2 })
	apply(t, other, create("Ada"))
	eventually(t, "both were notified", func() bool { return byNotification.Load() == 1 && byPolling.Load() == 1 })

	execute(t, db, `UPDATE feed SET change = change + 1`)
	eventually(t, "the one that polls found it", func() bool { return byPolling.Load() == 2 })
	if byNotification.Load() != 1 {
		t.Error("found without a notification, an hour early")
	}

	execute(t, db, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rollcall listener' AND datname = current_database()`)
	eventually(t, "both listen again, and found what they missed", func() bool { return listeners() == 2 && byNotification.Load() == 2 })
	apply(t, other, create("Bo"))
	eventually(t, "both were notified again", func() bool { return byNotification.Load() == 3 && byPolling.Load() == 3 })
}

// TestNotificationsAreBounded: however many commits there are, other processes are
// notified at most 20 times a second, and of the last one too.
func TestNotificationsAreBounded(t *testing.T) {
	address := pgtest.Database(t)
	s := open(t, address, postgres.Options{})
	db := side(t, address)
	execute(t, db, `LISTEN rollcall_changes`)
	began := time.Now()
	commits := 0
	for ; commits < 20 || time.Since(began) < time.Second; commits++ {
		apply(t, s, create("P"))
	}
	if err := s.Close(); err != nil { // which sends the last
		t.Fatal(err)
	}
	most := int(time.Since(began)/(50*time.Millisecond)) + 2
	got := 0
	for ctx, cancel := context.WithTimeout(t.Context(), time.Second); ; got++ {
		if _, err := db.WaitForNotification(ctx); err != nil {
			cancel()
			break
		}
	}
	if got < 2 || got > most {
		t.Errorf("%d notifications of %d commits, want 2 to %d", got, commits, most)
	}
	t.Logf("%d notifications of %d commits", got, commits)
}

// TestBackendsKilled: whatever becomes of its connections, a store goes on by itself
// with new ones, and says meanwhile that it is unavailable, or that nobody knows.
func TestBackendsKilled(t *testing.T) {
	for name, kill := range map[string]func(t *testing.T, address string){
		"terminated": func(t *testing.T, address string) {
			execute(t, side(t, address), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()`)
		},
		// PostgreSQL then ends all others and recovers from its log.
		"killed": func(t *testing.T, address string) {
			pids := pgtest.Backends(t, address)
			if len(pids) == 0 {
				t.Fatal("it has no connections")
			}
			if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			address := pgtest.Database(t)
			s := open(t, address, postgres.Options{})
			first := create("Ada")
			apply(t, s, first)
			kill(t, address)
			eventually(t, "it reads again", func() bool {
				_, err := s.Head(t.Context())
				if err != nil && !errors.Is(err, store.ErrUnavailable) {
					t.Fatalf("a read: %v", err)
				}
				return err == nil
			})
			eventually(t, "it writes again", func() bool {
				outcomes, err := s.Apply(t.Context(), []store.Write{first})
				if err != nil && !errors.Is(err, store.ErrUnavailable) {
					t.Fatalf("a write: %v", err)
				}
				return err == nil && outcomes[0].Replayed
			})
			if r := intact(t, address); r.Users != 1 {
				t.Errorf("it has %d users", r.Users)
			}
		})
	}
}

// TestConnectionLostWhileSaving: the connection is ended while a group is being saved. Nobody
// knows the outcome then: callers learn that, nothing is retried, and
// a replay finds out.
func TestConnectionLostWhileSaving(t *testing.T) {
	address := pgtest.Database(t)
	s := open(t, address, postgres.Options{})
	db := side(t, address)
	execute(t, db, `CREATE FUNCTION slow() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$ LANGUAGE plpgsql;
		CREATE TRIGGER slow BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION slow()`)
	ada := create("Ada")
	answered := make(chan error, 1)
	go func() {
		_, err := s.Apply(context.Background(), []store.Write{ada})
		answered <- err
	}()
	eventually(t, "the group was being saved, and was ended", func() (ended bool) {
		err := db.QueryRow(t.Context(), `SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`).Scan(&ended)
		return err == nil && ended
	})
	if err := <-answered; !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the caller got %v", err)
	}
	execute(t, db, `DROP TRIGGER slow ON records`)
	if o := apply(t, s, ada)[0]; o.Replayed || o.Result.Status != api.Applied {
		t.Errorf("sent again: %+v", o)
	}
	if o := apply(t, s, ada)[0]; !o.Replayed {
		t.Errorf("and again: %+v", o)
	}
	intact(t, address)
}

// TestFinishRestore: after a backup took the place of what was written since, a cursor
// from before gets a resync, and no version stands for two states.
func TestFinishRestore(t *testing.T) {
	address := pgtest.Database(t)
	s := open(t, address, postgres.Options{Committed: func() {}})
	ann, bo := create("Ann"), create("Bo")
	apply(t, s, ann, bo)
	apply(t, s, store.Write{ID: uuid.NewString(), EntityID: bo.EntityID, Type: api.Delete, BaseVersion: 1})
	cursor, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	db := side(t, address)
	eventually(t, "the server holds its lock", func() (held bool) {
		err := db.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&held)
		return err == nil && held
	})
	if _, err := postgres.FinishRestore(t.Context(), address, 7, now); !errors.Is(err, postgres.ErrInUse) {
		t.Errorf("with a server on it: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it can be moved ahead", func() bool {
		n, err := postgres.FinishRestore(t.Context(), address, 7, now)
		if err != nil && !errors.Is(err, postgres.ErrInUse) {
			t.Fatal(err)
		}
		return err == nil && n == 2
	})
	intact(t, address)
	s = open(t, address, postgres.Options{})
	if _, err := s.Changes(t.Context(), cursor, 10); !errors.Is(err, feed.ErrResync) {
		t.Errorf("a cursor from before: %v", err)
	}
	row, err := s.User(t.Context(), ann.EntityID)
	if err != nil {
		t.Fatal(err)
	}
	u, err := row.User()
	if err != nil || row.Version < now.UnixMilli() || u.Version != row.Version || u.Name != "Ann" {
		t.Errorf("restored as version %d, %+v (%v)", row.Version, u, err)
	}
	bio := "x"
	for version, want := range map[int64]api.Status{2: api.Conflict, row.Version: api.Applied} {
		w := store.Write{ID: ann.ID, EntityID: ann.EntityID, Type: api.Update, BaseVersion: version, Patch: api.UserPatch{Bio: &bio}}
		if version == 2 {
			other := "y"
			w.Patch.Bio = &other
		}
		if o := apply(t, s, w); o[0].Result.Status != want {
			t.Errorf("built on %d: %+v, want %s", version, o[0].Result, want)
		}
	}
}

// TestTextsThatPostgreSQLRejects: PostgreSQL knows no zero byte. What asks with one is answered
// as by the other stores.
func TestTextsThatPostgreSQLRejects(t *testing.T) {
	s := open(t, pgtest.Database(t), postgres.Options{})
	apply(t, s, create("Ada"))
	if _, err := s.User(t.Context(), "a\x00"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("user: %v", err)
	}
	for _, q := range []store.ListQuery{{Search: "a\x00", Limit: 5}, {After: store.Position{Sort: "zz\x00", ID: "\x00"}, Limit: 5}} {
		if list, err := s.Users(t.Context(), q); err != nil || len(list.Documents) != 0 {
			t.Errorf("%+v: %+v, %v", q, list, err)
		}
	}
	if rows, err := s.Find(t.Context(), []string{"\x00"}, []string{"\x00"}); err != nil || len(rows) != 0 {
		t.Errorf("find: %+v, %v", rows, err)
	}
}
