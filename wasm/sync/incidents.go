package sync

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	stdsync "sync"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/queue"
)

// Incident is something that went wrong with syncing itself and was handled. A person
// finds it under "Diagnostics".
type Incident struct {
	What      string    `json:"what"`
	At        time.Time `json:"at"`              // the last time it happened
	Times     int       `json:"times,omitempty"` // in a row; 0 for once
	Recovered time.Time `json:"recovered"`       // zero while it has not
}

// MaxIncidents bounds what each writer keeps, and what Incidents returns.
const MaxIncidents = 20

// Names of hosts and of writers of incidents.
const (
	ByPage          = "page"
	ByWorker        = "worker"
	ByServiceWorker = "serviceworker"
)

// metaReader and metaStore are the parts of a store that incidents need.
type metaReader interface {
	Meta(ctx context.Context, names ...string) (map[string]string, error)
}

type metaStore interface {
	metaReader
	SetMeta(ctx context.Context, values map[string]string) error
}

// IncidentLog keeps the incidents of one writer. A nil IncidentLog keeps nothing. What
// can't be saved stays in memory until it can be: the storage may wait for the tab that is
// frozen. Each change applies to what is stored at the time: another tab may have led
// meanwhile, and noted something. All fields are required.
type IncidentLog struct {
	// Store keeps the incidents. It may fail.
	Store metaStore
	// Writer is ByPage, ByWorker or ByServiceWorker. Two live logs of one writer may lose
	// each other's incidents, and Incidents does not find those of another name.
	Writer string
	// Now is the device's clock.
	Now func() time.Time

	clean   atomic.Bool // all incidents have recovered and are saved
	saving  stdsync.Mutex
	unsaved []func([]Incident) []Incident // oldest first, at most MaxIncidents
	again   bool                          // what is unsaved is tried again soon
}

// Note notes an incident. It does not block.
func (l *IncidentLog) Note(what string) {
	if l == nil {
		return
	}
	at := l.Now().UTC()
	l.clean.Store(false)
	go l.change(func(list []Incident) []Incident { return withIncident(list, what, at) })
}

// Recovered notes that syncing works again. It does not block.
func (l *IncidentLog) Recovered() {
	if l == nil || l.clean.Load() {
		return
	}
	at := l.Now().UTC()
	go l.change(func(list []Incident) []Incident { return withRecovery(list, at) })
}

// withIncident adds an incident, or counts the newest up if it is the same.
func withIncident(list []Incident, what string, at time.Time) []Incident {
	if len(list) > 0 && list[0].What == what {
		out := slices.Clone(list)
		out[0].At, out[0].Recovered, out[0].Times = at, time.Time{}, max(out[0].Times, 1)+1
		return out
	}
	out := append([]Incident{{What: what, At: at}}, list...)
	return out[:min(len(out), MaxIncidents)]
}

func withRecovery(list []Incident, at time.Time) []Incident {
	out := slices.Clone(list)
	for i := range out {
		if out[i].Recovered.IsZero() {
			out[i].Recovered = at
		}
	}
	return out
}

const (
	// saveTimeout bounds the saving of an incident: the storage may be what is wrong.
	saveTimeout = time.Minute
	// savePause is how long after a failure it is tried again.
	savePause = 5 * time.Second
)

func (l *IncidentLog) change(f func([]Incident) []Incident) {
	l.saving.Lock()
	defer l.saving.Unlock()
	l.unsaved = append(l.unsaved, f)
	l.unsaved = l.unsaved[max(0, len(l.unsaved)-MaxIncidents):]
	l.saveOrRetry()
}

// saveOrRetry saves what is unsaved, now or as soon as it can be.
func (l *IncidentLog) saveOrRetry() {
	l.save()
	if len(l.unsaved) == 0 || l.again {
		return
	}
	l.again = true
	time.AfterFunc(savePause, func() {
		l.saving.Lock()
		defer l.saving.Unlock()
		l.again = false
		l.saveOrRetry()
	})
}

func (l *IncidentLog) save() {
	if len(l.unsaved) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
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
	if !slices.Equal(before, after) && l.Store.SetMeta(ctx, map[string]string{name: writeIncidents(after)}) != nil {
		return
	}
	l.unsaved = nil
	l.clean.Store(!slices.ContainsFunc(after, func(i Incident) bool { return i.Recovered.IsZero() }))
}

func parseIncidents(text string) []Incident {
	list, _ := jsoncodec.Parse([]byte(text), readIncidents) // none in an older version's, or corrupt
	return list
}

// Incidents returns the newest incidents of all writers, newest first.
func Incidents(ctx context.Context, store metaReader) ([]Incident, error) {
	m, err := store.Meta(ctx, metaIncidents+ByPage, metaIncidents+ByWorker, metaIncidents+ByServiceWorker)
	if err != nil {
		return nil, fmt.Errorf("read the incidents: %w", err)
	}
	var all []Incident
	for _, writer := range []string{ByPage, ByWorker, ByServiceWorker} {
		all = append(all, parseIncidents(m[metaIncidents+writer])...)
	}
	queue.SortBy(all, func(a, b Incident) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.What, b.What)) })
	return all[:min(len(all), MaxIncidents)], nil
}
