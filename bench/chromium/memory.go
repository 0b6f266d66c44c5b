package chromium

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// RendererMemory returns the proportional set size of all renderers, in bytes: pages that
// processes share count once.
func (b *Browser) RendererMemory() (int64, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, fmt.Errorf("list the processes: %w", err)
	}
	group, sum := strconv.Itoa(b.process.Process.Pid), int64(0)
	for _, dir := range dirs {
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil || groupOf(string(stat)) != group {
			continue // it has ended, or is another's
		}
		command, err := os.ReadFile(dir + "/cmdline")
		if err != nil || !bytes.Contains(command, []byte("--type=renderer")) {
			continue
		}
		rollup, err := os.ReadFile(dir + "/smaps_rollup")
		if err != nil {
			continue
		}
		n, err := proportional(string(rollup))
		if err != nil {
			return 0, err
		}
		sum += n
	}
	if sum == 0 {
		return 0, fmt.Errorf("no renderer is in process group %s", group)
	}
	return sum, nil
}

// groupOf returns the process group of a line of proc_pid_stat(5), "" for none. The
// program's name, in brackets, may contain anything.
func groupOf(stat string) string {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) < 3 {
		return ""
	}
	return fields[2]
}

// proportional returns the Pss of a smaps_rollup, in bytes.
func proportional(rollup string) (int64, error) {
	for line := range strings.Lines(rollup) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "Pss:" {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("no Pss in %.80q", rollup)
}
