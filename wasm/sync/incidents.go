package sync

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	stdsync "sync"
	"sync/atomic"
	"time"
)

// Incident is something that went wrong with syncing itself and was dealt with,
// for the person under "Diagnostics".
type Incident struct {
	What      string    `json:"what"`
	At        time.Time `json:"at"`              // the last time it happened
	Times     int       `json:"times,omitempty"` // in a row; 0 for once
	Recovered time.Time `json:"recovered"`       // zero while it has not
}

// MaxIncidents bounds what each writer keeps, and what a reader is given.
const MaxIncidents = 20

// metaIncidents is the named value of one writer's incidents. Each has its own, so
// that no two write the same: the leading page, the worker, the service worker.
const metaIncidents = "incidents:"

// Writers of incidents.
const (
	ByPage          = "page"
	ByWorker        = "worker"
	ByServiceWorker = "serviceworker"
)

// values is the part of a store that incidents are kept in.
type values interface {
	Meta(ctx context.Context, names ...string) (map[string]string, error)
	SetMeta(ctx context.Context, values map[string]string) error
}

// IncidentLog keeps the incidents of one writer. A nil IncidentLog keeps nothing. What can't be
// saved stays in memory and is saved with what comes next. Each change is made to
// what is stored then: another tab may have led meanwhile, and noted something.
type IncidentLog struct {
	Store  values
	Writer string
	Now    func() time.Time

	well    atomic.Bool // all that was noted has recovered, and is saved
	saving  stdsync.Mutex
	unsaved []func([]Incident) []Incident // oldest first, at most MaxIncidents
}

// Note notes an incident. It does not block.
func (l *IncidentLog) Note(what string) {
	if l == nil {
		return
	}
	at := l.Now().UTC()
	l.well.Store(false)
	go l.change(func(list []Incident) []Incident { return noted(list, what, at) })
}

// Recovered notes that all is well again.
func (l *IncidentLog) Recovered() {
	if l == nil || l.well.Load() {
		return
	}
	at := l.Now().UTC()
	go l.change(func(list []Incident) []Incident { return recovered(list, at) })
}

// noted adds an incident; the same again is one that happened more often.
func noted(list []Incident, what string, at time.Time) []Incident {
	if len(list) > 0 && list[0].What == what {
		out := slices.Clone(list)
		out[0].At, out[0].Recovered, out[0].Times = at, time.Time{}, max(out[0].Times, 1)+1
		return out
	}
	out := append([]Incident{{What: what, At: at}}, list...)
	return out[:min(len(out), MaxIncidents)]
}

func recovered(list []Incident, at time.Time) []Incident {
	out := slices.Clone(list)
	for i := range out {
		if out[i].Recovered.IsZero() {
			out[i].Recovered = at
		}
	}
	return out
}

// saveWithin bounds the storing of an incident: the storage may be what is wrong.
const saveWithin = time.Minute

func (l *IncidentLog) change(f func([]Incident) []Incident) {
	l.saving.Lock()
	defer l.saving.Unlock()
	l.unsaved = append(l.unsaved, f)
	l.unsaved = l.unsaved[max(0, len(l.unsaved)-MaxIncidents):]
	ctx, cancel := context.WithTimeout(context.Background(), saveWithin)
	defer cancel()
	name := metaIncidents + l.Writer
	m, err := l.Store.Meta(ctx, name)
	if err != nil {
		return
	}
	before := parseIncidents(m[name])
	after := before
	for _, f := range l.unsaved {
		after = f(after)
	}
	if !slices.Equal(before, after) {
		text, err := json.Marshal(after)
		if err != nil || l.Store.SetMeta(ctx, map[string]string{name: string(text)}) != nil {
			return
		}
	}
	l.unsaved = nil
	l.well.Store(!slices.ContainsFunc(after, func(i Incident) bool { return i.Recovered.IsZero() }))
}

func parseIncidents(text string) []Incident {
	var list []Incident
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil // an older version's, or damaged: it is told nothing of
	}
	return list
}

// Incidents are the newest of all writers, newest first.
func Incidents(ctx context.Context, store interface {
	Meta(ctx context.Context, names ...string) (map[string]string, error)
}) ([]Incident, error) {
	m, err := store.Meta(ctx, metaIncidents+ByPage, metaIncidents+ByWorker, metaIncidents+ByServiceWorker)
	if err != nil {
		return nil, fmt.Errorf("read the incidents: %w", err)
	}
	var all []Incident
	for _, writer := range []string{ByPage, ByWorker, ByServiceWorker} {
		all = append(all, parseIncidents(m[metaIncidents+writer])...)
	}
	slices.SortStableFunc(all, func(a, b Incident) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.What, b.What)) })
	return all[:min(len(all), MaxIncidents)], nil
}
