package subject

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rollcall/rollcall/bench/figures"
)

// SyncTime returns the median time of a durable write of 4 kB.
func SyncTime(dir string) (time.Duration, error) {
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

// Machine describes the machine, and the file system of a directory.
func Machine(dir string) (string, error) {
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

// LoadAverage returns how many processes have wanted to run during the last minute.
func LoadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}
