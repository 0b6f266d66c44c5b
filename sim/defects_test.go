package sim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"testing"

	"github.com/rollcall/rollcall/sim/defects"
	"github.com/rollcall/rollcall/sim/defects/active"
	"github.com/rollcall/rollcall/wasm/sync"
)

var (
	only   = flag.String("only", "", "take out only the safeguards with this in their name")
	golden = flag.Bool("golden", false, "also write the shrunk scripts to testdata")
)

// mostSeeds is how many histories may miss that a safeguard is gone.
const mostSeeds = 2000

// catalogue is that of the defects, of which the build must have the patched copies.
func catalogue(t *testing.T) []defects.Defect {
	t.Helper()
	if !active.Patched {
		t.Skip("built without the patched copies: see make defects")
	}
	all, err := defects.All()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { active.Set("") })
	return all
}

// TestDefects takes out one safeguard after the other; the histories of the
// first seeds must show each.
func TestDefects(t *testing.T) {
	var table strings.Builder
	var tried, noticed int
	for _, d := range catalogue(t) {
		if d.Rare || !strings.Contains(d.Name, *only) {
			continue
		}
		tried++
		active.Set(d.Name)
		caught, err := firstBroken(d.Seed, mostSeeds)
		switch {
		case err != nil:
			t.Fatalf("%s: %v", d.Name, err)
		case caught == nil:
			t.Errorf("%d histories did not show that %s (%s)", mostSeeds, d.Says, d.Name)
			fmt.Fprintf(&table, "%-24s  %-72s  not caught\n", d.Name, d.Says)
			continue
		}
		noticed++
		if found := caught.Script.Seed; d.Seed > 0 && found != d.Seed {
			t.Logf("%s takes long to notice: its file may say --- seed %d", d.Name, found)
		}
		name := fmt.Sprintf("invariant %d", caught.Violation.Invariant)
		if caught.Violation.Invariant == emailRule {
			name = "unique emails"
		}
		fmt.Fprintf(&table, "%-24s  %-72s  %-13s  %4d\n", d.Name, d.Says, name, caught.Script.Seed)
		if *golden {
			write(t, caught, d)
		}
	}
	t.Logf("%d of %d defects noticed: what is wrong, what caught it, the seeds it took\n%s", noticed, tried, &table)
}

// TestDefectsOfGoldenScripts: each script shows the defect that it is named after.
// Every defect that is too rare for TestDefects has one.
func TestDefectsOfGoldenScripts(t *testing.T) {
	all := catalogue(t)
	scripts := goldenScripts(t)
	for _, d := range all {
		script := scripts[scriptOf(d)]
		if script == nil {
			if d.Rare {
				t.Errorf("no %s shows %s", scriptOf(d), d.Name)
			}
			continue
		}
		active.Set(d.Name)
		r, err := Play(script, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Violation == nil {
			t.Errorf("%s breaks nothing though %s", scriptOf(d), d.Says)
		}
	}
}

// TestDefectOfClocks: a device whose clock is trusted wins or loses by it.
func TestDefectOfClocks(t *testing.T) {
	catalogue(t)
	active.Set("device-clock-trusted")
	s, err := clocksOff(sync.LastWriteWins)
	if err == nil && s.fair() {
		t.Errorf("trusted clocks are fair: %+v", s)
	}
}

// TestDefectsHaveTheirPortsAndScripts: what the catalogue calls a port's is, and each
// golden script is named after a defect.
func TestDefectsHaveTheirPortsAndScripts(t *testing.T) {
	all, err := defects.All()
	if err != nil {
		t.Fatal(err)
	}
	scripts := goldenScripts(t)
	made := 0
	for _, d := range all {
		delete(scripts, scriptOf(d))
		if d.Port {
			made++
		}
		has := brokenPorts[d.Name] != nil || brokenDevices[d.Name]
		if d.Port != has {
			t.Errorf("%s is a port's: %t, and broken.go has a port of that name: %t", d.Name, d.Port, has)
		}
	}
	if has := len(brokenPorts) + len(brokenDevices); made != has {
		t.Errorf("%d defects are ports', and broken.go has %d", made, has)
	}
	for name := range scripts {
		t.Errorf("%s is named after no defect", name)
	}
}

func scriptOf(d defects.Defect) string { return filepath.Join("testdata", d.Name+".script") }

// firstBroken is the history of the first seed that breaks an invariant, or that of a likely seed if
// that one does.
func firstBroken(likely, most uint64) (*Result, error) {
	if likely > 0 {
		if r, err := Generate(likely); err != nil || r.Violation != nil {
			return &r, err
		}
	}
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

func write(t *testing.T, r *Result, d defects.Defect) {
	t.Helper()
	short, err := Shrink(r.Script, r.Violation.Invariant)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(scriptOf(d))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f, "# %s: %v\n", d.Says, r.Violation); err != nil {
		t.Fatal(err)
	}
	if _, err := short.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
