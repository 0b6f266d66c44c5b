package main

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rollcall/rollcall/bench/figures"
	"github.com/rollcall/rollcall/internal/cluster"
)

// describe describes the machine, the versions and the method.
func describe(ctx context.Context, o *options, dir string) (string, error) {
	sync, err := syncTime(dir)
	if err != nil {
		return "", err
	}
	machine, err := machine(dir)
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

// syncTime returns the median time of a durable write.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "sync")
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // nobody reads it
	var took []time.Duration
	for range 101 {
		began := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return figures.Median(took), nil
}

// fileSystems are names of file systems by statfs(2)'s numbers.
var fileSystems = map[int64]string{unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlayfs"}

func machine(dir string) (string, error) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", err
	}
	model := "processors of unknown name"
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	var memory unix.Sysinfo_t
	var kernel unix.Utsname
	var fs unix.Statfs_t
	if err := errors.Join(unix.Sysinfo(&memory), unix.Uname(&kernel), unix.Statfs(dir, &fs)); err != nil {
		return "", err
	}
	name, ok := fileSystems[fs.Type]
	if !ok {
		name = fmt.Sprintf("file system %#x", fs.Type)
	}
	return fmt.Sprintf("%d cores (%s), %d GB, Linux %s, %s", runtime.NumCPU(), model,
		(memory.Totalram*uint64(memory.Unit)+1<<29)>>30, unix.ByteSliceToString(kernel.Release[:]), name), nil
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
