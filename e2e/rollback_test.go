//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// TestDatabaseWentBack: an older copy of the file is put in the database's place, without
// `rollcall restore` and without a word to anybody. A page that stays open shows what the server
// has, though versions that it has seen are lost, and says so when a change was based on them.
func TestDatabaseWentBack(t *testing.T) { everywhere(t, databaseWentBack) }

func databaseWentBack(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	ann, bob, _ := addThree(site)
	users := openUsers(t, b, site.URL())
	users.hasState("Ann Archer", "")
	copyDatabase(t, site.Server.DB, site.Server.DB+".copy") // in use, as a snapshot of the disk does
	users.edit("Ann Archer", harness.Person{Bio: "lost"})
	users.hasState("Ann Archer", "")
	users.add(harness.Person{Name: "Lucy Lost", Email: "lucy@example.org"})
	users.hasState("Lucy Lost", "")
	site.Change(bob, map[string]string{"bio": "lost, too"})
	users.matchesServer(site)

	site.Server.Stop()
	copyDatabase(t, site.Server.DB+".copy", site.Server.DB)
	users.edit("Bob Baker", harness.Person{Bio: "on what is lost"})
	site.Server.Start()
	site.Change(ann, map[string]string{"bio": "instead"})
	users.isOnline()
	users.matchesServer(site)
	harness.Eventually(t, "the device has what the server has", func() error {
		d, err := readDevice(users.Page)
		if err != nil {
			return err
		}
		people, err := d.people()
		if err != nil {
			return err
		}
		want := map[string]fields{}
		for _, r := range site.Rows() {
			want[r.Name] = fields{Name: r.Name, Email: r.Email, Bio: r.Bio}
		}
		if !maps.Equal(people, want) {
			return fmt.Errorf("it has %v, the server %v", people, want)
		}
		return nil
	})
}

// copyDatabase copies a database that nobody writes to.
func copyDatabase(t *testing.T, from, to string) {
	t.Helper()
	for _, part := range []string{"", "-wal"} {
		content, err := os.ReadFile(from + part)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = os.RemoveAll(to + part)
		case err == nil:
			err = os.WriteFile(to+part, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
