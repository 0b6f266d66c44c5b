package subject

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is the CPU time of processes, user and system, and their resident memory in bytes.
// Memory shared by several processes counts once for each.
type Usage struct {
	CPU    time.Duration
	Memory int64
}

// tick is the unit of times in /proc: USER_HZ, which is 100 on every Linux.
const tick = time.Second / 100

// stat is a part of /proc/PID/stat.
type stat struct {
	parent        int
	own, children time.Duration // CPU of the process, and of children that have ended
	pages         int64
}

// parseStat parses a line of proc_pid_stat(5). The program's name, in brackets, may contain
// anything.
func parseStat(line string) (s stat, err error) {
	_, rest, ok := cutLast(line, ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 22 {
		return s, fmt.Errorf("no process: %q", line)
	}
	number := func(field int) int64 { // as the manual counts them, from 1
		n, e := strconv.ParseInt(fields[field-3], 10, 64)
		if e != nil && err == nil {
			err = fmt.Errorf("field %d of %q: %w", field, line, e)
		}
		return n
	}
	s.parent = int(number(4))
	s.own = time.Duration(number(14)+number(15)) * tick
	s.children = time.Duration(number(16)+number(17)) * tick
	s.pages = number(24)
	return s, err
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func readStat(path string) (stat, error) {
	line, err := os.ReadFile(path)
	if err != nil {
		return stat{}, fmt.Errorf("read the usage of a process: %w", err)
	}
	return parseStat(string(line))
}

func usageOf(pid int) (Usage, error) {
	s, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	return Usage{CPU: s.own, Memory: s.pages * int64(os.Getpagesize())}, err
}

// OwnUsage returns the usage of this process.
func OwnUsage() (Usage, error) { return usageOf(os.Getpid()) }

// treeUsage returns the usage of a process and its children, including ended ones.
func treeUsage(pid int) (Usage, error) {
	root, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, err
	}
	cpu, pages := root.own+root.children, root.pages
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return Usage{}, fmt.Errorf("list the processes: %w", err)
	}
	for _, path := range all {
		s, err := readStat(path)
		if err != nil || s.parent != pid {
			continue // it has ended, or is not a child
		}
		cpu, pages = cpu+s.own+s.children, pages+s.pages
	}
	return Usage{CPU: cpu, Memory: pages * int64(os.Getpagesize())}, nil
}
