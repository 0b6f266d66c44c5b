//go:build unix

package rostertest

import (
	"syscall"
	"testing"
	"time"
)

// Dear returns the hard files on which run spends over 50 times what it spends on a plain
// one of the same size, as any program makes it; what is bounded by the size takes up to 20
// times as much. Processor time is compared: what else the machine does hardly counts.
func Dear(t *testing.T, size int, run func(text string)) (dear []string) {
	t.Helper()
	const most, tries = 50, 3
	hard := Hard(size)
	plain := cost(t, func() { run(hard["people"]) })
	for name, text := range hard {
		for try := 1; cost(t, func() { run(text) }) > most*plain; try++ {
			if try == tries {
				dear = append(dear, name)
				break
			}
		}
	}
	return dear
}

func cost(t *testing.T, run func()) time.Duration {
	t.Helper()
	before := spent(t)
	run()
	return spent(t) - before
}

// spent is the processor time of this process so far.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
