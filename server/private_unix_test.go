//go:build unix

package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// checkPrivate fails the test unless everything in a directory is its owner's alone.
func checkPrivate(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, e := range entries {
		mode := fs.FileMode(0o600)
		if e.IsDir() {
			mode = fs.ModeDir | 0o700
		}
		info, err := e.Info()
		if err != nil || info.Mode() != mode {
			t.Errorf("%s has mode %v (%v)", e.Name(), info.Mode(), err)
		}
		names += " " + e.Name()
	}
	for _, w := range want {
		if !strings.Contains(names, w) {
			t.Errorf("there is%s, but nothing with %s", names, w)
		}
	}
}

// TestFilesArePrivate: whatever the umask, and whatever mode they had before.
func TestFilesArePrivate(t *testing.T) {
	for _, mask := range []int{0, 0o277} {
		dir := t.TempDir()
		db := filepath.Join(dir, "r.db")
		before := syscall.Umask(mask)
		t.Cleanup(func() { syscall.Umask(before) })
		s := start(t, "-db", db)
		if got := post(s.url+"/api/v1/users", strings.NewReader(`{"name":"Ann","email":"ann@example.org"}`)); got != "201 Created" {
			t.Fatal(got)
		}
		checkPrivate(t, dir, "r.db-wal", "r.db-shm", "r.db.lock")
		runCommand(t, "backup", "-db", db, filepath.Join(dir, "b.db")).says("backed up")
		runCommand(t, "export", "-db", db, filepath.Join(dir, "all.csv")).says("exported")
		s.stop()
		if err := s.wait(); err != nil {
			t.Fatal(err)
		}
		runCommand(t, "restore", "-db", db, filepath.Join(dir, "b.db")).says("kept as")
		checkPrivate(t, dir, "b.db", "all.csv", ".replaced-")
		old, err := filepath.Glob(filepath.Join(dir, "r.db*"))
		old = slices.DeleteFunc(old, func(name string) bool { return name == db+".app" })
		for _, name := range append(old, write(t, db+".restoring", "left over"), write(t, db+"-journal", "")) {
			err = errors.Join(err, os.Chmod(name, 0o666))
		}
		if err != nil {
			t.Fatal(err)
		}
		s = start(t, "-db", db)
		checkPrivate(t, dir)
		s.stop()
		if err := s.wait(); err != nil {
			t.Fatal(err)
		}
		syscall.Umask(before)
	}
}

// TestOddNames: no name is a parameter, or a database in memory.
func TestOddNames(t *testing.T) {
	for _, name := range []string{
		"x?mode=memory", "file:x", "file:x?mode=memory&cache=shared", "file::memory:", ":memory:", "a#b", "100%25%3f", "x&vfs=none", " é;", "-wal",
		"x?_pragma=writable_schema(1)", "x%00y", "\xff",
	} {
		dir := t.TempDir()
		t.Chdir(dir)
		runCommand(t, "seed", "-db="+name, "-n", "2").says("added 2")
		runCommand(t, "backup", "-db="+name, "--", "file:"+name).says("backed up")
		runCommand(t, "restore", "-db=file:r"+name, "--", "file:"+name).says("restored")
		runCommand(t, "restore", "-db=/"+dir+"/s", "--", "file:"+name).says("restored") // two slashes
		for _, made := range []string{name, "file:" + name, "file:r" + name, "s"} {
			runCommand(t, "check", "-db="+made).says("2 users", "no problems")
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 8 {
			t.Errorf("%q: there is %v (%v), want four databases, each with its lock", name, entries, err)
		}
	}
	for _, args := range [][]string{{"seed", "-db="}, {"check", "-db="}, {"backup", "-db=", "x"}, {"restore", "-db=", "x"}} {
		t.Setenv("ROLLCALL_DB", "")
		runCommand(t, args...).fails("is empty")
	}
}

// soon runs a command that must not wait for anybody.
func soon(t *testing.T, args ...string) result {
	t.Helper()
	done := make(chan result, 1)
	go func() { done <- runCommand(t, args...) }()
	select {
	case r := <-done:
		return r
	case <-time.After(20 * time.Second):
		t.Fatalf("%v hangs", args)
		return result{}
	}
}

// device is one that a command run by root may ruin. Others can't ruin the machine's own.
func device(t *testing.T, name string) string {
	t.Helper()
	const zero = 1<<8 | 5
	if err := syscall.Mknod(name, syscall.S_IFCHR|0o600, zero); err != nil {
		return "/dev/zero"
	}
	return name
}

// TestOnlyRegularFiles: a pipe without a writer never answers, and a device never ends.
func TestOnlyRegularFiles(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	good := in("good.db")
	runCommand(t, "seed", "-db", good, "-n", "2").says("added 2")
	runCommand(t, "backup", "-db", good, in("backup.db")).says("backed up")
	people := write(t, in("people.csv"), "name,email\nAnn,ann@example.org\n")
	socket, err := net.Listen("unix", in("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	kinds := map[string]string{in("pipe"): "a pipe", in("socket"): "a socket", device(t, in("device")): "a device", dir: "a directory"}
	if err := syscall.Mkfifo(in("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, kind := range kinds {
		link := in("link to " + filepath.Base(name))
		if err := os.Symlink(name, link); err != nil {
			t.Fatal(err)
		}
		for _, odd := range []string{name, link} {
			for _, args := range [][]string{
				{"serve", "-addr", "127.0.0.1:0", "-db", odd},
				{"seed", "-db", odd},
				{"check", "-db", odd},
				{"export", "-db", odd, in("e.csv")},
				{"import", "-db", odd, people},
				{"import", "-db", good, odd},
				{"backup", "-db", odd, in("b2.db")},
				{"restore", "-db", odd, in("backup.db")},
				{"restore", "-db", good, odd},
			} {
				soon(t, args...).fails(kind)
			}
			soon(t, "backup", "-db", good, odd).fails("exists already")
			soon(t, "export", "-db", good, odd, "-format", "csv").fails("exists already")
		}
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal", ".lock"} {
		_ = os.Remove(good + suffix)
		if err := syscall.Mkfifo(good+suffix, 0o600); err != nil {
			t.Fatal(err)
		}
		soon(t, "seed", "-db", good).fails("a pipe")
		soon(t, "restore", "-db", good, in("backup.db")).fails("a pipe")
		if err := os.Remove(good + suffix); err != nil {
			t.Fatal(err)
		}
		// Beside a database that is still to be made, too.
		fresh := in("fresh.db")
		if err := os.Symlink(in("victim"), fresh+suffix); err != nil {
			t.Fatal(err)
		}
		soon(t, "seed", "-db", fresh).fails("a symbolic link")
		soon(t, "restore", "-db", fresh, in("backup.db")).fails("a symbolic link")
		for _, name := range []string{"fresh.db", "victim"} {
			if _, err := os.Lstat(in(name)); err == nil {
				t.Errorf("beside a link as its %s, %s was made", suffix, name)
			}
		}
		if err := os.Remove(fresh + suffix); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(in("nowhere"), in("dangling")); err != nil {
		t.Fatal(err)
	}
	soon(t, "seed", "-db", in("dangling")).fails("a file that does not exist")
	runCommand(t, "check", "-db", good).says("2 users", "no problems")
}

// TestLinkToADatabase: two names of one database have one lock.
func TestLinkToADatabase(t *testing.T) {
	dir := t.TempDir()
	db, link := filepath.Join(dir, "r.db"), filepath.Join(t.TempDir(), "link.db")
	runCommand(t, "seed", "-db", db, "-n", "2").says("added 2")
	runCommand(t, "backup", "-db", db, filepath.Join(dir, "b.db")).says("backed up")
	if err := os.Symlink(db, link); err != nil {
		t.Fatal(err)
	}
	s := start(t, "-db", db)
	runCommand(t, "restore", "-db", link, filepath.Join(dir, "b.db")).fails("stop it first")
	s.stop()
	if err := s.wait(); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "restore", "-db", link, filepath.Join(dir, "b.db")).says("kept as " + db + ".replaced-")
	if to, err := os.Readlink(link); err != nil || to != db {
		t.Errorf("the link is now %q (%v)", to, err)
	}
}
