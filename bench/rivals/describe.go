package main

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rollcall/rollcall/bench/figures"
	"github.com/rollcall/rollcall/bench/subject"
	"github.com/rollcall/rollcall/internal/cluster"
)

// describe describes the machine, the versions and the method.
func describe(ctx context.Context, o *options, dir string) (string, error) {
	sync, err := subject.SyncTime(dir)
	if err != nil {
		return "", err
	}
	machine, err := subject.Machine(dir)
	if err != nil {
		return "", err
	}
	versions, err := versions(ctx, o)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Measured on %s: %s; a 4 kB write with fsync takes %s ms there.\n%s.\nMedians of %d rounds of %v for each work and server; express-pouchdb in mode %s.\n",
		time.Now().UTC().Format(time.DateOnly), machine, figures.Milliseconds(sync), strings.Join(versions, ", "), o.rounds, o.lasting, o.mode), nil
}

// versions returns the versions of all programs.
func versions(ctx context.Context, o *options) ([]string, error) {
	program, err := cluster.Program("postgres")
	if err != nil {
		return nil, err
	}
	var said []string
	for _, command := range [][]string{{"Rollcall", o.rollcall, "version"}, {"", program, "--version"}, {"Node.js", "node", "--version"}} {
		out, err := exec.CommandContext(ctx, command[1], command[2:]...).Output()
		if err != nil {
			return nil, fmt.Errorf("ask for a version: %w", err)
		}
		text, _, _ := strings.Cut(strings.TrimPrefix(string(out), "rollcall "), " (Debian")
		said = append(said, strings.TrimSpace(command[0]+" "+text))
	}
	built, err := buildinfo.ReadFile(o.pocketbase)
	if err != nil {
		return nil, fmt.Errorf("read PocketBase's version: %w", err)
	}
	for _, m := range built.Deps {
		if name, ok := map[string]string{"github.com/pocketbase/pocketbase": "PocketBase", "modernc.org/sqlite": "with SQLite by modernc.org/sqlite"}[m.Path]; ok {
			said = append(said, name+" "+m.Version)
		}
	}
	for _, name := range []string{"express-pouchdb", "pouchdb", "leveldown"} {
		var installed struct{ Version string }
		text, err := os.ReadFile(filepath.Join(o.pouchdb, "node_modules", name, "package.json"))
		if err != nil {
			return nil, fmt.Errorf("read the version of %s (npm ci): %w", name, err)
		}
		if err := json.Unmarshal(text, &installed); err != nil {
			return nil, fmt.Errorf("read the version of %s: %w", name, err)
		}
		said = append(said, name+" "+installed.Version)
	}
	return said, nil
}
