package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// taken returns samples of one figure, one for each round.
func taken(contender, workload, figure string, rounds ...float64) []sample {
	var all []sample
	for i, v := range rounds {
		all = append(all, sample{Round: i, Contender: contender, People: 1000, Workload: workload, Figures: map[string]float64{figure: v}})
	}
	return all
}

// TestRatiosAreByRound: the baseline of a round is the mean of raw's two measurements in it.
func TestRatiosAreByRound(t *testing.T) {
	samples := taken(raw, loadAll, "stored", 80, 800, 8)
	samples = append(samples, taken(again, loadAll, "stored", 120, 1200, 12)...)
	samples = append(samples, taken(rollcall, loadAll, "stored", 10, 200, 5)...)
	r := recording{"About.\n", samples}
	text := report(r, "images")
	for _, want := range []string{
		"About.\nMedians of the rounds;", "\n1,000 people; rounds: 3.\n",
		"| ms · ratio to raw | raw | raw, again | Rollcall |\n",
		"| W2 store all | 80.0 · 0.80 | 120 · 1.2 | 10.0 · 0.20 |\n",
		"| W2 store all | 1,000 | ≤ 0.1 | 0.20 (0.10 to 0.50) | no |\n",
		"](images/client-1000.svg)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "W5") {
		t.Errorf("what was not measured has a row:\n%s", text)
	}
	plot := plotOf(samples, 1000)
	if row := plot.Rows[0]; len(plot.Rows) != 1 || row.Ratios[rollcall] != 0.2 || row.Low != 0.8 || row.High != 1.2 || row.Wanted != 0.1 {
		t.Errorf("the plot has %+v", plot.Rows)
	}
}

// TestRoundsThatFailed: a figure without the baseline's is shown without a ratio, and
// failures are listed.
func TestRoundsThatFailed(t *testing.T) {
	failure := sample{Contender: "Dexie", People: 1000, Workload: loadAll, Error: "it took\n`too` long"}
	samples := append(taken(rollcall, loadAll, "stored", 10), failure, failure)
	text := report(recording{"", samples}, "images")
	for _, want := range []string{"| W2 store all | 10.0 | failed |\n", "- Dexie, load, 1,000 people: `it took 'too' long`\n"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("there is not one %q in\n%s", want, text)
		}
	}
}

// TestProfile: places are in the order of their shares, of which each workload has 100.
func TestProfile(t *testing.T) {
	samples := []sample{
		{People: 1000, Workload: loadAll, Places: map[string]float64{"(idle)": 30, "encoding/json": 10}},
		{People: 1000, Workload: pushQueue, Places: map[string]float64{"encoding/json": 3000, "runtime": 1000}},
		{People: 1000, Workload: startCold},
	}
	want := "| % of the main thread's time | load, 1,000 people | push, 1,000 people |\n|---|---|---|\n" +
		"| encoding/json | 25 | 75 |\n| (idle) | 75 | 0 |\n| runtime | 0 | 25 |\n"
	if got := profileOf(samples); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

// TestGoalsFollowTheNumberOfPeople: more people have goals of their own.
func TestGoalsFollowTheNumberOfPeople(t *testing.T) {
	m := metric{goals: []goal{{0, 0.1}, {100_000, 0.07}}}
	for people, want := range map[int]float64{1000: 0.1, 10_000: 0.1, 100_000: 0.07, 1_000_000: 0.07} {
		if got := m.wanted(people); got != want {
			t.Errorf("wanted with %d people is %v, want %v", people, got, want)
		}
	}
	if got := (metric{}).wanted(1000); got != 0 {
		t.Errorf("a metric without goals wants %v", got)
	}
}

// TestOrder: all take part once, raw begins and is measured again in the middle, and nobody
// follows the same one in all of three rounds.
func TestOrder(t *testing.T) {
	all := contenders()
	before := map[string]map[string]bool{}
	for round := range 3 {
		last := ""
		for i, c := range order(all, round) {
			if before[c.Name] == nil {
				before[c.Name] = map[string]bool{}
			}
			before[c.Name][last] = true
			last = c.Name
			if (i == 0) != (c.Name == raw) || (i == len(all)/2) != (c.Name == again) {
				t.Errorf("%s is at place %d of round %d", c.Name, i, round)
			}
		}
	}
	for _, c := range all {
		if c.Name != raw && len(before[c.Name]) < 2 {
			t.Errorf("%s follows only %v", c.Name, before[c.Name])
		}
	}
	if len(before) != len(all) {
		t.Errorf("only %d of %d take part", len(before), len(all))
	}
}

// TestEveryWorkloadIsReported: what is measured and never shown is measured in vain.
func TestEveryWorkloadIsReported(t *testing.T) {
	shown := map[string]bool{}
	for _, m := range append(metrics(), burdens()...) {
		shown[m.workload] = true
	}
	for _, w := range []string{writeEmpty, writeLoaded, loadAll, readAll, findSome, observeSame, observeOther, pullAll, pushQueue, startCold, startSlow, startAgain, startSynced, startNames, memoryUsed} {
		if !shown[w] {
			t.Errorf("%q is in no table", w)
		}
	}
}

// TestRecordingsAreRead: a recording that ends in its middle, as of a run that was stopped,
// is reported as far as it goes.
func TestRecordingsAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "client.jsonl")
	f, err := create(path)
	if err != nil {
		t.Fatal(err)
	}
	want := recording{"About.\n", taken(raw, loadAll, "stored", 1, 2)}
	lines := json.NewEncoder(f)
	for _, line := range []any{want.About, want.Samples[0], want.Samples[1]} {
		if err := lines.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := readRecording(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
	if _, err := readRecording(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) && err == nil {
		t.Error("a missing recording is read")
	}
}
