package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall/rollcall/bench/figures"
)

// metric is a figure of a workload, in the tables.
type metric struct {
	said             string
	workload, figure string
	// than is the workload whose figure "usable" raw is compared by, "" for the same one.
	than  string
	goals []goal
}

// goal is the ratio to raw that Rollcall is to reach: the last one whose number of people is
// not above the measured one counts.
type goal struct {
	people int
	most   float64
}

func atMost(ratio float64) []goal { return []goal{{0, ratio}} }

// metrics are the rows of the tables, in milliseconds.
func metrics() []metric {
	return []metric{
		{"W1 one write, p50", writeEmpty, "p50", "", atMost(1.2)},
		{"W1 one write into the list, p50", writeLoaded, "p50", "", atMost(1.2)},
		{"W2 store all", loadAll, "stored", "", []goal{{0, 0.1}, {100_000, 0.07}}},
		{"W3 open and read all", readAll, "ms", "", atMost(0.7)},
		{"W3 get by id, p50", findSome, "get", "", atMost(1)},
		{"W3 first page of 50 by name", findSome, "first", "", nil},
		{"W3 page of 50 at the middle, p50", findSome, "page", "", atMost(0.1)},
		{"W4 write to observer, p50", observeSame, "p50", "", atMost(1.2)},
		{"W4 to observer in another tab, p50", observeOther, "p50", "", atMost(1.2)},
		{"W5 first sync of all", pullAll, "stored", "", atMost(0.3)},
		{fmt.Sprintf("W5 push of %d creates", queued), pushQueue, "ms", "", atMost(1.5)},
		{"W6 first visit, usable", startCold, "usable", "", atMost(4)},
		{"W6 first visit, slow, usable", startSlow, "usable", "", atMost(17)},
		{"W6 first visit to all, first rows", startSynced, "rows", startCold, atMost(1.5)},
		{"W6 first visit to all, slow, first rows", startNames, "rows", startSlow, atMost(2)},
		{"W6 first visit to all, all synced", startSynced, "all", startCold, nil},
		{"W6 second visit, usable", startAgain, "usable", "", atMost(1.2)},
	}
}

// burdens are figures that are not compared: megabytes, and how long the longest task of the
// main thread took, in milliseconds.
func burdens() []metric {
	return []metric{
		{said: "W7 renderer with all rows read, MB", workload: memoryUsed, figure: "all"},
		{said: "W7 of it by opening and reading, MB", workload: memoryUsed, figure: "grown"},
		{said: "longest task: store all", workload: loadAll, figure: "longest"},
		{said: "longest task: open and read all", workload: readAll, figure: "longest"},
		{said: "longest task: first sync", workload: pullAll, figure: "longest"},
		{said: "longest task: push", workload: pushQueue, figure: "longest"},
		{said: "longest task: observe a write", workload: observeSame, figure: "longest"},
	}
}

// table are the samples of a number of people, by round.
type table struct {
	people  int
	samples []sample
}

func tableOf(samples []sample, people int) table {
	t := table{people: people}
	for _, s := range samples {
		if s.People == people {
			t.samples = append(t.samples, s)
		}
	}
	return t
}

// value returns a figure of a round.
func (t table) value(round int, contender, workload, figure string) (float64, bool) {
	for _, s := range t.samples {
		if s.Round == round && s.Contender == contender && s.Workload == workload && s.Error == "" {
			v, ok := s.Figures[figure]
			return v, ok
		}
	}
	return 0, false
}

func (t table) rounds() int {
	n := 0
	for _, s := range t.samples {
		n = max(n, s.Round+1)
	}
	return n
}

// baseline is the mean of what raw took in a round, which it was measured in twice.
func (t table) baseline(round int, m metric) (float64, bool) {
	workload, figure := m.workload, m.figure
	if m.than != "" {
		workload, figure = m.than, "usable"
	}
	sum, n := 0.0, 0.0
	for _, name := range []string{raw, again} {
		if v, ok := t.value(round, name, workload, figure); ok {
			sum, n = sum+v, n+1
		}
	}
	return sum / max(n, 1), n > 0
}

// values returns a contender's figures, and those of the baseline in the rounds that have
// both.
func (t table) values(contender string, m metric) (all, ours, raws []float64) {
	for round := range t.rounds() {
		v, ok := t.value(round, contender, m.workload, m.figure)
		if !ok {
			continue
		}
		all = append(all, v)
		if base, ok := t.baseline(round, m); ok && base > 0 {
			ours, raws = append(ours, v), append(raws, base)
		}
	}
	return all, ours, raws
}

// failed reports whether a workload of a contender has failed.
func (t table) failed(contender, workload string) bool {
	return slices.ContainsFunc(t.samples, func(s sample) bool {
		return s.Contender == contender && s.Workload == workload && s.Error != ""
	})
}

// cell is the median of a contender's figures, with the median of its ratios to raw.
func (t table) cell(contender string, m metric, compared bool) string {
	all, ours, raws := t.values(contender, m)
	if len(all) == 0 {
		if t.failed(contender, m.workload) {
			return "failed"
		}
		return ""
	}
	text := figure(figures.Median(all))
	if ratio, ok := figures.RatioOf(ours, raws); ok && compared {
		text += " · " + figures.Significant(ratio.Median)
	}
	return text
}

func figure(ms float64) string {
	if ms <= 0 {
		return "0"
	}
	return figures.Milliseconds(time.Duration(ms * float64(time.Millisecond)))
}

func names() (all []string) {
	for _, c := range contenders() {
		all = append(all, c.Name)
	}
	return all
}

// String is the table in Markdown, without rows and columns that nothing was measured for.
func (t table) String() string {
	present := slices.DeleteFunc(names(), func(name string) bool {
		return !slices.ContainsFunc(t.samples, func(s sample) bool { return s.Contender == name })
	})
	md := figures.Table{Head: append([]string{"ms · ratio to raw"}, present...)}
	add := func(m metric, compared bool) {
		cells, any := []string{m.said}, false
		for _, name := range present {
			c := t.cell(name, m, compared)
			cells, any = append(cells, c), any || c != ""
		}
		if any {
			md.Add(cells...)
		}
	}
	for _, m := range metrics() {
		add(m, true)
	}
	for _, m := range burdens() {
		add(m, false)
	}
	return md.String()
}

// wanted returns the goal for a number of people, 0 for none.
func (m metric) wanted(people int) float64 {
	most := 0.0
	for _, g := range m.goals {
		if g.people <= people {
			most = g.most
		}
	}
	return most
}

// goalsOf returns the table of goals. One is met if the median of the rounds meets it.
func goalsOf(r recording) string {
	md := figures.Table{Head: []string{"goal", "people", "wanted ÷ raw", "measured (lowest to highest round)", "met"}}
	for _, m := range metrics() {
		for _, people := range r.sizes() {
			_, ours, raws := tableOf(r.Samples, people).values(rollcall, m)
			ratio, ok := figures.RatioOf(ours, raws)
			wanted := m.wanted(people)
			if !ok || wanted == 0 {
				continue
			}
			met := "no"
			if ratio.Median <= wanted {
				met = "yes"
			}
			md.Add(m.said, grouped(people), fmt.Sprintf("≤ %g", wanted), ratio.String(), met)
		}
	}
	return md.String()
}

// grouped writes a number of people with a comma between thousands.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}

func (r recording) sizes() []int {
	var all []int
	for _, s := range r.Samples {
		all = append(all, s.People)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func plotName(people int) string { return fmt.Sprintf("client-%d.svg", people) }

// plotOf shows the ratios of all contenders, and how much raw differs from itself.
func plotOf(samples []sample, people int) figures.Plot {
	t := tableOf(samples, people)
	p := figures.Plot{Title: "Time as a multiple of IndexedDB by hand, " + grouped(people) + " people"}
	for _, name := range names() {
		if name != raw && name != again && slices.ContainsFunc(t.samples, func(s sample) bool { return s.Contender == name }) {
			p.Series = append(p.Series, name)
		}
	}
	for _, m := range metrics() {
		row := figures.PlotRow{Name: m.said, Wanted: m.wanted(people), Ratios: map[string]float64{}}
		for _, name := range p.Series {
			if _, ours, raws := t.values(name, m); len(ours) > 0 {
				ratio, _ := figures.RatioOf(ours, raws)
				row.Ratios[name] = ratio.Median
			}
		}
		row.Low, row.High = t.noise(m)
		if len(row.Ratios) > 0 {
			p.Rows = append(p.Rows, row)
		}
	}
	return p
}

// noise is how far one of raw's two measurements in a round was below and above the other.
func (t table) noise(m metric) (low, high float64) {
	low, high = 1, 1
	for _, name := range []string{raw, again} {
		if _, ours, raws := t.values(name, m); len(ours) > 0 {
			ratio, _ := figures.RatioOf(ours, raws)
			low, high = min(low, ratio.Low), max(high, ratio.High)
		}
	}
	return low, high
}

// report returns all tables in Markdown, with plots from a directory.
func report(r recording, images string) string {
	var b strings.Builder
	b.WriteString(r.About + "Medians of the rounds; the ratio is the median of the rounds' ratios to the mean of raw's two measurements.\n")
	for _, people := range r.sizes() {
		t := tableOf(r.Samples, people)
		fmt.Fprintf(&b, "\n%s people; rounds: %d.\n\n%s", grouped(people), t.rounds(), t)
		fmt.Fprintf(&b, "\n![Ratios to IndexedDB by hand with %s people](%s/%s)\n", grouped(people), images, plotName(people))
	}
	b.WriteString("\n" + goalsOf(r))
	if failures := failuresOf(r.Samples); failures != "" {
		b.WriteString("\nWhat failed:\n\n" + failures)
	}
	return b.String()
}

// failuresOf lists what failed, once for each contender, workload and number of people.
func failuresOf(samples []sample) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, s := range samples {
		what := fmt.Sprintf("- %s, %s, %s people", s.Contender, s.Workload, grouped(s.People))
		if s.Error == "" || seen[what] {
			continue
		}
		seen[what] = true
		text := strings.Join(strings.Fields(s.Error), " ")
		fmt.Fprintf(&b, "%s: `%s`\n", what, strings.ReplaceAll(text[:min(len(text), 160)], "`", "'"))
	}
	return b.String()
}

// places is how many rows a profile has.
const places = 12

// profileOf returns where the workloads' time went, in percent: the places that took most of
// all of them together, each workload having one vote.
func profileOf(samples []sample) string {
	shares, sum := map[string]map[string]float64{}, map[string]float64{} // by workload, of all by place
	md := figures.Table{Head: []string{"% of the main thread's time"}}
	var workloads []string
	for _, s := range samples {
		if len(s.Places) == 0 || shares[s.Workload] != nil {
			continue
		}
		total := 0.0
		for _, ms := range s.Places {
			total += ms
		}
		shares[s.Workload] = map[string]float64{}
		for place, ms := range s.Places {
			shares[s.Workload][place] = 100 * ms / total
			sum[place] += 100 * ms / total
		}
		workloads = append(workloads, s.Workload)
		md.Head = append(md.Head, fmt.Sprintf("%s, %s people", s.Workload, grouped(s.People)))
	}
	order := slices.SortedFunc(maps.Keys(sum), func(a, b string) int { return cmp.Or(cmp.Compare(sum[b], sum[a]), cmp.Compare(a, b)) })
	for _, place := range order[:min(places, len(order))] {
		row := []string{place}
		for _, w := range workloads {
			row = append(row, fmt.Sprintf("%.0f", shares[w][place]))
		}
		md.Add(row...)
	}
	return md.String()
}
