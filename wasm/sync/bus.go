package sync

import (
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// Bus carries messages between the pages and the hosts of one browser: the
// BroadcastChannel "rollcall", and in tests a memory bus. A message is a hint
// to re-read; it may be lost, and a sender does not hear its own.
type Bus interface {
	Publish(Message)
	// Subscribe calls f for each message of others until stop is called. f must
	// not block; see TrySend.
	Subscribe(f func(Message)) (stop func())
}

// TrySend sends v unless that would block: a channel with a buffer of one then holds a
// notification already.
func TrySend[V any](ch chan<- V, v V) {
	select {
	case ch <- v:
	default:
	}
}

// Kind is what a message is about.
type Kind string

const (
	RowsChanged    Kind = "rows"      // re-read Refs, or everything when there are none
	Enqueued       Kind = "enqueued"  // there are new operations
	StatusChanged  Kind = "status"    // Status is the host's newest
	SyncRequest    Kind = "sync"      // do a round, for Reason; answer with Synced and the same ID if it has one
	SyncDone       Kind = "synced"    // the round asked for by ID has ended: Report
	Connectivity   Kind = "connected" // the page's online or offline event: Online
	StatusRequest  Kind = "ask"       // the host should publish its status
	Heartbeat      Kind = "beat"      // the holder of RoundLock gets on
	WorkerAlive    Kind = "alive"     // the leading tab's worker lives; its status is as it said
	WorkerStarting Kind = "booting"   // the leading tab starts a worker
)

// Message is what travels on the Bus, as JSON.
type Message struct {
	Kind   Kind        `json:"kind"`
	ID     string      `json:"id,omitempty"`
	Refs   []queue.Ref `json:"refs,omitempty"`
	Reason Reason      `json:"reason,omitempty"`
	Online bool        `json:"online,omitempty"`
	Status *Status     `json:"status,omitempty"`
	Report *Report     `json:"report,omitempty"`
}

// Reason is why a round was asked for.
type Reason string

const (
	Manual   Reason = "manual"
	Write    Reason = "write"
	Online   Reason = "online"
	Visible  Reason = "visible"
	Stream   Reason = "stream"
	Timer    Reason = "timer"
	Start    Reason = "start"
	Periodic Reason = "periodic"
)

// Phase is what the engine is doing.
type Phase string

const (
	Idle    Phase = "idle"
	Syncing Phase = "syncing"
	Success Phase = "success"
	Failed  Phase = "error"
)

// Status is the engine's standing, for a person. Online means that the server
// answered lately, whatever the browser believes.
type Status struct {
	Phase    Phase        `json:"phase"`
	Online   bool         `json:"online"`
	Problem  *api.Problem `json:"problem,omitempty"` // why the last round failed
	Pushed   int          `json:"pushed"`            // in the last round, as are the next four
	Pulled   int          `json:"pulled"`
	Conflict int          `json:"conflict"`
	Rejected int          `json:"rejected"`
	Repaired int          `json:"repaired"` // rows that were not as the server has them
	SyncedAt time.Time    `json:"syncedAt"` // end of the last good round; zero for never
	At       time.Time    `json:"at"`       // when this status was made
	Host     string       `json:"host"`     // "worker", "serviceworker", or "page" when no worker runs
	Stream   bool         `json:"stream"`   // the event stream is open
	// Rebuild is how far the list has come, nil when the feed is not being read from
	// its beginning.
	Rebuild *ResyncProgress `json:"rebuild,omitempty"`
}

// ResyncProgress is how far the reading of the feed from its beginning has come.
type ResyncProgress struct {
	First   bool `json:"first"`   // this device has never had the whole list
	Arrived int  `json:"arrived"` // rows so far
}

// Report is what a round did, and why it could not do more.
type Report struct {
	Pushed   int          `json:"pushed"` // operations the server acknowledged
	Pulled   int          `json:"pulled"` // changes received
	Conflict int          `json:"conflict"`
	Rejected int          `json:"rejected"`
	Repaired int          `json:"repaired"` // rows that were not as the server has them
	Waiting  int          `json:"waiting"`  // operations still in the queue
	More     bool         `json:"more"`     // the round's bounds were reached; another one goes on
	Problem  *api.Problem `json:"problem,omitempty"`
}

// Meta names the engine and the repository share.
const (
	MetaClient = "client" // this browser's client id, a UUID
	MetaCursor = "cursor" // the feed's cursor
	// MetaGeneration counts how often the feed was read from its beginning.
	MetaGeneration = "generation"
	// MetaArrived counts the rows read since then.
	MetaArrived  = "arrived"
	MetaSkew     = "skew"      // server clock minus device clock, in milliseconds
	MetaSyncedAt = "syncedAt"  // end of the last good round, RFC 3339
	MetaCheck    = "check"     // a Check: how this device compares with the server
	MetaStrategy = "strategy:" // + entity type: the conflict strategy
)
