package sim

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	histories = flag.Int("histories", 2000, "how many histories to play")
	firstSeed = flag.Uint64("first", 0, "the first seed; 0 stands for 1")
	seed      = flag.Uint64("seed", 0, "the seed of the history to replay")
	statsFile = flag.String("stats", "", "the file to write the counts to each minute")
)

// TestMain trades memory for time: little of a history's garbage survives.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	m.Run()
}

// playSeeds plays the histories of n seeds from first on, on all processors, until ten
// have broken an invariant or all are done. It calls report each minute and at the end.
func playSeeds(first uint64, n int, report func(*Stats, []Result)) (stats *Stats, broken []Result, err error) {
	stats = newStats()
	var mu stdsync.Mutex
	var next atomic.Int64
	var wait stdsync.WaitGroup
	var failed atomic.Bool
	reportedAt := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for !failed.Load() {
				i := next.Add(1) - 1
				if i >= int64(n) {
					break
				}
				r, e := Generate(first + uint64(i))
				mu.Lock()
				stats.Add(r.Stats)
				if e != nil || r.Violation != nil {
					broken, err = append(broken, r), firstOf(err, e)
					failed.Store(e != nil || len(broken) >= 10)
				}
				if time.Since(reportedAt) > time.Minute {
					reportedAt = time.Now()
					report(stats, broken)
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	report(stats, broken)
	return stats, broken, err
}

// progress writes the counts so far to the file of -stats, and a line to stderr after the
// first minute.
func progress(t *testing.T, first uint64, began time.Time) func(*Stats, []Result) {
	return func(stats *Stats, broken []Result) {
		took := time.Since(began)
		var out strings.Builder
		fmt.Fprintf(&out, "seeds from %d on: %d histories in %.1f s, %.0f a second, %d broken\n",
			first, stats.Histories, took.Seconds(), float64(stats.Histories)/took.Seconds(), len(broken))
		if took > time.Minute {
			fmt.Fprint(os.Stderr, out.String())
		}
		if *statsFile == "" {
			return
		}
		for _, r := range broken {
			fmt.Fprintf(&out, "seed %d: %v\n", r.Script.Seed, r.Violation)
		}
		if _, err := stats.WriteTo(&out); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(*statsFile, []byte(out.String()), 0o600); err != nil {
			t.Error(err)
		}
	}
}

func TestHistories(t *testing.T) {
	first := max(*firstSeed, 1)
	began := time.Now()
	stats, broken, err := playSeeds(first, *histories, progress(t, first, began))
	took := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if _, err := stats.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	t.Logf("seeds %d to %d: %d histories in %.1f s, %.0f a second\n%s", first, first+uint64(*histories)-1,
		stats.Histories, took.Seconds(), float64(stats.Histories)/took.Seconds(), &out)
	if len(broken) == 0 && *histories >= 2000 {
		for _, missing := range stats.Missing() {
			t.Errorf("in %d histories there was never: %s", *histories, missing)
		}
	}
	for i, r := range broken {
		t.Errorf("seed %d: %v", r.Script.Seed, r.Violation)
		if i == 0 {
			t.Logf("%s", shrunk(t, r))
		}
	}
}

func shrunk(t *testing.T, r Result) string {
	t.Helper()
	short, err := Shrink(r.Script, r.Violation.Invariant)
	if err != nil {
		t.Fatalf("shrink seed %d: %v", r.Script.Seed, err)
	}
	log := &strings.Builder{}
	again, err := Play(short, log)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if _, err := short.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("shrunk from %d to %d steps: %v\n%s", len(r.Script.Steps), len(short.Steps), again.Violation, b.String()+log.String())
}

// TestReplay plays one seed and shrinks what it breaks: go test ./sim -run TestReplay -seed=N.
func TestReplay(t *testing.T) {
	r, err := Generate(max(*seed, 1))
	if err != nil {
		t.Fatal(err)
	}
	if r.Violation != nil {
		t.Errorf("seed %d: %v\n%s", *seed, r.Violation, shrunk(t, r))
	}
}

// goldenScripts are the scripts in testdata, by file.
func goldenScripts(t *testing.T) map[string]*Script {
	t.Helper()
	files, err := filepath.Glob("testdata/*.script")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts (%v)", err)
	}
	scripts := map[string]*Script{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if scripts[name], err = ReadScript(bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	return scripts
}

// TestGolden plays the scripts of defects that were found and fixed.
func TestGolden(t *testing.T) {
	for name, script := range goldenScripts(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".script"), func(t *testing.T) {
			r, err := Play(script, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Violation != nil {
				t.Error(r.Violation)
			}
		})
	}
}
