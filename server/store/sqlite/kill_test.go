package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqlite"
	"github.com/rollcall/rollcall/server/storetest"
)

// writerPath names the environment variable that makes this test binary the
// process that TestKilledWhileWriting kills.
const writerPath = "ROLLCALL_TEST_WRITER"

// line is the batch a writer sends as its nth: create, then update, of one user.
// It is the same in every process, so that the parent can send it again.
func line(writer string, n int) []store.Write {
	id := func(what string) string {
		return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%d/%s", writer, n, what)).String()
	}
	user := id("user")
	var writes []store.Write
	for i, op := range []api.Operation{
		{ID: id("create"), Type: api.Create, Data: fmt.Appendf(nil, `{"name":"N","email":"%s@example.org"}`, user)},
		{ID: id("update"), Type: api.Update, Data: []byte(`{"bio":"changed"}`)},
	} {
		op.EntityType, op.EntityID = api.EntityUser, user
		w, problem := store.Prepare(id("client"), op)
		if problem != nil {
			panic(fmt.Sprintf("operation %d: %v", i, problem))
		}
		w.AnyVersion = op.Type == api.Update
		writes = append(writes, w)
	}
	return writes
}

// writeUntilKilled writes from eight sides, and says on stdout what was acknowledged.
func writeUntilKilled(path string) int {
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	failed := make(chan error)
	for i := range 8 {
		writer := fmt.Sprintf("%d-%d", os.Getpid(), i)
		go func() {
			for n := 0; ; n++ {
				if _, err := s.Apply(context.Background(), line(writer, n)); err != nil {
					failed <- err
					return
				}
				fmt.Printf("%s %d\n", writer, n)
			}
		}()
	}
	fmt.Fprintln(os.Stderr, <-failed)
	return 1
}

// TestKilledWhileWriting: after a SIGKILL in the middle of writing, everything
// that was acknowledged is there, nothing is there in part, and sending all of it again
// does nothing twice.
func TestKilledWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	for round := range 5 {
		acknowledged := killAfter(t, path, 40+round*17)
		s := open(t, path, sqlite.Options{})
		for writer, last := range acknowledged {
			for n := range last + 1 {
				outcomes, err := s.Apply(t.Context(), line(writer, n))
				if err != nil {
					t.Fatal(err)
				}
				for i, o := range outcomes {
					if !o.Replayed || o.First != api.Applied || o.Result.Version < int64(i+1) {
						t.Fatalf("operation %d of %s %d was acknowledged; sent again it is %+v", i, writer, n, o)
					}
				}
			}
			// The one under way was done or not; sent again, it is done.
			if _, err := s.Apply(t.Context(), line(writer, last+1)); err != nil {
				t.Fatal(err)
			}
		}
		if err := storetest.CheckDigest(t.Context(), s, 1000); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		checkWhole(t, path)
	}
}

// killAfter starts a writing process, kills it after some acknowledgements, and
// returns the number of the last acknowledged line by writer.
func killAfter(t *testing.T, path string, lines int) map[string]int {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), writerPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]int{}
	scanner := bufio.NewScanner(out)
	for count := 0; scanner.Scan(); count++ {
		var writer string
		var n int
		if _, err := fmt.Sscanf(scanner.Text(), "%s %d", &writer, &n); err != nil {
			break // cut by the kill
		}
		acknowledged[writer] = n
		if count == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the writer ended by itself: %v", err)
	}
	if len(acknowledged) == 0 {
		t.Fatal("nothing was acknowledged before the kill")
	}
	return acknowledged
}

// checkWhole looks into the file: counter, versions and records must agree.
func checkWhole(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for query, want := range map[string]string{
		`PRAGMA integrity_check`: "ok",
		`SELECT (SELECT change FROM feed) = (SELECT max(change) FROM users)`:                      "1",
		`SELECT (SELECT change FROM feed) = (SELECT 2 * count(*) FROM users)`:                     "1",
		`SELECT (SELECT change FROM feed) = (SELECT count(*) FROM records)`:                       "1",
		`SELECT count(*) FROM users WHERE document->>'version' != version`:                        "0",
		`SELECT count(*) FROM users WHERE document->>'bio' != 'changed' OR document->>'id' != id`: "0",
	} {
		var got string
		if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", query, got, want, err)
		}
	}
}
