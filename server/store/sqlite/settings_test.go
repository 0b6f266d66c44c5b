package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
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
	s.checkpoints.close()
	s.writer.close()
	defer func() {
		if err := s.closeDBs(); err != nil {
			t.Error(err)
		}
	}()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "5000", "cache_size": "-32768", "temp_store": "2", "wal_autocheckpoint": "48000"} {
		var got string
		if err := s.writeDB.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("the writer's %s is %q (%v), want %q", pragma, got, err, want)
		}
	}
	for name, db := range map[string]*sql.DB{"writer": s.writeDB, "reader": s.readDB, "checkpointer": s.checkDB} {
		var trusted string
		if err := db.QueryRowContext(context.Background(), "PRAGMA trusted_schema").Scan(&trusted); err != nil || trusted != "0" {
			t.Errorf("the %s trusts the schema: %q (%v)", name, trusted, err)
		}
		var overwrites string
		if err := db.QueryRowContext(context.Background(), "PRAGMA secure_delete").Scan(&overwrites); err != nil || overwrites != "1" {
			t.Errorf("the %s leaves what it deletes: %q (%v)", name, overwrites, err)
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

// TestCheckpointsRunInTheBackground: what was committed gets into the file long before the
// writer would have to do it.
func TestCheckpointsRunInTheBackground(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	size := func(of string) int64 {
		info, err := os.Stat(of)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	empty := size(path)
	// One by one, as from few devices: each commit adds more pages than a write in a group.
	for range checkpointPages/pagesOf(2) + 50 {
		id := uuid.NewString()
		name, email := "Ada "+id, id+"@example.org"
		write := store.Write{ID: id, EntityID: id, Key: id, Type: api.Create, Patch: api.UserPatch{Name: &name, Email: &email}}
		if _, err := s.Apply(t.Context(), []store.Write{write}); err != nil {
			t.Fatal(err)
		}
	}
	if log := size(path + "-wal"); log >= maxLogPages*4096 {
		t.Fatalf("the log has %d bytes, so that the writer moved it itself", log)
	}
	for deadline := time.Now().Add(20 * time.Second); size(path) < empty+1<<18; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("the file has %d bytes, and had %d when it was empty", size(path), empty)
		}
	}
}
