//go:build defects

package sim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"testing"

	"github.com/rollcall/rollcall/internal/defect"
	"github.com/rollcall/rollcall/wasm/sync"
)

var (
	only   = flag.String("only", "", "take out only the safeguards with this in their name")
	golden = flag.Bool("golden", false, "also write the shrunk scripts to testdata")
)

// mostSeeds is how many histories may miss that a safeguard is gone.
const mostSeeds = 2000

// TestDefects takes out one safeguard after the other; the histories of the
// first seeds must show each: go test -tags defects ./sim -run TestDefects.
func TestDefects(t *testing.T) {
	defer defect.Set("")
	var table strings.Builder
	for _, d := range slices.Concat(defect.All, defect.Healing) {
		if !strings.Contains(string(d), *only) {
			continue
		}
		defect.Set(d)
		caught, err := firstBroken(mostSeeds)
		switch {
		case err != nil:
			t.Fatalf("%s: %v", d, err)
		case caught == nil:
			t.Errorf("%d histories did not show that %s", mostSeeds, d)
			fmt.Fprintf(&table, "%-78s  not caught\n", d)
			continue
		}
		name := fmt.Sprintf("invariant %d", caught.Violation.Invariant)
		if caught.Violation.Invariant == emailRule {
			name = "unique emails"
		}
		fmt.Fprintf(&table, "%-78s  %-13s  %4d\n", d, name, caught.Script.Seed)
		if *golden {
			write(t, caught, d)
		}
	}
	t.Logf("the safeguard taken out, what caught it, the seeds it took\n%s", &table)
}

// TestDefectsOfGoldenScripts: each script shows the defect it was found
// by, if it is made again.
func TestDefectsOfGoldenScripts(t *testing.T) {
	defer defect.Set("")
	for name, script := range goldenScripts(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), ": ")
		defect.Set(defect.Switch(d))
		r, err := Play(script, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Violation == nil {
			t.Errorf("%s breaks nothing", name)
		}
	}
}

// TestDefectOfClocks: a device whose clock is trusted wins or loses by it.
func TestDefectOfClocks(t *testing.T) {
	defer defect.Set("")
	defect.Set(defect.NoSkew)
	s, err := clocksOff(sync.LastWriteWins)
	if err == nil && s.fair() {
		t.Errorf("trusted clocks are fair: %+v", s)
	}
}

// firstBroken is the history of the first seed that breaks an invariant.
func firstBroken(most uint64) (*Result, error) {
	var mu stdsync.Mutex
	var first *Result
	var err error
	var next atomic.Uint64
	var done atomic.Bool
	var wait stdsync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for !done.Load() {
				seed := next.Add(1)
				if seed > most {
					return
				}
				r, e := Generate(seed)
				if e == nil && r.Violation == nil {
					continue
				}
				done.Store(true) // those under way have earlier seeds, and finish
				mu.Lock()
				if err = firstOf(err, e); first == nil || seed < first.Script.Seed {
					first = &r
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return first, err
}

func write(t *testing.T, r *Result, d defect.Switch) {
	t.Helper()
	short, err := Shrink(r.Script, r.Violation.Invariant)
	if err != nil {
		t.Fatal(err)
	}
	slug := strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(string(d))
	f, err := os.Create(filepath.Join("testdata", slug+".script"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f, "# %s: %v\n", d, r.Violation); err != nil {
		t.Fatal(err)
	}
	if _, err := short.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
