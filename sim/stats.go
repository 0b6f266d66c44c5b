package sim

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// Stats counts what happened, so that histories in which nothing happens prove nothing.
type Stats struct {
	Histories int
	events    map[string]int
	faults    map[Fault]int
	maxima    map[string]int
	steps     int
	requests  int
}

func newStats() *Stats {
	return &Stats{events: map[string]int{}, faults: map[Fault]int{}, maxima: map[string]int{}}
}

func (s *Stats) hit(event string) { s.events[event]++ }

func (s *Stats) fault(f Fault) { s.faults[f]++ }

func (s *Stats) most(what string, n int) { s.maxima[what] = max(s.maxima[what], n) }

// requiredFaults are the faults that histories must survive, and the faults or events
// that count as each. The rates are in generate.go.
var requiredFaults = []struct {
	name    string
	counted []string
}{
	{"request lost", []string{"lost"}},
	{"answer lost after commit", []string{"answer-lost", "answered-500", "answered-502"}},
	{"delay", []string{"late", "delayed"}},
	{"reordering", []string{"delivered late", "shuffled", "old-copy"}},
	{"duplication", []string{"twice", "echo"}},
	{"partition", []string{"request while offline", "request arrived, no answer can"}},
	{"5xx", []string{"500", "502", "503"}},
	{"429 with Retry-After", []string{"429"}},
	{"401 for a while", []string{"401"}},
	{"truncated body", []string{"truncated"}},
	{"captive portal", []string{"portal", "portal403"}},
	{"server crash and restart between commit and answer", []string{"server-died", "server killed with an open file"}},
	{"client killed at any step", []string{"killed reading", "killed writing", "killed locking", "killed sending", "killed answering"}},
	{"tab frozen with the lock", []string{"frozen with the lock", "lock stolen"}},
	{"transaction aborted", []string{"aborted", "rerun"}},
	{"quota exceeded", []string{"quota"}},
	{"commit unknown", []string{"uncertain-saved", "uncertain-lost"}},
	{"storage evicted wholly", []string{"evicted", "operations evicted"}},
	{"clock jumps", []string{"clock jumped"}},
	{"clock drifts", []string{"clock drifted by a second"}},
	{"tombstones collected", []string{"tombstones collected", "resync"}},
	{"two engine versions at once", []string{"sent by an older version", "queued by an older version", "not coalesced by an older version"}},
	{"bus messages lost", []string{"lock stolen from a living holder"}},
	{"records between tabs lost, late or doubled", []string{"record lost", "record late", "record doubled"}},
	{"events lost, late, doubled or out of order", []string{"event arrived", "event doubled", "event overtook another"}},
	{"compaction that fails or is met by others", []string{"compaction failed", "killed compacting", "directory was stale", "page was missing", "replica read anew"}},
	{"rows changed, lost or added behind the engine's back", append(slices.Clone(damageNames), "rows repaired")},
	{"backup restored", []string{"backup restored"}},
	{"data went back in time", []string{"data went back in time"}},
	{"sessions that end at any step", []string{"account: revoke", "account: expire", "account: disable", "account changed under a batch"}},
	{"roles that change", []string{"account: role", "operation forbidden", "form did not open for a viewer"}},
	{"accounts that change under a queue", []string{"account changed on a device", "page followed another account", "worked for another account than the device's"}},
	{"signing out with unsent work", []string{"signed out, work kept", "signed out, work discarded", "signed out, later work kept"}},
	{"nobody's work", []string{"nobody's work taken over", "nobody's work discarded", "nobody has worked on"}},
}

func (s *Stats) count(what string) int { return s.events[what] + s.faults[Fault(what)] }

// mustHappen are events without which a run has not tested enough.
var mustHappen = []string{
	"401", "413", "acknowledged", "already so", "answered failure", "applied create", "applied delete", "applied update",
	"backup restored", "clock jumped", "coalesced", "conflict recorded", "data went back in time", "conflict with a loss", "conflict without loss",
	"delivered late", "discarded", "done in the background", "event taken as a page", "evicted", "fenced", "folded", "frozen", "killed answering", "killed locking",
	"killed reading", "killed sending", "killed writing", "lock stolen", "log compacted", "operations evicted", "person: accept",
	"person: discard", "person: retry", "person: reverse", "records pruned", "rejected", "rejected operation edited",
	"rebooted before the end", "replay recognised", "request while offline", "resync", "round that only events told", "server conflict", "server rejected", "server restarted",
	"sweep removed rows", "tombstones collected", "waited for a lock", "write accepted", "write refused", "write uncertain",
}

// Missing names the faults and events that never happened.
func (s *Stats) Missing() []string {
	var out []string
	for _, faults := range faultsAt {
		for _, f := range faults {
			if s.faults[f] == 0 {
				out = append(out, "fault "+string(f))
			}
		}
	}
	for _, f := range requiredFaults {
		for _, what := range f.counted {
			if s.count(what) == 0 {
				out = append(out, f.name+": "+what)
			}
		}
	}
	for _, e := range mustHappen {
		if s.events[e] == 0 {
			out = append(out, e)
		}
	}
	return out
}

// Add adds the counts of another.
func (s *Stats) Add(o *Stats) {
	s.Histories += o.Histories
	s.steps += o.steps
	s.requests += o.requests
	for k, n := range o.events {
		s.events[k] += n
	}
	for k, n := range o.faults {
		s.faults[k] += n
	}
	for k, n := range o.maxima {
		s.most(k, n)
	}
}

// WriteTo writes all counts.
func (s *Stats) WriteTo(w io.Writer) (int64, error) {
	out := fmt.Sprintf("histories %d, steps %d, requests %d\n", s.Histories, s.steps, s.requests)
	for _, f := range slices.Sorted(maps.Keys(s.faults)) {
		out += fmt.Sprintf("  fault %-16s %9d\n", f, s.faults[f])
	}
	for _, k := range slices.Sorted(maps.Keys(s.events)) {
		out += fmt.Sprintf("  %-28s %9d\n", k, s.events[k])
	}
	for _, k := range slices.Sorted(maps.Keys(s.maxima)) {
		out += fmt.Sprintf("  most %-23s %9d\n", k, s.maxima[k])
	}
	n, err := io.WriteString(w, out)
	return int64(n), err
}
