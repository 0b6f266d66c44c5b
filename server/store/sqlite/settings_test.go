package sqlite

import (
	"context"
	"path/filepath"
	"testing"
)

// TestConnections: what a commit promises, and what a reader can't do, are
// settings of the connections, which a wrong word in the address would lose in silence.
func TestConnections(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "rollcall.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	// The writer's own connection is in use; let it go and take it from the pool.
	s.group.Close()
	s.writer.close()
	defer func() {
		if err := s.closeDBs(); err != nil {
			t.Error(err)
		}
	}()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "5000", "cache_size": "-32768", "temp_store": "2"} {
		var got string
		if err := s.writeDB.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("the writer's %s is %q (%v), want %q", pragma, got, err, want)
		}
	}
	var cache string
	if err := s.readDB.QueryRowContext(context.Background(), "PRAGMA cache_size").Scan(&cache); err != nil || cache != "-8192" {
		t.Errorf("a reader's cache_size is %q (%v)", cache, err)
	}
	if _, err := s.readDB.ExecContext(context.Background(), "UPDATE feed SET change = 7"); err == nil {
		t.Error("a reader's connection can write")
	}
}
