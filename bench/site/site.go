package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rollcall/rollcall/bench/subject"
)

// Seed makes the people of a site.
const Seed = 5

// Sites starts the real server over a database of its own, empty or filled.
type Sites struct {
	Binary string // the built `rollcall`
	Dir    string
	// Flags are further ones of serve.
	Flags []string
}

// Start starts a server with n people. The first with so many imports them; later ones
// copy that database.
func (s *Sites) Start(ctx context.Context, n int) (*subject.Server, error) {
	db := filepath.Join(s.Dir, "run.db")
	for _, path := range []string{db, db + "-wal", db + "-shm"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("remove the last database: %w", err)
		}
	}
	if n > 0 {
		template, err := s.filled(ctx, n)
		if err != nil {
			return nil, err
		}
		if err := copyFile(db, template); err != nil {
			return nil, err
		}
	}
	return subject.Serve(ctx, s.Binary, db, s.Flags...)
}

// filled returns the path of a database with n people, which it makes once.
func (s *Sites) filled(ctx context.Context, n int) (string, error) {
	db := filepath.Join(s.Dir, fmt.Sprintf("people-%d.db", n))
	if _, err := os.Stat(db); err == nil {
		return db, nil
	}
	file := filepath.Join(s.Dir, "people.jsonl")
	if err := writeLines(file, People(n, Seed)); err != nil {
		return "", err
	}
	making := db + ".tmp"
	server, err := subject.Serve(ctx, s.Binary, making) // makes its tables
	if err != nil {
		return "", err
	}
	if err := server.Stop(); err != nil {
		return "", err
	}
	if err := subject.Command(ctx, s.Binary, "import", "-db", making, "-apply", "-quiet", file); err != nil {
		return "", err
	}
	server, err = subject.Serve(ctx, s.Binary, making) // its end leaves no log beside the file
	if err != nil {
		return "", err
	}
	if err := server.Stop(); err != nil {
		return "", err
	}
	return db, os.Rename(making, db)
}

func writeLines(path string, people []Person) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the people: %w", err)
	}
	lines := json.NewEncoder(f)
	for _, p := range people {
		line := map[string]string{"id": p.ID, "name": p.Name, "email": p.Email, "bio": p.Bio}
		if err := lines.Encode(line); err != nil {
			return errors.Join(fmt.Errorf("write the people: %w", err), f.Close())
		}
	}
	return f.Close()
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("copy a database: %w", err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		return fmt.Errorf("copy a database: %w", err)
	}
	return nil
}
