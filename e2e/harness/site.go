package harness

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"testing"

	_ "modernc.org/sqlite" // reads the server's file
)

// Site is a server behind a proxy.
type Site struct {
	t      testing.TB
	Server *Server
	Proxy  *Proxy
	token  string // what Call signs in with; empty on a server without accounts
}

// NewSite starts a server without users, with further flags.
func NewSite(t testing.TB, bin string, flags ...string) *Site {
	t.Helper()
	s := StartServer(t, bin, flags...)
	return &Site{t, s, StartProxy(t, s.URL()), ""}
}

// URL is the site's address for browsers.
func (s *Site) URL() string { return s.Proxy.URL() }

// Down stops the server; connections are refused until Up.
func (s *Site) Down() {
	s.t.Helper()
	s.Proxy.Refuse()
	s.Server.Stop()
}

// Up starts the server again, on the same database.
func (s *Site) Up() {
	s.t.Helper()
	s.Server.Start()
	s.Proxy.Accept()
}

// AnotherProxy starts another proxy in front of the same server, for a second browser.
func (s *Site) AnotherProxy() *Proxy {
	s.t.Helper()
	return StartProxy(s.t, s.Server.URL())
}

// Row is a user in the server's database.
type Row struct {
	ID, Name, Email, Bio string
	Version              int64
}

// Rows reads the users from the server's SQLite file, by name.
func (s *Site) Rows() []Row {
	s.t.Helper()
	var rows []Row
	s.query(`SELECT id, version, document FROM users WHERE deleted = 0`, func(scan func(...any) error) error {
		var r Row
		var document string
		if err := scan(&r.ID, &r.Version, &document); err != nil {
			return err
		}
		rows = append(rows, r)
		return json.Unmarshal([]byte(document), &rows[len(rows)-1])
	})
	sortRows(rows)
	return rows
}

// Row reads the user of this name from the server's file; ok is false if there is none.
func (s *Site) Row(name string) (row Row, ok bool) {
	s.t.Helper()
	for _, r := range s.Rows() {
		if r.Name == name {
			return r, true
		}
	}
	return Row{}, false
}

// Applied counts the server's idempotency records: operations and keyed requests that took
// effect.
func (s *Site) Applied() int { return s.count(`SELECT count(*) FROM records`) }

// Users returns how many there are.
func (s *Site) Users() int { return s.count(`SELECT count(*) FROM users WHERE deleted = 0`) }

// Result is the result of an operation in the server's idempotency record.
type Result struct {
	Status  string
	Version int64
}

// Results returns the idempotency records of operations, by id.
func (s *Site) Results() map[string]Result {
	s.t.Helper()
	results := map[string]Result{}
	s.query(`SELECT substr(key, length('operation:') + 1), version, status FROM records WHERE key LIKE 'operation:%'`, func(scan func(...any) error) error {
		var id string
		var r Result
		if err := scan(&id, &r.Version, &r.Status); err != nil {
			return err
		}
		results[id] = r
		return nil
	})
	return results
}

// Versions returns the versions of all users and tombstones, by id.
func (s *Site) Versions() map[string]int64 {
	s.t.Helper()
	versions := map[string]int64{}
	s.query(`SELECT id, version FROM users`, func(scan func(...any) error) error {
		var id string
		var version int64
		err := scan(&id, &version)
		versions[id] = version
		return err
	})
	return versions
}

// Changes returns the number of the server's last change: how many writes took effect.
func (s *Site) Changes() int { return s.count(`SELECT change FROM feed`) }

func (s *Site) count(query string) int {
	s.t.Helper()
	var n int
	s.query(query, func(scan func(...any) error) error { return scan(&n) })
	return n
}

func (s *Site) query(query string, row func(scan func(...any) error) error) {
	s.t.Helper()
	db, err := sql.Open("sqlite", fmt.Sprintf("file:%s?mode=ro&_pragma=busy_timeout(5000)", s.Server.DB))
	if err != nil {
		s.t.Fatalf("opening the server's database: %v", err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(s.t.Context(), query)
	if err != nil {
		s.t.Fatalf("reading the server's database: %v", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			s.t.Fatalf("reading the server's database: %v", err)
		}
	}
	if err := rows.Err(); err != nil {
		s.t.Fatalf("reading the server's database: %v", err)
	}
}

// Restart starts the server again with other further flags.
func (s *Site) Restart(flags ...string) {
	s.t.Helper()
	s.Down()
	s.Server.flags = flags
	s.Up()
}
